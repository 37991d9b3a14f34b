"""
A reindexing job as a value: what it covers, where it is, how far it is.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Literal

State = Literal["waiting", "running", "paused", "cancelled", "superseded", "failed", "completed"]
Phase = Literal["confirming", "passing", "verifying"]
UNFINISHED = ("waiting", "running", "paused")
CLAIMABLE = ("waiting", "running")
MOST_ERRORS = 100


@dataclass(frozen=True, slots=True)
class Progress:
    """
    One type: how many resources had to be visited, how many were, how many of them got other keys.

    `changed` of a batch whose progress could not be written down is lost; `done` is counted anew.
    """

    total: int = 0
    done: int = 0
    changed: int = 0


@dataclass(frozen=True, slots=True)
class Job:
    """
    Every resource of `types` is to be indexed by `generation` or a later one.

    `parameters` are ids of SearchParameter resources for which it is done, `urls` their addresses. `at` is the place
    in `types`, `cursor` the last id that was visited there. `processes` are those that have not confirmed yet.
    `errors` counts resources that could not be indexed, `failed` are references of the first of them. `existing` and
    `current` are what the last verification counted.
    """

    id: str
    generation: int
    types: tuple[str, ...]
    reason: str = ""
    parameters: tuple[str, ...] = ()
    urls: tuple[str, ...] = ()
    version: int = 0
    state: State = "waiting"
    phase: Phase = "confirming"
    at: int = 0
    cursor: str = ""
    counted: bool = False
    progress: Mapping[str, Progress] = field(default_factory=dict)
    processes: int = 0
    errors: int = 0
    failed: tuple[str, ...] = ()
    existing: int = 0
    current: int = 0
    rate: float = 0.0
    confirmed: datetime | None = None
    created: datetime | None = None
    started: datetime | None = None
    ended: datetime | None = None
    owner: str | None = None
    epoch: int = 0

    @property
    def total(self) -> int:
        """Resources to visit, as far as they were counted."""
        return sum(one.total for one in self.progress.values())

    @property
    def done(self) -> int:
        """Resources visited."""
        return sum(one.done for one in self.progress.values())

    @property
    def changed(self) -> int:
        """Resources that got other keys."""
        return sum(one.changed for one in self.progress.values())

    @property
    def percent(self) -> int:
        """Whole percent; 100 only when it is completed."""
        if self.state == "completed":
            return 100
        return min(99, self.done * 100 // self.total) if self.counted and self.total else 0

    @property
    def seconds_left(self) -> float | None:
        """At the present rate; None while there is none."""
        if self.state != "running" or self.rate <= 0 or not self.counted:
            return None
        return max(self.total - self.done, 0) / self.rate

    @property
    def unfinished(self) -> bool:
        """Whether it may still go on."""
        return self.state in UNFINISHED


def to_document(job: Job) -> dict[str, Any]:
    """As the database keeps it."""
    return {
        "_id": job.id, "generation": job.generation, "types": list(job.types), "reason": job.reason,
        "parameters": list(job.parameters), "urls": list(job.urls), "version": job.version, "state": job.state,
        "phase": job.phase, "at": job.at, "cursor": job.cursor, "counted": job.counted, "progress": {}, "errors": 0,
        "failed": [], "created": job.created, "owner": None, "epoch": 0,
    }  # fmt: skip


def to_job(found: Mapping[str, Any]) -> Job:
    """A document of the database as a value."""
    progress = {name: Progress(**one) for name, one in found["progress"].items()}
    names = (
        "generation", "reason", "version", "state", "phase", "at", "cursor", "counted", "processes", "errors",
        "existing", "current", "rate", "confirmed", "created", "started", "ended", "owner", "epoch",
    )  # fmt: skip
    fields: dict[str, Any] = {name: tuple(found[name]) for name in ("types", "parameters", "urls", "failed")}
    fields |= {name: found[name] for name in names if name in found}
    return Job(found["_id"], progress=progress, **fields)
