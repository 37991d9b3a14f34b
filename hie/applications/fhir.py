"""
Small readers and builders of FHIR R4 JSON that all five modules share; no store, no clock.

https://hl7.org/fhir/R4/datatypes.html
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any
from zoneinfo import ZoneInfo

from records.stored import Json

TASK = "urn:hie:task"
TASK_INPUT = "urn:hie:task-input"
SUBJECT = "urn:hie:subject"
ACT_CODE = "http://terminology.hl7.org/CodeSystem/v3-ActCode"
# Days and months of the region's figures are its own, whatever zone a sender writes.
ZONE = ZoneInfo("Asia/Shanghai")
EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


def codings(concept: Json | None) -> Iterator[tuple[str, str]]:
    """Every (system, code) of a CodeableConcept."""
    for coding in (concept or {}).get("coding", ()):
        if coding.get("code"):
            yield coding.get("system", ""), coding["code"]


def code_in(concept: Json | None, system: str) -> str:
    """The code of one system, or an empty string."""
    return next((code for found, code in codings(concept) if found == system), "")


def concept(system: str, code: str, display: str = "") -> Json:
    """A CodeableConcept with one coding."""
    coding = {"system": system, "code": code}
    return {"coding": [coding | {"display": display} if display else coding]}


def words(found: Json | None) -> str:
    """The text of a CodeableConcept, else its first display, else its first code."""
    if not found:
        return ""
    coding: Json = next(iter(found.get("coding", ())), {})
    return str(found.get("text") or coding.get("display") or coding.get("code") or "")


def moment(text: str | None) -> datetime | None:
    """A FHIR dateTime as a point in time; a date without time begins at midnight in the region."""
    if not text:
        return None
    padded = text + "-01-01"[len(text) - 4 :] if len(text) < 10 else text
    parsed = datetime.fromisoformat(padded.replace("Z", "+00:00"))
    return parsed if parsed.tzinfo else parsed.replace(tzinfo=ZONE)


def day(text: str | None) -> date | None:
    """The day in the region on which a FHIR dateTime falls."""
    found = moment(text)
    return found.astimezone(ZONE).date() if found else None


def instant(at: datetime) -> str:
    """A point in time as FHIR writes it."""
    return at.astimezone(UTC).isoformat(timespec="seconds").replace("+00:00", "Z")


def decimal(value: Any) -> Decimal | None:
    """A number of any kind as Decimal."""
    return None if value is None or isinstance(value, bool) else Decimal(str(value))


def task_input(name: str, **value: Any) -> Json:
    """One Task.input: `task_input("systolic", valueDecimal=...)`."""
    return {"type": concept(TASK_INPUT, name), **value}


def inputs(task: Json, name: str) -> list[Json]:
    """The Task.input entries of a name."""
    return [entry for entry in task.get("input", ()) if code_in(entry.get("type"), TASK_INPUT) == name]


def first_input(task: Json, name: str, choice: str) -> Any:
    """The value of the first input of a name, e.g. `first_input(task, "systolic", "valueDecimal")`."""
    return next((entry.get(choice) for entry in inputs(task, name)), None)


def reference_id(reference: Json | str | None, kind: str = "") -> str:
    """The id in `Patient/abc`, where the type is the one asked for (or any); else an empty string."""
    text = reference if isinstance(reference, str) else (reference or {}).get("reference", "")
    found, _, logical = str(text).rpartition("/")
    return logical if found and (not kind or found.endswith(kind)) else ""


def patient_of(resource: Json) -> str:
    """The source Patient a clinical resource is about."""
    return next(
        (found for name in ("subject", "patient", "for") if (found := reference_id(resource.get(name), "Patient"))), ""
    )


def facility_of(resource: Json) -> str:
    """The Organization reference that answers for a resource, where it names one."""
    for name in ("serviceProvider", "managingOrganization", "owner", "custodian", "requester"):
        if reference_id(resource.get(name), "Organization"):
            return str(resource[name]["reference"])
    for performer in resource.get("performer", ()):
        actor = performer.get("actor", performer)
        if reference_id(actor, "Organization"):
            return str(actor["reference"])
    return ""


def name_of(patient: Json) -> str:
    """How a person is called: the official name first."""
    names: Sequence[Json] = sorted(patient.get("name", ()), key=lambda name: name.get("use") != "official")
    if not names:
        return ""
    first = names[0]
    return str(first.get("text") or f"{first.get('family', '')}{''.join(first.get('given', ()))}")


def sex_of(patient: Json) -> str:
    """The sex as a Chinese word, which pages translate."""
    return {"male": "男", "female": "女"}.get(patient.get("gender", ""), "不详")


def staff(subject: str, name: str) -> Json:
    """A reference to who acted: the account by its subject, and the name as it was then."""
    return {"type": "Practitioner", "identifier": {"system": SUBJECT, "value": subject}, "display": name}


def followed(task: Json, **changes: Any) -> Json:
    """A copy of a resource with some elements replaced, or left out where the value is None."""
    merged = {**task, **changes}
    merged.pop("meta", None)
    return {name: value for name, value in merged.items() if value is not None}
