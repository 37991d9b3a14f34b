"""
LOC with LCH, LRL and LDP of a master file to Location.

HL7 v2 chapter 8.8; https://hl7.org/fhir/R4/location.html
"""

from __future__ import annotations

from adapters.facts import Json
from adapters.hl7v2.message import Segment, Value
from adapters.hl7v2.to_fhir.codes import field_concept, field_concepts
from adapters.hl7v2.to_fhir.contacts import address, contact_point
from adapters.hl7v2.to_fhir.draft import Draft
from adapters.hl7v2.to_fhir.reconcile.masters import entry
from adapters.hl7v2.to_fhir.reconcile.moments import stamp
from adapters.hl7v2.to_fhir.resources.locations import location
from adapters.hl7v2.to_fhir.resources.master_entry import Entry
from adapters.hl7v2.to_fhir.resources.people import organization
from adapters.hl7v2.to_fhir.tables import look_up
from adapters.hl7v2.to_fhir.text import clean

_PHYSICAL = "http://terminology.hl7.org/CodeSystem/location-physical-type"
_NAMES = {"bd": "Bed", "si": "Site", "area": "Area", "ro": "Room", "wa": "Ward"}
CHARACTERISTIC = "urn:hie:location-characteristic"
_PARENT = "PAR"


def location_entry(draft: Draft, found: Entry) -> bool:
    """Assert what an MFE with its LOC says of a place; False (with a remark) when nothing names one."""
    loc, ldp = found.first("LOC"), found.first("LDP")
    target = location(draft, loc[1] or found.mfe[4])
    if not target:
        draft.remark("MFE-4 and LOC-1 name no place")
        return False
    # The same place as PV1-3 names it: one record for both.
    named = draft.facts[target["reference"]].resource
    active = found.active(look_up("0183", clean(ldp.text(6))))
    resource = {
        **named,
        "status": "active" if active else "inactive",
        **_said(draft, loc, ldp, named),
        "extension": [_characteristic(draft, lch) for lch in found.all("LCH") if lch.text(4)],
        "partOf": _parent(draft, found, loc[1] or found.mfe[4], target),
    }
    draft.add(stamp(resource, draft.moment), entry(found.action))
    return True


def _said(draft: Draft, loc: Segment, ldp: Segment, named: Json) -> Json:
    """LOC-2 is what people call it; LDP which department it is and what is done there."""
    kind = look_up("0260", clean(loc.text(3)))
    points = [contact_point(v, "work") for v in (*loc.all(6), *ldp.all(11))]
    belongs = organization(draft, loc[4])
    return {
        "name": clean(loc.text(2)) or named["name"],
        "alias": [named["name"]] if clean(loc.text(2)) and clean(loc.text(2)) != named["name"] else [],
        "type": [*field_concepts(draft, loc, 3, table="0260"), field_concept(draft, ldp, 2, table="0264")],
        "physicalType": {"coding": [{"system": _PHYSICAL, "code": kind, "display": _NAMES[kind]}]}
        if kind
        else named.get("physicalType", {}),
        "address": next((a for v in loc.all(5) if (a := address(v, draft.times))), {}),
        "telecom": [point for point in points if point],
        "managingOrganization": belongs or named.get("managingOrganization", {}),
        "description": clean(ldp.text(3, 2)) or clean(ldp.text(3)),
    }


def _characteristic(draft: Draft, lch: Segment) -> Json:
    """LCH: what a place is like (table 0324), which R4's Location has no element for."""
    return {
        "url": f"{CHARACTERISTIC}:{clean(lch.text(4))}",
        "valueCodeableConcept": field_concept(draft, lch, 5) or {"text": "not valued by the sender"},
    }


def _parent(draft: Draft, found: Entry, value: Value, own: Json) -> Json:
    """LRL-4 PAR names the place that this one is in; else a bed is in its room, a room in its ward."""
    for lrl in found.all("LRL"):
        if clean(lrl.text(4)) == _PARENT and (place := location(draft, lrl[6])):
            return place
    for level in (3, 2):
        if value[level]:
            outer = Value(tuple(("",) if at == level - 1 else part for at, part in enumerate(value.components)))
            place = location(draft, outer)
            return place if place.get("reference") != own["reference"] else {}
    return {}
