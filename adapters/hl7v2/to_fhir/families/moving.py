"""
A43, A44, A45: what was filed under the wrong patient or account goes to the right one, with all that hangs on it.

HL7 v2 chapter 3.3.43 to 3.3.45. A move is no merge: both patients stay who they are.
"""

from __future__ import annotations

from adapters.facts import Json, Move
from adapters.hl7v2.message import Segment
from adapters.hl7v2.to_fhir.draft import Draft, prune
from adapters.hl7v2.to_fhir.families.adt import state_patient
from adapters.hl7v2.to_fhir.families.renumbering import Prior, old, priors, visit_merge
from adapters.hl7v2.to_fhir.identifiers import cx, primary, type_code, unique
from adapters.hl7v2.to_fhir.resources.account_numbers import account, account_id, account_number
from adapters.hl7v2.to_fhir.resources.encounter import encounter
from adapters.hl7v2.to_fhir.resources.patient import Subject, patient_id_of
from adapters.hl7v2.to_fhir.sections import PatientPart, patients

READS = frozenset({"EVN", "PID", "PD1", "MRG", "PV1", "PV2"})


def move(draft: Draft) -> bool:
    """Each patient's part says what is his from now on."""
    done = []
    for part in patients(draft.message.segments):
        patient = state_patient(draft, part.pid, part.first("PD1"))
        if patient is not None:
            done += [_MOVES[draft.message.trigger](draft, part, prior, patient) for prior in priors(part)]
    if not any(done):
        draft.remark("MRG names nothing that could be moved")
    return any(done)


def _patient(draft: Draft, _part: PatientPart, prior: Prior, patient: Subject) -> bool:
    """
    A43: everything of MRG-1 belongs to PID-3.

    Where both are the same number, it is the record that goes from one external number (MRG-4) to another (PID-2).
    """
    listed = unique([prune(cx(v, draft.site, draft.times)) for v in prior.mrg.all(1)])
    named = primary([i for i in listed if type_code(i) != "AN"])
    identity = patient_id_of(named, draft.site) if named else patient.id
    if identity == patient.id:
        return _external(draft, prior.mrg, patient)
    draft.subject(identity)
    draft.moves.append(Move(f"Patient/{identity}", f"Patient/{patient.id}"))
    return True


def _external(draft: Draft, mrg: Segment, patient: Subject) -> bool:
    known: list[Json] = patient.resource["identifier"]
    spoken = {(i["system"], i["value"]) for i in known}
    listed = unique([prune(cx(v, draft.site, draft.times)) for v in mrg.all(4)])
    gone = [old(i) for i in listed if (i["system"], i["value"]) not in spoken]
    draft.amend(patient.reference, {"identifier": [*known, *gone]})
    return bool(gone)


def _account(draft: Draft, part: PatientPart, prior: Prior, patient: Subject) -> bool:
    """A44: the account, and every visit that is booked on it."""
    number = account_number(draft, part.pid, 18) or account_number(draft, prior.mrg, 3)
    if not number:
        return False
    account(draft, number, patient)
    draft.moves.append(Move(f"Account/{account_id(number)}", f"Patient/{patient.id}"))
    return True


def _visit(draft: Draft, part: PatientPart, prior: Prior, patient: Subject) -> bool:
    """A45: the visit, under its old number or a new one, and the account that it is booked on."""
    whole = Prior(prior.mrg, _with_number(prior))
    moved = bool(encounter(draft, part.pid, whole.pv1, patient, event="A45"))
    if visit_merge(draft, part.pid, whole, patient) or moved:
        _other_account(draft, prior.mrg, part.pid, whole)
        return True
    return False


def _with_number(prior: Prior) -> Segment:
    """The visit's PV1; where it has no number, the one that MRG names."""
    at = 5 if prior.mrg[5] else 6
    if prior.pv1[19] or prior.pv1[50] or not prior.mrg[at]:
        return prior.pv1
    fields = [*prior.pv1.fields, *[()] * 19][: max(19, len(prior.pv1.fields))]
    fields[18] = prior.mrg.fields[at - 1]
    return Segment("PV1", tuple(fields), (), prior.pv1.number)


def _other_account(draft: Draft, mrg: Segment, pid: Segment, prior: Prior) -> None:
    """The visit's account number is another one than before."""
    gone = old(account_number(draft, mrg, 3))
    if not gone:
        return
    for key, fact in draft.facts.items():
        if key.startswith("Encounter/") and fact.resource["status"] != "entered-in-error":
            known = fact.resource.get("identifier", [])
            if all((i["system"], i["value"]) != (gone["system"], gone["value"]) for i in known):
                fact.resource["identifier"] = [*known, gone]


_MOVES = {"A43": _patient, "A44": _account, "A45": _visit}
TRIGGERS = tuple(_MOVES)
