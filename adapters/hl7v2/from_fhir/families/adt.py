"""
Patient and Encounter to ADT: which event a change is, and the message that says it.

HL7 v2 chapter 3; IHE PIX A31 (ITI-10) for a changed set of identifiers
"""

from __future__ import annotations

from collections.abc import Sequence

from adapters.facts import Json
from adapters.hl7v2.from_fhir.names import Resources
from adapters.hl7v2.from_fhir.receiver import Receiver
from adapters.hl7v2.from_fhir.segments.evn import evn
from adapters.hl7v2.from_fhir.segments.pid import mrg, nk1, pd1, pid
from adapters.hl7v2.from_fhir.segments.pv1 import account_of, pv1, pv2
from adapters.hl7v2.from_fhir.times import dtm
from adapters.hl7v2.from_fhir.writing import Envelope, Line, write

_BEGUN = frozenset({"arrived", "triaged", "in-progress"})
_INPATIENT = frozenset({"IMP", "ACUTE", "NONAC", "SS", "I"})
# What only says how the exchange keeps a resource is nothing to tell a hospital.
_OURS = frozenset({"meta", "extension", "text", "link"})


def patient_event(current: Json, previous: Json | None) -> str:
    """A28, A31 or A40; "" for a change that says nothing new about the person."""
    survivor = merged_into(current)
    if survivor:
        return "A40" if previous is None or merged_into(previous) != survivor else ""
    if previous is None:
        return "A28"
    return "A31" if _said(current) != _said(previous) else ""


def merged_into(patient: Json) -> str:
    """Reference to the record that replaces this one, "" where it is in use."""
    if patient.get("active") is not False:
        return ""
    links = [one for one in patient.get("link", ()) if one.get("type") == "replaced-by"]
    return str(links[-1]["other"].get("reference", "")) if links else ""


def visit_event(current: Json, previous: Json | None) -> str:
    """The trigger of a changed visit; "" for a change that says nothing new about it."""
    now, before = str(current.get("status", "")), str((previous or {}).get("status", ""))
    if now != before and (event := _by_status(current, now, before)):
        return event
    if previous is None:
        return "A08"
    if _inpatient(current) != _inpatient(previous):
        return "A06" if _inpatient(current) else "A07"
    if now in _BEGUN and _place(current) != _place(previous):
        return "A02"
    return "A08" if _said(current) != _said(previous) else ""


def _by_status(current: Json, now: str, before: str) -> str:
    if now in _BEGUN:
        if before in _BEGUN:
            return ""
        returned = {"finished": "A13", "onleave": "A22"}
        return returned.get(before) or ("A01" if _inpatient(current) else "A04")
    ends = {"finished": "A03", "cancelled": "A11", "entered-in-error": "A11", "planned": "A05", "onleave": "A21"}
    return ends.get(now, "")


def _inpatient(encounter: Json) -> bool:
    return encounter.get("class", {}).get("code") in _INPATIENT


def _place(encounter: Json) -> str:
    active = [one["location"] for one in encounter.get("location", ()) if one.get("status") == "active"]
    return str(active[-1].get("reference") or active[-1].get("display", "")) if active else ""


def _said(resource: Json) -> Json:
    extensions = [e for e in resource.get("extension", ()) if not str(e.get("url", "")).endswith("as-of")]
    return {name: value for name, value in resource.items() if name not in _OURS} | {"extension": extensions}


def person(
    receiver: Receiver, envelope: Envelope, trigger: str, patient: Json, resources: Resources,
    *, others: Sequence[Json] = (), relatives: Sequence[Json] = (),
) -> bytes:  # fmt: skip
    """ADT^A28 or A31: the person; `others` are identifiers of the same human in other domains."""
    lines = [evn(trigger, patient), pid(patient, receiver, others=others), *pd1(patient, resources, receiver)]
    lines += _relatives(relatives, receiver)
    return write(receiver, envelope, "ADT", trigger, [*lines, pv1(None, resources, receiver)])


def merge(receiver: Receiver, envelope: Envelope, survivor: Json, subsumed: Json, resources: Resources) -> bytes:
    """ADT^A40: the record of MRG is used no more, that of PID stays."""
    lines = [evn("A40", subsumed), pid(survivor, receiver), *pd1(survivor, resources, receiver)]
    lines.append(mrg(subsumed, receiver))
    return write(receiver, envelope, "ADT", "A40", lines)


def visit(
    receiver: Receiver, envelope: Envelope, trigger: str, patient: Json, encounter: Json, resources: Resources,
    *, others: Sequence[Json] = (), relatives: Sequence[Json] = (),
) -> bytes:  # fmt: skip
    """ADT^A01 to A22: the person and the visit."""
    lines = [
        evn(trigger, encounter, _occurred(trigger, encounter)),
        pid(patient, receiver, others=others, account=account_of(encounter)),
        *pd1(patient, resources, receiver),
        *_relatives(relatives, receiver),
        pv1(encounter, resources, receiver),
        *pv2(encounter),
    ]
    return write(receiver, envelope, "ADT", trigger, lines)


def _relatives(relatives: Sequence[Json], receiver: Receiver) -> list[Line]:
    return [nk1(number, one, receiver) for number, one in enumerate(relatives, 1)]


def _occurred(trigger: str, encounter: Json) -> str:
    """EVN-6: a move took place when the patient came to the place; admission and discharge stand in PV1."""
    period = encounter.get("period", {})
    if trigger == "A02":
        active = [one for one in encounter.get("location", ()) if one.get("status") == "active"]
        return dtm(active[-1].get("period", {}).get("start", "")) if active else ""
    return dtm(period.get({"A03": "end", "A01": "start", "A04": "start"}.get(trigger, ""), ""))
