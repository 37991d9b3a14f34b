"""
PID and PD1 to Patient, with the identifiers, names and words that Chinese senders use.

https://build.fhir.org/ig/HL7/v2-to-fhir/ConceptMap-segment-pid-to-patient.html
"""

from __future__ import annotations

from dataclasses import dataclass

from adapters.facts import Json, resource_id
from adapters.hl7v2.message import Segment, Value
from adapters.hl7v2.site import Site
from adapters.hl7v2.to_fhir.codes import field_concept, field_concepts, mapped_code
from adapters.hl7v2.to_fhir.contacts import address, contact_point
from adapters.hl7v2.to_fhir.draft import Draft, prune, reference
from adapters.hl7v2.to_fhir.identifiers import (
    NATIONAL_SYSTEMS,
    RESIDENT_ID,
    cx,
    default_authority,
    is_resident_id,
    primary,
    resident_facts,
    type_code,
    unique,
)
from adapters.hl7v2.to_fhir.names import human_name
from adapters.hl7v2.to_fhir.resources.people import practitioner, site_organization
from adapters.hl7v2.to_fhir.tables import look_up
from adapters.hl7v2.to_fhir.text import whole
from adapters.hl7v2.to_fhir.times import Times

_EXTENSION = "http://hl7.org/fhir/StructureDefinition/"
_MARITAL = "http://terminology.hl7.org/CodeSystem/v3-MaritalStatus"
# What `""` in a field of PID deletes.
_NULLABLE = {
    5: "name",
    6: f"extension.{_EXTENSION}patient-mothersMaidenName",
    7: "birthDate",
    8: "gender",
    10: "extension.urn:hie:race",
    11: "address",
    13: "telecom.home",
    14: "telecom.work",
    15: "communication",
    16: "maritalStatus",
    17: f"extension.{_EXTENSION}patient-religion",
    18: "identifier.AN",
    19: f"identifier.{RESIDENT_ID}",
    20: "identifier.DL",
    22: "extension.urn:hie:ethnic-group",
    23: f"extension.{_EXTENSION}patient-birthPlace",
    24: "multipleBirthBoolean",
    25: "multipleBirthInteger",
    26: f"extension.{_EXTENSION}patient-citizenship",
    28: f"extension.{_EXTENSION}patient-nationality",
    29: "deceasedDateTime",
    30: "deceasedBoolean",
}


def removed(draft: Draft, pid: Segment) -> tuple[str, ...]:
    """Elements that the sender deletes by `""`."""
    return tuple(element for field, element in _NULLABLE.items() if (pid.number, field) in draft.nulls)


def identifiers(pid: Segment, site: Site, times: Times) -> list[Json]:
    """Every identifier of a PID, the record number first: PID-3, 2, 4, 19, 20, 18."""
    base = default_authority(site)
    listed = [cx(value, site, times) for value in pid.all(3)]
    external = [cx(value, site, times) for value in pid.all(2)]
    alternate = [cx(value, site, times, fallback=f"{base}:alternate") for value in pid.all(4)]
    social = [cx(value, site, times, kind="SS", fallback=f"{base}:ssn") for value in pid.all(19)]
    licence = [cx(_licence(value), site, times, kind="DL", fallback=f"{base}:licence") for value in pid.all(20)]
    account = [cx(value, site, times, kind="AN", fallback=f"{base}:account") for value in pid.all(18)]
    return unique([prune(i) for i in (*listed, *external, *alternate, *social, *licence, *account) if i])


def _licence(value: Value) -> Value:
    """A DLN is number, issuing state, expiry: only the number is a CX."""
    return Value(value.components[:1])


def patient_id_of(identifier: Json, site: Site) -> str:
    """
    The id of the source Patient known by an identifier.

    A national number is everybody's: the record it names stays the record of this site.
    """
    system, value = identifier["system"], identifier["value"]
    if system in NATIONAL_SYSTEMS:
        return resource_id(default_authority(site), "Patient", system, value)
    return resource_id(system, "Patient", value)


def patient_id(pid: Segment, site: Site, times: Times | None = None) -> str:
    """The id of the Patient that a PID speaks of, "" when it has no identifier."""
    found = primary([i for i in identifiers(pid, site, times or Times()) if type_code(i) != "AN"])
    return patient_id_of(found, site) if found else ""


@dataclass(frozen=True, slots=True)
class Subject:
    """Who the message is about: the Patient resource, its id, and a reference to it."""

    resource: Json
    id: str
    reference: Json


def subject(draft: Draft, pid: Segment, pd1: Segment | None = None) -> Subject | None:
    """The Patient of a PID, None (with a remark) when no identifier names one."""
    identity = patient_id(pid, draft.site, draft.times)
    if not identity:
        draft.remark("PID-3 names no patient identifier")
        return None
    draft.subject(identity)
    return Subject(patient(draft, pid, identity, pd1), identity, reference("Patient", identity))


def patient(draft: Draft, pid: Segment, identity: str, pd1: Segment | None = None) -> Json:
    """The Patient resource of a PID."""
    known = identifiers(pid, draft.site, draft.times)
    resource = {
        "resourceType": "Patient",
        "id": identity,
        "identifier": known,
        "active": True,
        "name": [n for v in (*pid.all(5), *map(_alias, pid.all(9))) if (n := human_name(v, draft.times))],
        "gender": mapped_code(draft, pid, 8, "0001") or ("unknown" if pid.text(8) else ""),
        "birthDate": draft.date(pid, 7),
        "address": [a for v in pid.all(11) if (a := address(v, draft.times))],
        "telecom": _telecom(pid),
        "maritalStatus": _marital(draft, pid),
        "communication": [{"language": language}] if (language := field_concept(draft, pid, 15, table="0296")) else [],
        "managingOrganization": site_organization(draft),
        "generalPractitioner": [p for v in (pd1.all(4) if pd1 else ()) if (p := practitioner(draft, v))],
        "extension": _extensions(draft, pid),
        **_birth_time(draft, pid),
        **_multiple_birth(pid),
        **_death(draft, pid),
    }
    _check_resident_id(draft, resource)
    return prune(resource)  # type: ignore[no-any-return]


def _alias(value: Value) -> Value:
    return value if value[7] else Value((*value.components[:6], *[("",)] * (6 - len(value.components[:6])), ("A",)))


def _telecom(pid: Segment) -> list[Json]:
    home = [contact_point(value, "home") for value in pid.all(13)]
    return [point for point in (*home, *(contact_point(value, "work") for value in pid.all(14))) if point]


def _marital(draft: Draft, pid: Segment) -> Json:
    concept = field_concept(draft, pid, 16, table="0002")
    if code := look_up("0002", pid.text(16)):
        concept["coding"] = [{"system": _MARITAL, "code": code}, *concept.get("coding", [])]
    return concept


def _birth_time(draft: Draft, pid: Segment) -> Json:
    reading = draft.times.read(pid.text(7))
    if reading is None or reading.parts < 5 or not reading.zoned or pid.text(7)[8:].startswith("000000"):
        return {}
    return {
        "_birthDate": {"extension": [{"url": f"{_EXTENSION}patient-birthTime", "valueDateTime": reading.date_time()}]}
    }


def _multiple_birth(pid: Segment) -> Json:
    if order := whole(pid.text(25), least=1):
        return {"multipleBirthInteger": order}
    return {"multipleBirthBoolean": pid.text(24) == "Y"} if pid.text(24) in ("Y", "N") else {}


def _death(draft: Draft, pid: Segment) -> Json:
    if moment := draft.date_time(pid, 29):
        return {"deceasedDateTime": moment}
    return {"deceasedBoolean": pid.text(30) == "Y"} if pid.text(30) in ("Y", "N") else {}


def _extensions(draft: Draft, pid: Segment) -> list[Json]:
    """What R4 keeps outside of Patient's own elements, in HL7's extensions where one exists."""
    mother, place = pid[6], pid.text(23)
    texts: list[Json] = [
        {"url": f"{_EXTENSION}patient-mothersMaidenName", "valueString": mother[1] or mother[2]},
        {"url": f"{_EXTENSION}patient-birthPlace", "valueAddress": {"text": place} if place else {}},
    ]
    concepts = [
        *(("urn:hie:race", c) for c in field_concepts(draft, pid, 10, table="0005")),
        *(("urn:hie:ethnic-group", c) for c in field_concepts(draft, pid, 22, table="0189")),
        *((f"{_EXTENSION}patient-religion", c) for c in field_concepts(draft, pid, 17, table="0006")),
    ]
    coded = [{"url": url, "valueCodeableConcept": concept} for url, concept in concepts]
    nations = [_part(f"{_EXTENSION}patient-citizenship", c) for c in field_concepts(draft, pid, 26, table="0171")]
    nations += [_part(f"{_EXTENSION}patient-nationality", c) for c in field_concepts(draft, pid, 28, table="0212")]
    return [e for e in texts if any(v for k, v in e.items() if k != "url")] + coded + nations


def _part(url: str, concept: Json) -> Json:
    return {"url": url, "extension": [{"url": "code", "valueCodeableConcept": concept}]}


def _check_resident_id(draft: Draft, resource: Json) -> None:
    """GB 11643: the number says birth date and sex; disagreement is for a steward, never for us to mend."""
    numbers = [i["value"] for i in resource["identifier"] if i["system"] == RESIDENT_ID]
    for number in numbers:
        if not is_resident_id(number):
            draft.remark("resident identity number with a wrong check digit")
            continue
        birth, gender = resident_facts(number)
        if resource["birthDate"] and resource["birthDate"] != birth:
            draft.remark("birth date disagrees with the resident identity number")
        if resource["gender"] in ("male", "female") and resource["gender"] != gender:
            draft.remark("sex disagrees with the resident identity number")
