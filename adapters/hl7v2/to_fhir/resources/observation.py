"""
OBX to Observation: known by its order's number, its code and its sub-id, through all its versions.

https://build.fhir.org/ig/HL7/v2-to-fhir/ConceptMap-segment-obx-to-observation.html
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime

from adapters.facts import Json
from adapters.hl7v2.message import Field, Segment
from adapters.hl7v2.to_fhir.codes import field_concept
from adapters.hl7v2.to_fhir.draft import Draft
from adapters.hl7v2.to_fhir.observation_value import ATTACHMENTS, components, ranges, value, whole_text
from adapters.hl7v2.to_fhir.reconcile import results as rules
from adapters.hl7v2.to_fhir.reconcile.moments import stamp
from adapters.hl7v2.to_fhir.resources.order_numbers import Numbers
from adapters.hl7v2.to_fhir.resources.patient import Subject
from adapters.hl7v2.to_fhir.resources.people import organization, practitioners
from adapters.hl7v2.to_fhir.sections import Result, loose_results, note_text
from adapters.hl7v2.to_fhir.tables import OBSERVATION_CATEGORY, V3_INTERPRETATION, data, look_up

_TABLES = data("tables.json")
_VITAL = frozenset(data("vital_signs.json")["codes"])
_ABSENT = "http://terminology.hl7.org/CodeSystem/data-absent-reason"


@dataclass(frozen=True, slots=True)
class Around:
    """What the observations of one report share."""

    patient: Subject
    numbers: Numbers
    visit: Json = field(default_factory=dict)
    category: str = ""
    effective: str = ""
    based_on: tuple[Json, ...] = ()
    specimen: Json = field(default_factory=dict)
    parent: str = ""
    part_of: tuple[Json, ...] = ()
    status: str = ""  # where OBX-11 is silent
    moment: datetime | None = None  # OBR-22: when the results were reported or changed


def observations(draft: Draft, found: Iterable[Result], around: Around) -> list[Json]:
    """Assert the Observations of a list of OBX; returns references. Attachments are left to the report."""
    return [
        _observation(draft, result, around)
        for result in _joined(found)
        if result.obx.text(2).strip().upper() not in ATTACHMENTS and (result.obx[3] or result.obx[5])
    ]


def _identity(draft: Draft, obx: Segment, around: Around) -> str:
    """By order number, code and sub-id; a repetition of all three in one message is told apart by counting."""
    key = (obx.text(3) or obx.text(3, 2), obx.text(4))
    identity = around.numbers.result_id("Observation", *key)
    repeat = draft.repeats[identity] = draft.repeats.get(identity, 0) + 1
    return identity if repeat == 1 else around.numbers.result_id("Observation", *key, str(repeat))


def _joined(found: Iterable[Result]) -> list[Result]:
    """Lines of one text sent as one OBX each (same code, same sub-id) are one observation."""
    joined: list[Result] = []
    for result in found:
        last = joined[-1] if joined else None
        if last and _is_text(last.obx) and _is_text(result.obx) and _name(last.obx) == _name(result.obx):
            joined[-1] = Result(_with_line(last.obx, result.obx), [*last.notes, *result.notes])
        else:
            joined.append(result)
    return joined


def _is_text(obx: Segment) -> bool:
    return obx.text(2).strip().upper() in ("TX", "FT")


def _name(obx: Segment) -> tuple[str, str, str]:
    return obx.text(3), obx.text(3, 2), obx.text(4)


def _with_line(obx: Segment, more: Segment) -> Segment:
    text = f"{whole_text(obx, 5)}\n{whole_text(more, 5)}"
    lines: Field = (((text,),),)
    return Segment(obx.name, (*obx.fields[:4], lines, *obx.fields[5:]), obx.raw_fields, obx.number)


def _observation(draft: Draft, result: Result, around: Around) -> Json:
    obx = result.obx
    said = obx.text(11).strip().upper()
    status = look_up("0085", said) if said else _of_report(around.status)
    if not status:
        draft.lost(obx, 11, said, "http://terminology.hl7.org/CodeSystem/v2-0085")
    resource = _resource(draft, result, around, status or "unknown")
    resource["id"] = _identity(draft, obx, around)
    moment = around.moment or draft.moment
    rule = rules.wrong_patient if said == "W" else rules.observation
    if said == "W":
        resource = {k: v for k, v in resource.items() if k not in ("subject", "encounter", "basedOn")}
    return draft.add(stamp(resource, moment), rule, moment=moment)


def _resource(draft: Draft, result: Result, around: Around, status: str) -> Json:
    obx = result.obx
    # Observation.code is required; a value without a name is still the patient's.
    code = field_concept(draft, obx, 3) or {"text": "not named by the sender"}
    many = components(draft, obx)
    content = {} if many else value(draft, obx)
    notes = note_text(result.notes)
    return {
        "resourceType": "Observation",
        "status": status,
        "category": _category(around.category, obx),
        "code": code,
        "subject": around.patient.reference,
        "encounter": around.visit,
        "basedOn": list(around.based_on),
        "partOf": list(around.part_of),
        "effectiveDateTime": draft.date_time(obx, 14) or around.effective,
        **content,
        "dataAbsentReason": {} if content or many else _absent(status),
        "interpretation": _interpretation(draft, obx),
        "referenceRange": ranges(obx),
        "method": field_concept(draft, obx, 17),
        "bodySite": field_concept(draft, obx, 20),
        "performer": [*practitioners(draft, obx, 16), *_laboratory(draft, obx)],
        "specimen": around.specimen,
        "note": [{"text": notes}] if notes else [],
        "component": many,
        "derivedFrom": [{"reference": f"Observation/{around.parent}"}] if around.parent else [],
    }


def _of_report(status: str) -> str:
    """Where OBX-11 is silent its report speaks; only a report can be partial."""
    return "preliminary" if status == "partial" else status or "unknown"


def _laboratory(draft: Draft, obx: Segment) -> list[Json]:
    found = organization(draft, obx[23])
    return [found] if found else []


def _category(category: str, obx: Segment) -> list[Json]:
    code = "vital-signs" if obx.text(3) in _VITAL else category
    return [{"coding": [{"system": OBSERVATION_CATEGORY, "code": code}]}] if code else []


def _absent(status: str) -> Json:
    code = "not-performed" if status == "cancelled" else "unknown"
    return {"coding": [{"system": _ABSENT, "code": code}]}


def _interpretation(draft: Draft, obx: Segment) -> list[Json]:
    """OBX-8: the sender's mark is kept as text beside the code that it means."""
    found = []
    for flag in obx.all(8):
        sent = flag[1].strip()
        if code := look_up("0078", sent):
            coding = {"system": V3_INTERPRETATION, "code": code, "display": _TABLES["0078-display"].get(code, "")}
            found.append({"coding": [coding], "text": flag[2] or (sent if sent != code else "")})
        elif sent:
            draft.lost(obx, 8, sent, "http://terminology.hl7.org/CodeSystem/v2-0078")
            found.append({"text": flag[2] or sent})
    return found


def loose_observations(draft: Draft, segments: Iterable[Segment], patient: Subject, visit: Json) -> list[Json]:
    """Measurements that belong to no order (an ADT's height and weight), known by patient and time."""
    when = draft.moment.isoformat(timespec="seconds")
    about = Around(patient, Numbers(patient.id, {}, {}, when), visit, effective=when, status="final")
    return observations(draft, loose_results(segments), about)
