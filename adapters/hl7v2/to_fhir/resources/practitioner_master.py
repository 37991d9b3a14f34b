"""
STF and PRA of a master file to Practitioner and PractitionerRole: the one source that may rewrite them.

HL7 v2 chapter 15.4 (STF, PRA, LAN); https://hl7.org/fhir/R4/practitioner.html
"""

from __future__ import annotations

from adapters.facts import Json, resource_id
from adapters.hl7v2.message import Segment
from adapters.hl7v2.to_fhir.codes import field_concept, field_concepts
from adapters.hl7v2.to_fhir.contacts import address, contact_point
from adapters.hl7v2.to_fhir.draft import Draft, prune, reference
from adapters.hl7v2.to_fhir.identifiers import cx, default_authority, typed, unique
from adapters.hl7v2.to_fhir.names import human_name
from adapters.hl7v2.to_fhir.reconcile.masters import entry, entry_if_known
from adapters.hl7v2.to_fhir.reconcile.moments import stamp
from adapters.hl7v2.to_fhir.resources.master_entry import Entry
from adapters.hl7v2.to_fhir.resources.people import site_organization
from adapters.hl7v2.to_fhir.tables import look_up
from adapters.hl7v2.to_fhir.text import clean


def practitioner_entry(draft: Draft, found: Entry) -> bool:
    """Assert what an MFE with its STF, PRA and LAN says of a person; False (with a remark) when nothing names one."""
    stf, pra = found.first("STF"), found.first("PRA")
    key = clean(found.mfe.text(4)) or clean(stf.text(1)) or clean(pra.text(1))
    if not key:
        draft.remark("MFE-4 names no entry")
        return False
    system = default_authority(draft.site)
    numbers = unique([{"system": system, "value": key}, *_numbers(draft, stf, pra)])
    person = _person(draft, found, stf, numbers)
    own = draft.add(stamp(person | {"id": resource_id(system, "Practitioner", key)}, draft.moment), entry(found.action))
    _aliases(draft, found, person, numbers, own)
    _role(draft, found, stf, pra, own, key)
    return True


def _numbers(draft: Draft, stf: Segment, pra: Segment) -> list[Json]:
    """STF-2 and the licences of PRA-6."""
    listed = [prune(cx(value, draft.site, draft.times)) for value in stf.all(2)]
    for value in pra.all(6):
        kind, issuer = clean(value[2]), clean(value[3])
        system = ":".join(filter(None, (default_authority(draft.site), "licence", kind, issuer)))
        listed.append(prune({"system": system, "value": clean(value[1]), "type": typed(kind)}))
    return listed


def _person(draft: Draft, found: Entry, stf: Segment, numbers: list[Json]) -> Json:
    points = [contact_point(v, "work") for v in stf.all(10)]
    points += [{"system": "email", "value": mail} for value in stf.all(15) if (mail := clean(value[1]))]
    return {
        "resourceType": "Practitioner",
        "identifier": numbers,
        "active": found.active(look_up("0183", clean(stf.text(7)))),
        "name": [name for value in stf.all(3) if (name := human_name(value, draft.times))],
        "telecom": [point for point in points if point],
        "address": [place for value in stf.all(11) if (place := address(value, draft.times))],
        "gender": look_up("0001", clean(stf.text(5))),
        "birthDate": draft.date(stf, 6),
        "communication": [
            language for lan in found.all("LAN") if (language := field_concept(draft, lan, 2, table="0296"))
        ],
    }


def _aliases(draft: Draft, found: Entry, person: Json, numbers: list[Json], own: Json) -> None:
    """Orders and results may have named the person by another of these numbers: that record is told, too."""
    for number in numbers:
        identity = resource_id(number["system"], "Practitioner", number["value"])
        other = reference("Practitioner", identity)["reference"]
        if other not in draft.facts and other != own["reference"]:
            draft.conditional.add(
                draft.add(stamp({**person, "id": identity}, draft.moment), entry_if_known(found.action))["reference"]
            )


def _role(draft: Draft, found: Entry, stf: Segment, pra: Segment, own: Json, key: str) -> None:
    """What the person is here: category, job, specialty, department, from when to when."""
    department = stf.text(8, 2) or stf.text(8)
    codes = [field_concept(draft, pra, 3, table="0186"), field_concept(draft, stf, 4, table="0182")]
    codes += [{"text": title} for title in (clean(stf.text(18)),) if title]
    codes += field_concepts(draft, stf, 19)
    resource = {
        "resourceType": "PractitionerRole",
        "id": resource_id(default_authority(draft.site), "PractitionerRole", key),
        "active": found.active(look_up("0183", clean(stf.text(7)))),
        "practitioner": own,
        "organization": site_organization(draft),
        "code": [code for code in codes if code],
        # An SPD names its specialty in words; the board that certified it follows.
        "specialty": [
            *({"text": name} for value in pra.all(5) if (name := clean(value[1]))),
            *field_concepts(draft, stf, 9, table="0069"),
        ],
        "location": [{"display": department}] if department else [],
        "period": {
            "start": draft.date(stf, 12) or draft.date(pra, 8),
            "end": draft.date(stf, 13) or draft.date(pra, 10),
        },
    }
    draft.add(stamp(resource, draft.moment), entry(found.action))
