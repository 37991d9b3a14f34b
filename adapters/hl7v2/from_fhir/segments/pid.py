"""
Patient to PID, PD1, MRG; RelatedPerson to NK1.

https://build.fhir.org/ig/HL7/v2-to-fhir/ConceptMap-segment-pid-to-patient.html, read backwards
"""

from __future__ import annotations

from collections.abc import Sequence

from adapters.facts import Json
from adapters.hl7v2.from_fhir.codes import V2, concept, concepts, table_code
from adapters.hl7v2.from_fhir.contacts import xad, xtn
from adapters.hl7v2.from_fhir.identifiers import cx, of_type
from adapters.hl7v2.from_fhir.names import Resources, xcns, xpn
from adapters.hl7v2.from_fhir.receiver import Receiver
from adapters.hl7v2.from_fhir.times import day, dtm
from adapters.hl7v2.from_fhir.writing import Field, Line, Repetition

_EXTENSION = "http://hl7.org/fhir/StructureDefinition/"
_MARITAL = f"{V2}0002"


def pid(patient: Json, receiver: Receiver, *, others: Sequence[Json] = (), account: Sequence[Json] = ()) -> Line:
    """
    PID of a Patient.

    `others` are identifiers that other sources know the same human by; they follow the Patient's own. `account` is
    the account number of a visit (PID-18).
    """
    known = patient.get("identifier", [])
    accounts = [*account, *of_type(known, "AN")]
    numbers = _unique([*(one for one in known if one not in accounts), *others])
    points = patient.get("telecom", ())
    work = [point for point in points if point.get("use") == "work"]
    return Line(
        "PID",
        {
            1: "1",
            3: _all(cx(one, receiver) for one in numbers),
            5: _all(xpn(one) for one in patient.get("name", ())),
            6: _mother(patient),
            7: _birth(patient),
            8: table_code("0001", patient.get("gender", "")),
            10: _concepts(patient, "urn:hie:race"),
            11: _all(xad(one) for one in patient.get("address", ())),
            13: _all(xtn(one, receiver) for one in points if one not in work),
            14: _all(xtn(one, receiver) for one in work),
            15: concept(next((one["language"] for one in patient.get("communication", ())), None)),
            16: _marital(patient.get("maritalStatus")),
            17: _concepts(patient, f"{_EXTENSION}patient-religion")[:1],
            18: cx(accounts[0], receiver) if accounts else "",
            22: _concepts(patient, "urn:hie:ethnic-group"),
            23: _place(patient),
            24: _flag(patient.get("multipleBirthBoolean")),
            25: str(patient.get("multipleBirthInteger", "")),
            26: _nations(patient, f"{_EXTENSION}patient-citizenship"),
            28: _nations(patient, f"{_EXTENSION}patient-nationality")[:1],
            29: dtm(patient.get("deceasedDateTime", "")),
            30: "Y" if patient.get("deceasedDateTime") else _flag(patient.get("deceasedBoolean")),
        },
    )


def pd1(patient: Json, resources: Resources, receiver: Receiver) -> list[Line]:
    """PD1 with the general practitioners, where there are any."""
    doctors = xcns(patient.get("generalPractitioner", []), resources, receiver)
    return [Line("PD1", {4: [*doctors]})] if doctors else []


def mrg(patient: Json, receiver: Receiver) -> Line:
    """MRG: the record that is used no more."""
    return Line("MRG", {1: _all(cx(one, receiver) for one in patient.get("identifier", ()))})


def nk1(number: int, person: Json, receiver: Receiver) -> Line:
    """NK1 of a RelatedPerson."""
    points = person.get("telecom", ())
    work = [point for point in points if point.get("use") == "work"]
    period = person.get("period", {})
    return Line(
        "NK1",
        {
            1: str(number),
            2: _all(xpn(one) for one in person.get("name", ())),
            3: next(iter(concepts(person.get("relationship"))), ""),
            4: _all(xad(one) for one in person.get("address", ())),
            5: _all(xtn(one, receiver) for one in points if one not in work),
            6: _all(xtn(one, receiver) for one in work),
            8: day(period.get("start", "")),
            9: day(period.get("end", "")),
            15: table_code("0001", person.get("gender", "")),
            16: dtm(person.get("birthDate", "")),
            33: _all(cx(one, receiver) for one in person.get("identifier", ())),
        },
    )


def _all(found: object) -> list[Repetition]:
    return [one for one in found if one]  # type: ignore[attr-defined]


def _unique(identifiers: Sequence[Json]) -> list[Json]:
    seen: dict[tuple[str, str], Json] = {}
    for one in identifiers:
        seen.setdefault((str(one.get("system", "")), str(one.get("value", ""))), one)
    return list(seen.values())


def _flag(value: bool | None) -> str:
    return "" if value is None else "Y" if value else "N"


def _extensions(patient: Json, url: str) -> list[Json]:
    return [one for one in patient.get("extension", ()) if one.get("url") == url]


def _concepts(patient: Json, url: str) -> list[Repetition]:
    return concepts([one["valueCodeableConcept"] for one in _extensions(patient, url)])


def _nations(patient: Json, url: str) -> list[Repetition]:
    inner = [part for one in _extensions(patient, url) for part in one.get("extension", ()) if part["url"] == "code"]
    return concepts([part["valueCodeableConcept"] for part in inner])


def _mother(patient: Json) -> Field:
    found = _extensions(patient, f"{_EXTENSION}patient-mothersMaidenName")
    return (found[0]["valueString"], "", "", "", "", "", "M") if found else ""


def _place(patient: Json) -> str:
    found = _extensions(patient, f"{_EXTENSION}patient-birthPlace")
    return str(found[0]["valueAddress"].get("text", "")) if found else ""


def _birth(patient: Json) -> str:
    times = [one.get("valueDateTime", "") for one in patient.get("_birthDate", {}).get("extension", ())]
    return dtm(times[0]) if times and times[0] else dtm(patient.get("birthDate", ""))


def _marital(found: Json | None) -> Field:
    """A code of table 0002: as the source sent it, else by the meaning of FHIR's code."""
    codings = (found or {}).get("coding", ())
    sent = [one for one in codings if not one.get("system", "").startswith("http://terminology.hl7.org/CodeSystem/v3-")]
    if sent:
        return concept({**(found or {}), "coding": sent}, prefer=_MARITAL)
    code = next((table_code("0002", one.get("code", "")) for one in codings), "")
    return (code, str(codings[0].get("display", "")), "HL70002") if code else concept(found)
