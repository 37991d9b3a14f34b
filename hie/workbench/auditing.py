"""
What a page showed, as entries of the audit trail: one for each human and search, one for each resource read by id.

https://profiles.ihe.net/ITI/BALP/
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, replace

from hie.access.caller import Caller
from hie.applications.work import Reader
from hie.audit.events import Entry
from records.stored import Stored


@dataclass(frozen=True, slots=True)
class Circumstances:
    """Of one request: its id and the network address it came from."""

    request_id: str = ""
    address: str = ""

    def of(self, entries: Iterable[Entry]) -> list[Entry]:
        """The entries with what all of one request share."""
        return [replace(one, request_id=self.request_id, address=self.address) for one in entries]


def shown(reader: Reader, caller_for: Callable[[str], Caller]) -> list[Entry]:
    """Everything about residents that a reader has shown; `caller_for` knows under which purpose a Patient was."""
    return list(dict.fromkeys(_shown(reader, caller_for)))


def _shown(reader: Reader, caller_for: Callable[[str], Caller]) -> Iterator[Entry]:
    for row in reader.seen.values():
        query = reader.asked.get(row.reference, "")
        for patient in patients_of(row):
            caller = caller_for(patient)
            if query:
                yield Entry("search", caller, row.type, patient=patient, query=query)
            else:
                yield Entry("read", caller, row.type, row.id, row.version, patient=patient)


def patients_of(row: Stored) -> tuple[str, ...]:
    """The source Patients that a row is about."""
    return row.patients or ((row.id,) if row.type == "Patient" else ())
