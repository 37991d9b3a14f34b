"""
Referrals that clinics send to the central hospital: a request, and the task that says where it stands.

https://hl7.org/fhir/R4/servicerequest.html, https://hl7.org/fhir/R4/task.html
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from hie.simulation.clinics import Clinic, entry, named, transaction
from hie.simulation.fhir import ORGANIZATION, Json, Visit, at
from hie.simulation.people import Resident

TASK, INPUT, STATE = "urn:hie:task", "urn:hie:task-input", "urn:hie:referral-state"
REQUEST, DIRECTION = "urn:hie:service-request", "urn:hie:referral-direction"
ANSWER_WITHIN = {"routine": timedelta(hours=24), "urgent": timedelta(minutes=30)}


@dataclass(frozen=True, slots=True)
class Referral:
    """One resident referred up; `urgent` ones want an answer within half an hour."""

    clinic: Clinic
    receiver: Mapping[str, Any]
    resident: Resident
    moment: datetime
    diagnosis: str
    reason: str
    department: str
    urgent: bool = False

    @property
    def priority(self) -> str:
        """As FHIR says it."""
        return "urgent" if self.urgent else "routine"

    def sent(self, number: int) -> bytes:
        """Request and task, submitted: it waits for the hospital's answer."""
        request, task = (named(self.clinic.code, part, number) for part in ("referral", "referral-task"))
        return self._with_patient(number, self._request(request, number, "order"), self._task(request, task, number))

    def proposed(self, number: int) -> bytes:
        """Advice to refer: the clinic's own desk takes it up, or not."""
        name = named(self.clinic.code, "referral-proposal", number)
        return self._with_patient(number, self._request(name, number, "proposal"))

    def _with_patient(self, number: int, *entries: Json) -> bytes:
        patient = self._visit(number).person(self.resident, self.clinic.local_id(self.resident))
        return transaction([entry(self._patient, patient), *entries])

    @property
    def _patient(self) -> str:
        return named(self.clinic.code, "patient", self.resident.number)

    def _visit(self, number: int) -> Visit:
        return Visit(self.clinic.authority, self._sender, self._patient, named(self.clinic.code, number), self.moment)

    @property
    def _sender(self) -> Json:
        return {"reference": f"Organization?identifier={ORGANIZATION}|{self.clinic.code}", "display": self.clinic.name}

    @property
    def _receiver(self) -> Json:
        code, name = self.receiver["code"], self.receiver["name"]
        return {"reference": f"Organization?identifier={ORGANIZATION}|{code}", "display": name}

    def _request(self, name: str, number: int, intent: str) -> Json:
        return entry(name, {
            "resourceType": "ServiceRequest",
            "identifier": self._visit(number).numbered(f"RF{number}"),
            "status": "active",
            "intent": intent,
            "category": [_concept(REQUEST, "referral", "转诊")],
            "priority": self.priority,
            "code": _concept(DIRECTION, "up", "上转"),
            "subject": {"reference": self._patient},
            "authoredOn": at(self.moment),
            "requester": self._sender,
            "performer": [self._receiver],
            "performerType": {"text": self.department},
            "reasonCode": [{"text": self.diagnosis}],
            "note": [{"text": self.reason}],
        })  # fmt: skip

    def _task(self, request: str, name: str, number: int) -> Json:
        deadline = at(self.moment + ANSWER_WITHIN[self.priority])
        return entry(name, {
            "resourceType": "Task",
            "identifier": self._visit(number).numbered(f"RT{number}"),
            "status": "requested",
            "intent": "order",
            "priority": self.priority,
            "code": _concept(TASK, "referral", "双向转诊"),
            "businessStatus": _concept(STATE, "submitted", "待答复"),
            "focus": {"reference": request},
            "for": {"reference": self._patient},
            "authoredOn": at(self.moment),
            "lastModified": at(self.moment),
            "requester": self._sender,
            "owner": self._receiver,
            "restriction": {"period": {"end": deadline}},
            "executionPeriod": {"start": deadline, "end": deadline},
            "input": [
                {"type": _concept(INPUT, "agreed"), "valueBoolean": True},
                {"type": _concept(INPUT, "direction"), "valueCode": "up"},
                {"type": _concept(INPUT, "submitted"), "valueDateTime": at(self.moment)},
                {"type": _concept(INPUT, "answer-due"), "valueDateTime": deadline},
            ],
        })  # fmt: skip


def _concept(system: str, code: str, display: str = "") -> Json:
    coding = {"system": system, "code": code}
    return {"coding": [coding | {"display": display} if display else coding]}
