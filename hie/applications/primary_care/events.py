"""
What primary care hears from the exchange: diagnoses, readings and deaths; a repeated event changes nothing.

Specification: region-1251 section 3, PHC-03.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable

from hie.applications.fhir import patient_of
from hie.applications.primary_care import use_cases
from hie.applications.primary_care.blood_pressure import is_pressure
from hie.applications.primary_care.follow_up import DECEASED, NO_DIAGNOSIS
from hie.applications.work import Event, Work
from records.errors import Gone, NotFound
from records.stored import Json

TYPES = frozenset({"Condition", "Observation", "Patient"})
Handler = Callable[[Event], Awaitable[None]]


def consumers(work: Work) -> list[tuple[str, frozenset[str], Handler]]:
    """Name, types and handler of each subscription, for the outbox."""

    async def handle(event: Event) -> None:
        await on_event(work, event)

    return [("primary-care.hypertension", TYPES, handle)]


async def on_event(work: Work, event: Event) -> None:
    """A diagnosis enrols or ends, a reading moves the open follow-up, a death ends it."""
    if event.type not in TYPES:
        return
    try:
        resource = (await work.store.read(event.type, event.resource_id)).resource()
    except (NotFound, Gone):
        return
    if event.type == "Patient":
        await _on_patient(work, resource)
    elif patient := patient_of(resource):
        await (_on_condition if event.type == "Condition" else _on_observation)(work, resource, patient)


async def _on_condition(work: Work, condition: Json, patient: str) -> None:
    if use_cases.is_hypertension(condition, work.terminology):
        await use_cases.enrol(work, patient)
    elif use_cases.names_hypertension(condition, work.terminology) and not await use_cases.has_hypertension(
        work, patient
    ):
        await use_cases.end(work, patient, NO_DIAGNOSIS)


async def _on_observation(work: Work, observation: Json, patient: str) -> None:
    if is_pressure(observation):
        await use_cases.take_in(work, patient)


async def _on_patient(work: Work, patient: Json) -> None:
    if use_cases.is_deceased(patient):
        await use_cases.end(work, patient["id"], DECEASED)
