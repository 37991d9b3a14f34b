"""
XCN and CNN to Practitioner: whoever has a number gets a record, whoever has only a name stays a name.

https://build.fhir.org/ig/HL7/v2-to-fhir/ConceptMap-datatype-xcn-to-practitioner.html
"""

from __future__ import annotations

from adapters.facts import Json, create_only, resource_id
from adapters.hl7v2.message import Segment, Value
from adapters.hl7v2.to_fhir.draft import Draft, prune
from adapters.hl7v2.to_fhir.identifiers import system_of, typed
from adapters.hl7v2.to_fhir.names import display_name, human_name, person_value


def practitioner(draft: Draft, value: Value) -> Json:
    """An XCN as a reference to a Practitioner (asserted if absent), {} when it names nobody."""
    name = prune(human_name(person_value(value), draft.times))
    number = value[1].strip()
    display = display_name(name) or number
    if not number:
        return {"display": display} if display else {}
    system = system_of(value.part(9), draft.site)
    identifier = {"system": system, "value": number, "type": typed(value[13].strip())}
    resource = {
        "resourceType": "Practitioner",
        "id": resource_id(system, "Practitioner", number),
        "identifier": [identifier],
        "name": [name],
        "qualification": [{"code": {"text": value[7]}}] if value[7] else [],
    }
    return draft.add(resource, create_only, display=display)


def practitioners(draft: Draft, segment: Segment, field: int) -> list[Json]:
    """Every repetition of an XCN field."""
    return [found for value in segment.all(field) if (found := practitioner(draft, value))]


def interpreter(draft: Draft, value: Value) -> Json:
    """The person inside an NDL (OBR-32): a CNN in component 1."""
    inner = value.part(1)
    flat = Value((*inner.components[:7], ("",), (inner[9],))) if inner[2] else value
    return practitioner(draft, flat)


def organization(draft: Draft, value: Value) -> Json:
    """An XON as a logical reference: name and identifier, for the directory knows organizations, not messages."""
    name, number = value[1].strip(), (value[10] or value[3]).strip()
    identifier = {"system": system_of(value.part(6), draft.site), "value": number} if number else {}
    return prune({"display": name, "identifier": identifier})  # type: ignore[no-any-return]


def site_organization(draft: Draft) -> Json:
    """The sending facility."""
    site = draft.site
    target = {"reference": f"Organization/{site.organization}"} if site.organization else {}
    return {**target, "display": site.name or draft.message.header.text(4) or site.id}
