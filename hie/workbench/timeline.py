"""
The record of one human as a list of events, the latest first: what kind, what, when, where, how it lies. Pure.

https://hl7.org/fhir/R4/patient.html#tz (times are shown in the region's zone)
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime

from hie.applications.fhir import ZONE, codings, facility_of, moment, patient_of, words
from hie.ui import N_, Tag
from hie.ui.parts import Tone
from hie.workbench.words import CLASSES, FLAGS, STATUSES
from records.stored import Json, Stored


@dataclass(frozen=True, slots=True)
class Kind:
    """A type on the timeline: its name, the search parameter of its time, and the elements that hold the time."""

    type: str
    title: str
    date: str
    times: tuple[str, ...]


KINDS = {
    one.type: one
    for one in (
        Kind("Encounter", N_("就诊"), "date", ("period",)),
        Kind("Condition", N_("诊断"), "recorded-date", ("recordedDate", "onsetDateTime")),
        Kind("DiagnosticReport", N_("检查检验报告"), "date", ("effectiveDateTime", "effectivePeriod", "issued")),
        Kind("MedicationRequest", N_("处方"), "authoredon", ("authoredOn",)),
        Kind("MedicationDispense", N_("发药"), "whenhandedover", ("whenHandedOver", "whenPrepared")),
        Kind("Procedure", N_("手术与操作"), "date", ("performedDateTime", "performedPeriod")),
        Kind("Immunization", N_("预防接种"), "date", ("occurrenceDateTime",)),
        Kind("AllergyIntolerance", N_("过敏"), "date", ("recordedDate", "onsetDateTime")),
        Kind("ServiceRequest", N_("申请与转诊"), "authored", ("authoredOn", "occurrenceDateTime")),
        Kind("Observation", N_("测量与观察"), "date", ("effectiveDateTime", "effectivePeriod", "issued")),
        Kind("DocumentReference", N_("文书"), "date", ("date",)),
        Kind("Composition", N_("病历文书"), "date", ("date",)),
        Kind("ImagingStudy", N_("影像"), "started", ("started",)),
        Kind("Appointment", N_("预约"), "date", ("start",)),
        Kind("CarePlan", N_("管理计划"), "date", ("period", "created")),
        Kind("QuestionnaireResponse", N_("随访与问卷"), "authored", ("authored",)),
    )
}
CRITICAL = frozenset({"HH", "LL", "AA"})


@dataclass(frozen=True, slots=True)
class Event:
    """One entry; `at` None: the sender gave no time. `facility` is "Organization/id" or words."""

    reference: str
    kind: str
    title: str
    at: datetime | None
    detail: str = ""
    status: str = ""
    patient: str = ""
    facility: str = ""
    tags: tuple[Tag, ...] = field(default=())

    @property
    def tone(self) -> Tone:
        """How the entry stands out: as its most serious tag."""
        tones = {tag.tone for tag in self.tags}
        return "bad" if "bad" in tones else "warn" if "warn" in tones else ""


def event_of(row: Stored) -> Event:
    """A stored resource as an event."""
    resource = row.resource()
    kind = KINDS[row.type]
    return Event(
        row.reference, kind.title, title_of(resource), time_of(resource), detail_of(resource), status_of(resource),
        patient_of(resource) or next(iter(row.patients), ""), facility_of(resource), tuple(tags_of(resource)),
    )  # fmt: skip


def time_of(resource: Json) -> datetime | None:
    """When it was, in the order of preference of its type."""
    kind = KINDS.get(resource["resourceType"])
    for name in kind.times if kind else ():
        value = resource.get(name)
        text = value.get("start") or value.get("end") if isinstance(value, dict) else value
        if text:
            return moment(text)
    return None


def title_of(resource: Json) -> str:
    """What it is about, in the sender's words; of a visit only words, for its codes say nothing to a reader."""
    if resource["resourceType"] == "Encounter":
        kinds = (*resource.get("type", ()), resource.get("serviceType"))
        return next((text for one in kinds if (text := _said(one))), "")
    for name in ("code", "vaccineCode", "medicationCodeableConcept", "type", "serviceType"):
        found = resource.get(name)
        concept = found[0] if isinstance(found, list) and found else found
        if isinstance(concept, dict) and (text := words(concept)):
            return text
    medication = resource.get("medicationReference") or {}
    return str(resource.get("title") or resource.get("description") or medication.get("display") or "")


def _said(concept: Json | None) -> str:
    first: Json = next(iter((concept or {}).get("coding", ())), {})
    return str((concept or {}).get("text") or first.get("display") or "")


def detail_of(resource: Json) -> str:
    """The one more fact that is worth its line."""
    match resource["resourceType"]:
        case "Encounter":
            reasons = [words(one) for one in resource.get("reasonCode", ())]
            return "；".join(filter(None, reasons))
        case "Observation":
            return value_of(resource)
        case "DiagnosticReport":
            return str(resource.get("conclusion") or "")
        case "MedicationRequest" | "MedicationDispense":
            doses = resource.get("dosageInstruction", ())
            return "；".join(str(one["text"]) for one in doses if one.get("text"))
        case "ServiceRequest":
            return "；".join(filter(None, (words(one) for one in resource.get("reasonCode", ()))))
        case _:
            return ""


def status_of(resource: Json) -> str:
    """The state, where it says more than the usual one."""
    code = resource.get("status") or next((one for _, one in codings(resource.get("clinicalStatus"))), "")
    usual = {"final", "finished", "completed", "current", "active", "available"}
    return "" if code in usual else STATUSES.get(code, code)


def tags_of(resource: Json) -> Iterator[Tag]:
    """Class of the visit, or how a value lies."""
    if resource["resourceType"] == "Encounter":
        code = resource.get("class", {}).get("code", "")
        if code in CLASSES:
            yield Tag(CLASSES[code], "bad" if code == "EMER" else "info")
    yield from flags_of(resource)


def flags_of(observation: Json) -> Iterator[Tag]:
    """The interpretation as words with a tone; normal is not said."""
    for concept in observation.get("interpretation", ()):
        for _, code in codings(concept):
            if code in FLAGS:
                yield Tag(FLAGS[code], "bad" if code in CRITICAL else "warn")
                return


def value_of(observation: Json) -> str:
    """A value with its unit; parts of a composed one after each other."""
    if parts := [f"{words(one.get('code'))} {value_of(one)}" for one in observation.get("component", ())]:
        return "；".join(parts)
    for name, value in observation.items():
        if name.startswith("value"):
            return _value(value)
    return words(observation.get("dataAbsentReason"))


def _value(value: object) -> str:
    if not isinstance(value, dict):
        return str(value)
    if "value" in value:
        return f"{value.get('comparator', '')}{value['value']} {value.get('unit') or value.get('code') or ''}".strip()
    if "low" in value or "high" in value:
        return f"{_value(value.get('low', {}))}–{_value(value.get('high', {}))}"
    return words(value)


def range_of(observation: Json) -> str:
    """The reference range as the laboratory gave it."""
    for found in observation.get("referenceRange", ()):
        if found.get("text"):
            return str(found["text"])
        low, high = _value(found.get("low", {})), _value(found.get("high", {}))
        if low or high:
            return f"{low}–{high}"
    return ""


def latest_first(events: Sequence[Event]) -> list[Event]:
    """By time, what has none at the end."""
    dated = sorted((one for one in events if one.at), key=lambda one: (one.at, one.reference), reverse=True)
    return [*dated, *(one for one in events if one.at is None)]


def by_year(events: Sequence[Event]) -> list[tuple[str, list[Event]]]:
    """The same in the same order, under the region's years; "" for what has no time."""
    years: dict[str, list[Event]] = {}
    for one in events:
        years.setdefault(str(one.at.astimezone(ZONE).year) if one.at else "", []).append(one)
    return list(years.items())
