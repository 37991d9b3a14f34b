"""
PRB to Condition: a problem of the patient's list, known by its instance number from the day it is named to its end.

HL7 v2 chapter 12.4.1 (PRB), table 0287; https://hl7.org/fhir/R4/condition.html
"""

from __future__ import annotations

from adapters.facts import Json, resource_id
from adapters.hl7v2.message import Segment
from adapters.hl7v2.to_fhir.codes import field_concept
from adapters.hl7v2.to_fhir.draft import Draft, prune
from adapters.hl7v2.to_fhir.identifiers import ei
from adapters.hl7v2.to_fhir.reconcile.moments import stamp
from adapters.hl7v2.to_fhir.reconcile.problems import problem as problem_rule
from adapters.hl7v2.to_fhir.resources.patient import Subject
from adapters.hl7v2.to_fhir.tables import look_up
from adapters.hl7v2.to_fhir.text import clean

_CATEGORY = "http://terminology.hl7.org/CodeSystem/condition-category"
_CLINICAL = "http://terminology.hl7.org/CodeSystem/condition-clinical"
_VERIFICATION = "http://terminology.hl7.org/CodeSystem/condition-ver-status"
# Where PRB-1 is silent the trigger says what is done: PC1 adds, PC2 updates, PC3 deletes.
_ACTIONS = {"PC1": "AD", "PC2": "UP", "PC3": "DE", "PC6": "AD", "PC7": "UP", "PC8": "DE"}
_ENDED = frozenset({"resolved", "inactive", "remission"})


def action(draft: Draft, segment: Segment) -> str:
    """PRB-1 or GOL-1 (AD, UP, CO, DE, LI, UN, UC), else what the trigger means."""
    sent = segment.text(1).strip().upper()
    known = sent if sent in ("AD", "UP", "CO", "DE", "LI", "UN", "UC") else ""
    if sent and not known:
        draft.lost(segment, 1, sent, "http://terminology.hl7.org/CodeSystem/v2-0287")
    return known or _ACTIONS.get(draft.message.trigger, "AD")


def problem(draft: Draft, prb: Segment, patient: Subject, visit: Json, note: str) -> Json:
    """Assert the problem of a PRB; {} (with a remark) when neither PRB-3 nor PRB-4 names it."""
    code, number = field_concept(draft, prb, 3), prune(ei(prb[4], draft.site))
    if not code and not number:
        draft.remark("PRB-3 and PRB-4 are both empty")
        return {}
    moment = draft.times.moment(prb.text(2)) or draft.moment
    told = action(draft, prb)
    resource = {
        "resourceType": "Condition",
        "id": _identity(number, code, patient),
        "identifier": [number],
        **_statuses(draft, prb, told),
        "category": [_coded(_CATEGORY, "problem-list-item"), field_concept(draft, prb, 10)],
        "code": code or {"text": "not named by the sender"},
        "subject": patient.reference,
        "encounter": visit,
        **_course(draft, prb),
        "recordedDate": draft.date_time(prb, 7),
        "note": [{"text": note}] if note else [],
    }
    return draft.add(stamp(resource, moment), problem_rule(told), moment=moment)


def _identity(number: Json, code: Json, patient: Subject) -> str:
    """PRB-4; a sender without instance numbers has each problem once."""
    if number:
        return resource_id(number["system"], "Condition", number["value"], patient.id)
    named = next((coding["code"] for coding in code.get("coding", ())), code.get("text", ""))
    return resource_id(patient.id, "Condition", "problem", named)


def _statuses(draft: Draft, prb: Segment, told: str) -> Json:
    """
    PRB-14 is the life cycle, PRB-13 the confirmation; senders of 2.3 write either into either.

    clinicalStatus may not stand beside entered-in-error (R4 con-5); a problem that has ended is not active (con-4).
    """
    if told == "DE":
        return {"verificationStatus": _coded(_VERIFICATION, "entered-in-error")}
    words = [(at, clean(prb.text(at)), clean(prb.text(at, 2))) for at in (14, 13)]
    clinical = next((c for _, one, two in words if (c := _word("problem-clinical", one, two))), "")
    verified = next((c for _, one, two in reversed(words) if (c := _word("problem-verification", one, two))), "")
    for at, one, two in words:
        if one and not _word("problem-clinical", one, two) and not _word("problem-verification", one, two):
            draft.lost(prb, at, one, "", two)
    if verified == "entered-in-error":
        return {"verificationStatus": _coded(_VERIFICATION, verified)}
    ended = draft.times.date_time(prb.text(9))
    clinical = clinical or ("resolved" if ended else "")
    if ended and clinical not in _ENDED:
        clinical = "resolved"
    return {
        "clinicalStatus": _coded(_CLINICAL, clinical or "active"),
        "verificationStatus": _coded(_VERIFICATION, verified) if verified else {},
    }


def _word(table: str, *words: str) -> str:
    return next((code for word in words if word and (code := look_up(table, word))), "")


def _course(draft: Draft, prb: Segment) -> Json:
    """Its onset (a time, else the sender's words), and its end."""
    onset, words = draft.date_time(prb, 16), clean(prb.text(17))
    begun = {"onsetDateTime": onset} if onset else {"onsetString": words}
    return {**begun, "abatementDateTime": draft.date_time(prb, 9)}


def _coded(system: str, code: str) -> Json:
    return {"coding": [{"system": system, "code": code}]}
