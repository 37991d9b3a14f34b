"""
GOL to Goal.

HL7 v2 chapter 12.4.2 (GOL); https://hl7.org/fhir/R4/goal.html
"""

from __future__ import annotations

from adapters.facts import Json, resource_id
from adapters.hl7v2.message import Segment
from adapters.hl7v2.to_fhir.codes import field_concept
from adapters.hl7v2.to_fhir.draft import Draft, prune
from adapters.hl7v2.to_fhir.identifiers import ei
from adapters.hl7v2.to_fhir.reconcile.moments import stamp
from adapters.hl7v2.to_fhir.reconcile.problems import goal as goal_rule
from adapters.hl7v2.to_fhir.resources.patient import Subject
from adapters.hl7v2.to_fhir.resources.problem import action
from adapters.hl7v2.to_fhir.tables import look_up
from adapters.hl7v2.to_fhir.text import clean


def goal(draft: Draft, gol: Segment, patient: Subject, problems: list[Json], note: str) -> Json:
    """Assert the goal of a GOL, for the problem above it; {} (with a remark) when neither GOL-3 nor GOL-4 names it."""
    description, number = field_concept(draft, gol, 3), prune(ei(gol[4], draft.site))
    if not description and not number:
        draft.remark("GOL-3 and GOL-4 are both empty")
        return {}
    moment, told = draft.times.moment(gol.text(2)) or draft.moment, action(draft, gol)
    due, notes = draft.date(gol, 8), [text for text in (note, clean(gol.text(17))) if text]
    resource = {
        "resourceType": "Goal",
        "id": _identity(number, description, patient),
        "identifier": [number],
        "lifecycleStatus": _lifecycle(draft, gol, told),
        "achievementStatus": field_concept(draft, gol, 16),
        "description": description or {"text": "not named by the sender"},
        "subject": patient.reference,
        "startDate": draft.date(gol, 7),
        "statusDate": draft.date(gol, 19),
        "target": [{"dueDate": due}] if due else [],
        "addresses": problems,
        "note": [{"text": text} for text in notes],
    }
    return draft.add(stamp(resource, moment), goal_rule(told), moment=moment)


def _identity(number: Json, description: Json, patient: Subject) -> str:
    if number:
        return resource_id(number["system"], "Goal", number["value"], patient.id)
    named = next((coding["code"] for coding in description.get("coding", ())), description.get("text", ""))
    return resource_id(patient.id, "Goal", named)


def _lifecycle(draft: Draft, gol: Segment, told: str) -> str:
    """GOL-18; a goal that is named is active unless it says otherwise."""
    if told == "DE":
        return "entered-in-error"
    sent = clean(gol.text(18))
    status = look_up("goal-lifecycle", sent) or look_up("goal-lifecycle", clean(gol.text(18, 2)))
    if sent and not status:
        draft.lost(gol, 18, sent, "", gol.text(18, 2))
    return status or "active"
