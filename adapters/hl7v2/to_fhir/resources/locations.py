"""
PL to Location: the most precise place that the message names, bed, room or ward.

https://build.fhir.org/ig/HL7/v2-to-fhir/ConceptMap-datatype-pl-to-location.html
"""

from __future__ import annotations

import re

from adapters.facts import Json, create_only, resource_id
from adapters.hl7v2.message import Value
from adapters.hl7v2.to_fhir.draft import Draft
from adapters.hl7v2.to_fhir.identifiers import default_authority, system_of

_PHYSICAL = "http://terminology.hl7.org/CodeSystem/location-physical-type"
_KINDS = {3: ("bd", "Bed"), 2: ("ro", "Room"), 1: ("wa", "Ward")}


def _department(value: Value) -> tuple[str, str]:
    """Code and name of `^^bed^code&name`, the Chinese way to name a department; ("", "") otherwise."""
    code, name = value.sub(4, 1).strip(), value.sub(4, 2).strip()
    if code and name and not value.sub(4, 3) and not re.fullmatch(r"[\d.]+", name):
        return code, name
    return "", ""


def location(draft: Draft, value: Value) -> Json:
    """A PL as a reference to a Location (asserted if absent), {} when it names no place."""
    parts = [value[n].strip() for n in (1, 2, 3, 7, 8)]
    code, department = _department(value)
    if not any(parts) and not (code or value[4] or value[9]):
        return {}
    facility = "" if department else value[4].strip()
    system = default_authority(draft.site) if department or not facility else system_of(value.part(4), draft.site)
    name = value[9] or " ".join(filter(None, (department, *parts[:3]))) or facility or " ".join(filter(None, parts))
    resource = {
        "resourceType": "Location",
        "id": resource_id(system, "Location", code or facility, *parts),
        "identifier": [{"system": f"{system}:location", "value": "^".join(filter(None, (code or facility, *parts)))}],
        "name": name,
        "mode": "instance",
        "physicalType": _physical(value),
        "managingOrganization": {"display": facility} if facility else {},
    }
    return draft.add(resource, create_only, display=name)


def _physical(value: Value) -> Json:
    for component, (code, display) in _KINDS.items():
        if value[component]:
            return {"coding": [{"system": _PHYSICAL, "code": code, "display": display}]}
    return {}
