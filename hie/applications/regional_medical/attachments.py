"""
The summary that goes with a referral: what of the record may be attached, and how an attached resource is shown.

Specification: region-1251 section 4, REG-01 (summary, results, drugs).
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from hie.applications.fhir import reference_id, words
from hie.applications.work import Reader, of_patients
from hie.errors import Refused
from hie.ui import N_
from records.stored import Json

KINDS = {
    "Condition": N_("诊断"),
    "AllergyIntolerance": N_("过敏"),
    "Observation": N_("检验与测量"),
    "DiagnosticReport": N_("报告"),
    "MedicationRequest": N_("用药"),
    "DocumentReference": N_("文书"),
    "QuestionnaireResponse": N_("随访记录"),
    "Encounter": N_("就诊"),
}
OFFERED = (
    "Condition", "AllergyIntolerance", "DiagnosticReport", "Observation", "MedicationRequest", "DocumentReference",
)  # fmt: skip
NEWEST = {"Condition": "-recorded-date", "AllergyIntolerance": "-date", "MedicationRequest": "-authoredon"}
DATES = ("effectiveDateTime", "issued", "authoredOn", "recordedDate", "date", "authored", "onsetDateTime")


@dataclass(frozen=True, slots=True)
class Entry:
    """One attached resource: its reference, kind, words of its sender, and day."""

    reference: str
    kind: str
    text: str
    day: str = ""


async def offered(reader: Reader, patients: tuple[str, ...], count: int) -> list[Entry]:
    """The newest entries of each kind in the record."""
    found: list[Entry] = []
    for kind in OFFERED:
        sort = ("_sort", NEWEST.get(kind, "-date"))
        try:
            rows = await reader.first(kind, of_patients(patients), sort, count=count)
        except Refused:
            continue  # what this role may not see it cannot attach
        found += map(entry, rows)
    return found


async def attached(reader: Reader, references: Sequence[str]) -> list[Entry]:
    """What is attached, as far as the reader may see it."""
    found: list[Entry] = []
    for kind in KINDS:
        ids = [logical for one in references if (logical := reference_id(one, kind))]
        found += [entry(resource) for resource in (await reader.named(kind, ids)).values()]
    return found


def entry(resource: Json) -> Entry:
    """One resource in a line."""
    kind = resource["resourceType"]
    day = next((str(resource[name]) for name in DATES if resource.get(name)), "")
    return Entry(f"{kind}/{resource['id']}", KINDS[kind], _text(resource), day)


def _text(resource: Json) -> str:
    match resource["resourceType"]:
        case "Observation":
            return f"{words(resource.get('code'))} {_value(resource)}".strip()
        case "MedicationRequest":
            return words(resource.get("medicationCodeableConcept")) or _display(resource.get("medicationReference"))
        case "DocumentReference":
            return words(resource.get("type")) or str(resource.get("description", ""))
        case "QuestionnaireResponse":
            return " ".join(_judgements(resource))
        case "Encounter":
            return words(next(iter(resource.get("type", ())), None))
        case _:
            return words(resource.get("code"))


def _value(resource: Json) -> str:
    """A pressure of two components of one unit reads 150/95 mmHg."""
    found = [one for part in (resource, *resource.get("component", ())) if any(one := _one_value(part))]
    if len({unit for _, unit in found}) == 1:
        return f"{'/'.join(value for value, _ in found)} {found[0][1]}".strip()
    return ", ".join(f"{value} {unit}".strip() for value, unit in found)


def _one_value(part: Json) -> tuple[str, str]:
    if quantity := part.get("valueQuantity"):
        return str(quantity.get("value", "")), str(quantity.get("unit", ""))
    return str(part.get("valueString") or words(part.get("valueCodeableConcept"))), ""


def _judgements(response: Json) -> Iterator[str]:
    for item in response.get("item", ()):
        for answer in item.get("answer", ()):
            if display := answer.get("valueCoding", {}).get("display"):
                yield str(display)


def _display(reference: Json | None) -> str:
    return str((reference or {}).get("display", ""))
