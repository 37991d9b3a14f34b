"""
OBX to Observation: known by its order's number, its code and its sub-id, through all its versions.

https://build.fhir.org/ig/HL7/v2-to-fhir/ConceptMap-segment-obx-to-observation.html
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from datetime import datetime
from functools import partial

from adapters.facts import Json
from adapters.hl7v2.message import Field, Segment
from adapters.hl7v2.to_fhir.codes import field_concept
from adapters.hl7v2.to_fhir.draft import Draft
from adapters.hl7v2.to_fhir.identifiers import ei
from adapters.hl7v2.to_fhir.observation_value import ATTACHMENTS, components, ranges, value
from adapters.hl7v2.to_fhir.reconcile import results as rules
from adapters.hl7v2.to_fhir.reconcile.moments import stamp
from adapters.hl7v2.to_fhir.resources import blood_pressure
from adapters.hl7v2.to_fhir.resources.laboratory import laboratory
from adapters.hl7v2.to_fhir.resources.order_numbers import Numbers
from adapters.hl7v2.to_fhir.resources.patient import Subject
from adapters.hl7v2.to_fhir.resources.people import practitioners
from adapters.hl7v2.to_fhir.sections import Result, loose_results, note_text
from adapters.hl7v2.to_fhir.tables import OBSERVATION_CATEGORY, V3_INTERPRETATION, data, look_up
from adapters.hl7v2.to_fhir.text import whole_text

_TABLES = data("tables.json")
_VITAL = frozenset(data("vital_signs.json")["codes"])
_ABSENT = "http://terminology.hl7.org/CodeSystem/data-absent-reason"
_ANALYSED = "urn:hie:analysed"


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
    issued: str = ""

    def of(self, specimen: Json) -> Around:
        """The same, of a specimen: then it is the laboratory's unless its department says otherwise."""
        return replace(self, specimen=specimen, category=self.category or "laboratory")


def observations(draft: Draft, found: Iterable[Result], around: Around) -> list[Json]:
    """Assert the Observations of a list of OBX; returns references. Attachments are left to the report."""
    told = [
        result
        for result in _joined(found)
        if result.obx.text(2).strip().upper() not in ATTACHMENTS and (result.obx[3] or result.obx[5])
    ]
    single, pressures = blood_pressure.apart(told)
    asserted = [_observation(draft, result, around) for result in single]
    return [*asserted, *(_pressure(draft, sub, parts, around) for sub, parts in pressures.items())]


def _identity(draft: Draft, key: tuple[str, str], around: Around) -> str:
    """By order number, code and sub-id; a repetition of all three in one message is told apart by counting."""
    identity = around.numbers.result_id("Observation", *key)
    repeat = draft.repeats[identity] = draft.repeats.get(identity, 0) + 1
    return identity if repeat == 1 else around.numbers.result_id("Observation", *key, str(repeat))


def _joined(found: Iterable[Result]) -> list[Result]:
    """Lines of one text sent as one OBX each (same code, same sub-id) are one observation."""
    runs: list[list[Result]] = []
    for result in found:
        last = runs[-1][-1] if runs else None
        if last and _is_text(last.obx) and _is_text(result.obx) and _name(last.obx) == _name(result.obx):
            runs[-1].append(result)
        else:
            runs.append([result])
    return [run[0] if len(run) == 1 else _one_text(run) for run in runs]


def _is_text(obx: Segment) -> bool:
    return obx.text(2).strip().upper() in ("TX", "FT")


def _name(obx: Segment) -> tuple[str, str, str]:
    return obx.text(3), obx.text(3, 2), obx.text(4)


def _one_text(run: list[Result]) -> Result:
    obx = run[0].obx
    lines: Field = ((("\n".join(whole_text(line.obx, 5) for line in run),),),)
    joined = Segment(obx.name, (*obx.fields[:4], lines, *obx.fields[5:]), obx.raw_fields, obx.number)
    return Result(joined, [note for line in run for note in line.notes])


def _status(draft: Draft, obx: Segment, around: Around) -> str:
    said = obx.text(11).strip().upper()
    status = look_up("0085", said) if said else _of_report(around.status)
    if not status:
        draft.lost(obx, 11, said, "http://terminology.hl7.org/CodeSystem/v2-0085")
    return status or "unknown"


def _observation(draft: Draft, result: Result, around: Around) -> Json:
    obx = result.obx
    resource = _resource(draft, result, around, _status(draft, obx, around))
    resource["id"] = _identity(draft, (obx.text(3) or obx.text(3, 2), obx.text(4)), around)
    moment = around.moment or draft.moment
    if obx.text(11).strip().upper() != "W":
        return draft.add(stamp(resource, moment), rules.observation, moment=moment, of=(obx,))
    return draft.add(stamp(_detached(resource), moment), rules.wrong_patient, moment=moment)


def _detached(resource: Json) -> Json:
    return {k: v for k, v in resource.items() if k not in rules.OF_PATIENT}


def _pressure(draft: Draft, sub: str, parts: list[Result], around: Around) -> Json:
    """Systolic and diastolic of one OBX-4 are the components of one blood pressure."""
    first, moment = parts[0], around.moment or draft.moment
    statuses = [_status(draft, part.obx, around) for part in parts]
    whole = _resource(draft, first, around, blood_pressure.status(statuses))
    wrong = all(part.obx.text(11).strip().upper() == "W" for part in parts)
    resource = {key: kept for key, kept in whole.items() if not key.startswith("value")} | {
        "id": _identity(draft, (blood_pressure.PANEL, sub), around),
        "code": blood_pressure.CODE,
        "interpretation": [],
        "referenceRange": [],
        "dataAbsentReason": {},
        "note": [note for part in parts for note in _notes(part)],
        "component": [_component(draft, part) for part in parts],
    }
    rule = rules.wrong_patient if wrong else partial(rules.observation, merge_components=True)
    return draft.add(stamp(_detached(resource) if wrong else resource, moment), rule, moment=moment)


def _component(draft: Draft, part: Result) -> Json:
    obx = part.obx
    gone = look_up("0085", obx.text(11).strip().upper()) in ("entered-in-error", "cancelled")
    content = {} if gone else value(draft, obx)
    return {
        "code": field_concept(draft, obx, 3),
        **content,
        "dataAbsentReason": {} if content else _absent(obx, "cancelled" if gone else ""),
        "interpretation": _interpretation(draft, obx),
        "referenceRange": ranges(obx),
    }


def _resource(draft: Draft, result: Result, around: Around, status: str) -> Json:
    obx = result.obx
    # Observation.code is required; a value without a name is still the patient's.
    code = field_concept(draft, obx, 3) or {"text": "not named by the sender"}
    many = components(draft, obx, code)
    content = {} if many else value(draft, obx)
    contained, performers = laboratory(draft, obx)
    return {
        "resourceType": "Observation",
        "contained": contained,
        "identifier": [number] if (number := ei(obx[21], draft.site)) else [],
        "status": status,
        "category": _category(around.category, obx),
        "code": code,
        "subject": around.patient.reference,
        "encounter": around.visit,
        "basedOn": list(around.based_on),
        "partOf": list(around.part_of),
        "effectiveDateTime": draft.date_time(obx, 14) or around.effective,
        "issued": around.issued,
        **content,
        "dataAbsentReason": {} if content or many else _absent(obx, status),
        "interpretation": _interpretation(draft, obx),
        "referenceRange": ranges(obx),
        "method": field_concept(draft, obx, 17),
        "bodySite": field_concept(draft, obx, 20),
        "performer": [*practitioners(draft, obx, 16), *performers],
        "specimen": around.specimen,
        "device": _device(draft, obx),
        "note": _notes(result),
        "component": many,
        "derivedFrom": [{"reference": f"Observation/{around.parent}"}] if around.parent else [],
        "extension": _extensions(draft, obx),
    }


def _notes(result: Result) -> list[Json]:
    notes = note_text(result.notes)
    return [{"text": notes}] if notes else []


def _extensions(draft: Draft, obx: Segment) -> list[Json]:
    """OBX-19: when it was analysed, which is neither when it was true nor when it was reported."""
    when = draft.date_time(obx, 19)
    return [{"url": _ANALYSED, "valueDateTime": when}] if when else []


def _device(draft: Draft, obx: Segment) -> Json:
    """OBX-18: the instrument, by its number."""
    number = ei(obx[18], draft.site)
    return {"type": "Device", "identifier": number} if number else {}


def _of_report(status: str) -> str:
    """Where OBX-11 is silent its report speaks; only a report can be partial."""
    return "preliminary" if status == "partial" else status or "unknown"


def _category(category: str, obx: Segment) -> list[Json]:
    code = "vital-signs" if obx.text(3) in _VITAL else category
    return [{"coding": [{"system": OBSERVATION_CATEGORY, "code": code}]}] if code else []


def _absent(obx: Segment, status: str) -> Json:
    """Why there is no value: not done, not asked (OBX-11 N), not yet known."""
    if obx.text(11).strip().upper() == "N":
        code = "not-asked"
    else:
        code = {"cancelled": "not-performed", "registered": "temp-unknown"}.get(status, "unknown")
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
