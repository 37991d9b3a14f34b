"""
What MRG says of accounts and visits: a number was given up, and what it named goes by another one.

HL7 v2 chapter 3.3.35 to 3.3.51 (A35, A41, A42, A46, A48 to A51)
"""

from __future__ import annotations

from dataclasses import dataclass

from adapters.facts import Json, Renumbered
from adapters.hl7v2.message import Segment
from adapters.hl7v2.to_fhir.draft import Draft, prune
from adapters.hl7v2.to_fhir.identifiers import cx, unique
from adapters.hl7v2.to_fhir.reconcile.encounter import superseded
from adapters.hl7v2.to_fhir.reconcile.moments import stamp
from adapters.hl7v2.to_fhir.reconcile.patient import renamed
from adapters.hl7v2.to_fhir.resources.account_numbers import account, account_id, account_number
from adapters.hl7v2.to_fhir.resources.encounter import encounter, number_id
from adapters.hl7v2.to_fhir.resources.patient import Subject, patient_id_of, subject
from adapters.hl7v2.to_fhir.sections import PatientPart, patients

ACCOUNTS = ("A35", "A41", "A49")
VISITS = ("A42", "A50", "A51")
NUMBERS = ("A46", "A48")
READS = frozenset({"EVN", "PID", "PD1", "MRG", "PV1", "PV2"})


@dataclass(frozen=True, slots=True)
class Prior:
    """One MRG with the PV1 behind it (an empty one where there is none)."""

    mrg: Segment
    pv1: Segment


def priors(part: PatientPart) -> list[Prior]:
    """The MRG segments of a patient, each with its visit."""
    found: list[Prior] = []
    for segment in part.segments:
        if segment.name == "MRG":
            found.append(Prior(segment, Segment("PV1", ())))
        elif segment.name == "PV1" and found:
            found[-1] = Prior(found[-1].mrg, segment)
    return found


def old(identifier: Json) -> Json:
    """A number that was given up: still found by, not used."""
    return {**identifier, "use": "old"} if identifier else {}


def accounts(draft: Draft) -> bool:
    """A35, A41, A49: another account number."""
    return _each(draft, lambda patient, part, prior: account_merge(draft, part.pid, prior.mrg, patient))


def visits(draft: Draft) -> bool:
    """A42, A50, A51: another visit number; the visit keeps what it had."""
    return _each(draft, lambda patient, part, prior: visit_merge(draft, part.pid, prior, patient))


def numbers(draft: Draft) -> bool:
    """A46, A48: another external or alternate number of the same record."""
    return _each(draft, lambda patient, _part, prior: _other_numbers(draft, prior.mrg, patient))


def _each(draft: Draft, work: object) -> bool:
    done = []
    for part in patients(draft.message.segments):
        patient = subject(draft, part.pid, part.first("PD1"))
        if patient is not None:
            done += [work(patient, part, prior) for prior in priors(part)]  # type: ignore[operator]
    if not any(done):
        draft.remark("MRG names no number that was given up for another")
    return any(done)


def account_merge(draft: Draft, pid: Segment, mrg: Segment, patient: Subject) -> bool:
    """MRG-3 is PID-18 from now on."""
    prior, new = account_number(draft, mrg, 3), account_number(draft, pid, 18)
    if not (prior and new) or account_id(prior) == account_id(new):
        return False
    survivor = account(draft, new, patient)
    account(draft, old(prior), patient, into=survivor)
    draft.add(stamp({**patient.resource, "identifier": [*_listed(patient), old(prior)]}, draft.moment), renamed)
    draft.renumbered.append(Renumbered(f"Account/{account_id(prior)}", f"Account/{account_id(new)}"))
    return True


def _listed(patient: Subject) -> list[Json]:
    found: list[Json] = patient.resource["identifier"]
    return found


def visit_merge(draft: Draft, pid: Segment, prior: Prior, patient: Subject) -> bool:
    """MRG-5 is PV1-19 (and MRG-6 is PV1-50) from now on."""
    given_up = unique([prune(cx(v, draft.site, draft.times, kind="VN")) for at in (5, 6) for v in prior.mrg.all(at)])
    stay = encounter(draft, pid, prior.pv1, patient, event=draft.message.trigger)
    if not (stay and given_up):
        return False
    fact = draft.facts[stay["reference"]]
    spoken = {(i["system"], i["value"]) for i in fact.resource.get("identifier", ())}
    gone = [old(i) for i in given_up if (i["system"], i["value"]) not in spoken]
    draft.amend(stay, {"identifier": [*fact.resource.get("identifier", ()), *gone]})
    for number in gone:
        _supersede(draft, number_id(number), stay)
    draft.add(patient.resource, renamed)
    return bool(gone)


def _supersede(draft: Draft, identity: str, stay: Json) -> None:
    """The visit under the old number, if there is one, says which it is now."""
    key = f"Encounter/{identity}"
    resource = {"resourceType": "Encounter", "id": identity, "status": "entered-in-error", "partOf": stay}
    draft.conditional.add(key)
    draft.add(stamp(resource, draft.moment), superseded)
    draft.renumbered.append(Renumbered(key, stay["reference"]))


def _other_numbers(draft: Draft, mrg: Segment, patient: Subject) -> bool:
    listed = unique([prune(cx(v, draft.site, draft.times)) for at in (1, 2, 4) for v in mrg.all(at)])
    spoken = {(i["system"], i["value"]) for i in _listed(patient)}
    gone = [old(i) for i in listed if (i["system"], i["value"]) not in spoken]
    if not gone or patient.id in {patient_id_of(i, draft.site) for i in gone}:
        return False
    draft.add(stamp({**patient.resource, "identifier": [*_listed(patient), *gone]}, draft.moment), renamed)
    return True
