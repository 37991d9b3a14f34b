"""Callers, entries and a trail, for the tests of audit."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from hie.access.caller import Caller
from hie.audit.events import Entry, Observer
from hie.audit.trail import AuditTrail
from hie.exchange.database import Client

AT = datetime(2026, 11, 24, 2, 0, 0, 123456, tzinfo=UTC)
CLINICIAN = Caller(
    "s-1",
    "张医生",
    "clinician",
    "urn:hie:organization|370303-H01",
    "淄博市中心医院",
    purpose="TREAT",
    client="workbench",
)
OBSERVER = Observer("http://127.0.0.1:8080/fhir", "Zibo", "http://127.0.0.1:8082/realms/zibo")


@dataclass
class Clock:
    """A clock that moves only when told."""

    at: datetime = AT

    def __call__(self) -> datetime:
        return self.at

    def pass_(self, seconds: float) -> None:
        self.at += timedelta(seconds=seconds)


def trail(client: Client, prefix: str, folder: Path, clock: Clock | None = None) -> AuditTrail:
    """A trail of its own process, so to say."""
    return AuditTrail(client, prefix, data_dir=folder, observer=OBSERVER, clock=clock or Clock())


def read(patient: str = "pat-1", **changes: Any) -> Entry:
    """A clinician reads an Observation."""
    facts = {"resource_type": "Observation", "resource_id": "o-1", "version": 3, "patient": patient}
    return Entry("read", CLINICIAN, **{**facts, **changes})
