"""
Data types in the project's own way, for the mapping tables: identifiers with systems, names and people as elsewhere.

https://build.fhir.org/ig/HL7/v2-to-fhir/datatype_maps.html
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from adapters.facts import Json
from adapters.hl7v2.mapping import references
from adapters.hl7v2.mapping.model import Codes
from adapters.hl7v2.mapping.saying import NOT_NATIVE
from adapters.hl7v2.message import Segment, Value
from adapters.hl7v2.to_fhir.codes import concept, local_system
from adapters.hl7v2.to_fhir.contacts import address, contact_point
from adapters.hl7v2.to_fhir.draft import Draft, prune
from adapters.hl7v2.to_fhir.identifiers import cx, ei
from adapters.hl7v2.to_fhir.names import human_name
from adapters.hl7v2.to_fhir.quantities import composite, decimal
from adapters.hl7v2.to_fhir.resources.locations import location
from adapters.hl7v2.to_fhir.resources.people import interpreter, organization, practitioner
from adapters.hl7v2.to_fhir.tables import known_system, ucum, v2_system
from adapters.hl7v2.to_fhir.text import clean
from adapters.hl7v2.to_fhir.times import Times

Native = Callable[[Draft, Value], Any]
_TIME_UNITS = frozenset({"s", "min", "h", "d", "wk", "mo", "a"})


class Conventions:
    """The context of the tables in one translation; `counts` False where a translator has counted already."""

    def __init__(self, draft: Draft, *, counts: bool = True) -> None:
        self._draft, self._counts = draft, counts

    @property
    def times(self) -> Times:
        return self._draft.times

    def native(self, table: str, value: Value, where: str, codes: Codes | None) -> Any:
        """The data types that are read here; the others are left to their tables."""
        if table in _CONCEPTS:
            return self._concept(value, where, codes)
        read = _NATIVES.get(table)
        return prune(read(self._draft, value)) if read else NOT_NATIVE

    def _concept(self, value: Value, where: str, codes: Codes | None) -> Json:
        """The codings as sent, after the one that the guide's table has for them."""
        table = codes.system.removeprefix("HL7") if codes else ""
        counted = len(self._draft.unmapped)
        made: Json = prune(concept(self._draft, value, where, table=table if table.isdecimal() else ""))
        if not self._counts:
            del self._draft.unmapped[counted:]
        target = codes.of(clean(value[1])) if codes and value[1] else None
        if target is None:
            if codes and made.get("coding") and self._counts and len(self._draft.unmapped) == counted:
                self._draft.code_unmapped(where, made["coding"][0])
            return made
        coding = {key: text for key, text in zip(("system", "code", "display"), target, strict=True) if text}
        others = [one for one in made.get("coding", ()) if (one["system"], one["code"]) != target[:2]]
        return {**made, "coding": [coding, *others]}

    def refer(self, resource_type: str, content: Json) -> Json:
        """By identifier and name: the tables make no resources of their own."""
        return references.logical(resource_type, content)

    def system(self, name: str) -> str:
        """A coding system or authority by the name that a message uses."""
        return known_system(name) or (local_system(self._draft.site.id, name) if name else "")

    def unknown(self, where: str, system: str, code: str, display: str) -> None:
        """A code that the guide's table does not know."""
        if self._counts:
            name = system.removeprefix("HL7")
            coding = {"system": v2_system(name) if name.isdecimal() else system, "code": code, "display": display}
            self._draft.code_unmapped(where, coding)

    def unreadable(self, where: str) -> None:
        """A text that is not of its element's type."""
        segment, _, field = where.partition("-")
        if self._counts and field.isdecimal():
            self._draft.lost(Segment(segment, ()), int(field))


_CONCEPTS = frozenset(
    {"CWE[CodeableConcept]", "CNE[CodeableConcept]", "CE[CodeableConcept]", "CF[CodeableConcept]"}
    | {"ID[CodeableConcept]", "IS[CodeableConcept]"}
)


def _note(_draft: Draft, value: Value) -> Json:
    return {"text": clean(value[2]) or clean(value[1])}


def _duration(draft: Draft, value: Value) -> Any:
    """The number of a duration: FHIR takes none without its unit."""
    return decimal(value[1]) if _time_unit(draft, value) else None


def _time_unit(_draft: Draft, value: Value) -> str:
    """A unit of time of a CQ: FHIR takes no other."""
    unit = ucum(value.part(2)[1])
    return unit if unit in _TIME_UNITS else ""


_NATIVES: dict[str, Native] = {
    "XPN[HumanName]": lambda draft, value: human_name(value, draft.times),
    "XAD[Address]": lambda draft, value: address(value, draft.times),
    "XTN[ContactPoint]": lambda _draft, value: contact_point(value),
    "CX[Identifier]": lambda draft, value: cx(value, draft.site, draft.times),
    "EI[Identifier-Extension]": lambda draft, value: ei(value, draft.site),
    "EIP[Identifier-PlacerAssignedIdentifier]": lambda draft, value: ei(value.part(1), draft.site, kind="PGN"),
    "EIP[Identifier-FillerAssignedIdentifier]": lambda draft, value: ei(value.part(2), draft.site, kind="FGN"),
    "XCN[Practitioner]": practitioner,
    "XCN[PractitionerRole]": practitioner,
    "CNN[Practitioner]": practitioner,
    "NDL[PractitionerRole]": interpreter,
    "PL[Location]": location,
    "XON[Organization]": organization,
    "CQ[Quantity]": lambda _draft, value: composite(value),
    "CQ[code]": _time_unit,
    "CQ[decimal]": _duration,
    "CWE[Annotation]": _note,
}
