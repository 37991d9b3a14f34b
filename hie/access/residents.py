"""
A resident's own record: from the account to the person, and to every source Patient of that person.

Looked up when asked, since the person may come to exist later and its Patients change; kept for a few seconds.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Protocol

from hie.access.accounts import Accounts

KEEP_SECONDS = 5.0
REMEMBERED = 10_000


class Persons(Protocol):
    """`hie.identity.registry.ClientRegistry`, as far as access needs it."""

    async def find_person(self, system: str, value: str) -> str | None: ...

    async def expand(self, person_id: str) -> tuple[str, ...]: ...

    async def person_of(self, patient_id: str) -> str | None: ...


@dataclass(frozen=True, slots=True)
class Record:
    """A person and its source Patients; both empty where the exchange does not know the resident yet."""

    person_id: str | None = None
    patients: frozenset[str] = frozenset()


NOBODY = Record()


class Residents:
    """Finds records, by account or by Patient."""

    def __init__(
        self, accounts: Accounts, persons: Persons, *, monotonic: Callable[[], float] = time.monotonic
    ) -> None:
        self._accounts = accounts
        self._persons = persons
        self._monotonic = monotonic
        self._known: dict[str, tuple[float, Record]] = {}

    async def of_account(self, subject: str) -> Record:
        """The record of the resident whom this account belongs to; NOBODY without binding or person."""
        binding_key = f"account {subject}"
        if (known := self._fresh(binding_key)) is not None:
            return known
        binding = await self._accounts.binding(subject)
        person = await self._persons.find_person(binding.system, binding.value) if binding else None
        return self._keep(binding_key, await self._record(person))

    async def of_patient(self, patient_id: str) -> Record:
        """The record that this source Patient belongs to; the Patient alone where it is not linked."""
        patient_id = patient_id.removeprefix("Patient/")
        if (known := self._fresh(patient_id)) is not None:
            return known
        record = await self._record(await self._persons.person_of(patient_id))
        return self._keep(patient_id, Record(record.person_id, record.patients | {patient_id}))

    async def together(self, patients: Iterable[str]) -> frozenset[str]:
        """These source Patients and every other one of the same persons."""
        found: set[str] = set()
        for patient in patients:
            if patient not in found:
                found |= (await self.of_patient(patient)).patients
        return frozenset(found)

    async def _record(self, person: str | None) -> Record:
        return Record(person, frozenset(await self._persons.expand(person))) if person else NOBODY

    def _fresh(self, key: str) -> Record | None:
        until, record = self._known.get(key, (float("-inf"), NOBODY))
        return record if self._monotonic() < until else None

    def _keep(self, key: str, record: Record) -> Record:
        if len(self._known) >= REMEMBERED:
            self._known.clear()
        self._known[key] = (self._monotonic() + KEEP_SECONDS, record)
        return record
