"""
A bulk job as it is kept: what was asked, by whom, and how far it is. Frozen; a step makes the next one.

https://hl7.org/fhir/uv/bulkdata/export.html
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any, Literal

import msgspec

from hie.access.caller import Caller

State = Literal["receiving", "open", "complete", "failed", "cancelled"]
FileKind = Literal["output", "deleted", "error"]
Pair = tuple[str, str]


@dataclass(frozen=True, slots=True)
class File:
    """One NDJSON file: `chunks` pieces under its name in the database; `of` is the number of the input it is about."""

    name: str
    type: str
    kind: FileKind = "output"
    rows: int = 0
    size: int = 0
    chunks: int = 0
    of: int = -1


@dataclass(frozen=True, slots=True)
class Part:
    """One pass over a type: its current resources, or what of it was deleted."""

    type: str
    deleted: bool = False


@dataclass(frozen=True, slots=True)
class Selection:
    """A `_typeFilter`: a search of one type."""

    type: str
    params: tuple[Pair, ...]


@dataclass(frozen=True, slots=True)
class Export:
    """
    What is to be written out. `as_of` is the moment whose state is shown; `since` the one that is known already.

    `patients` None means that nobody is singled out; `compartment` that only what is about some patient is meant.
    """

    parts: tuple[Part, ...]
    as_of: datetime
    since: datetime | None = None
    compartment: bool = False
    patients: tuple[str, ...] | None = None
    selections: tuple[Selection, ...] = ()
    elements: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Input:
    """One file to read in: from an address, or what was sent with the request (`url` is empty)."""

    type: str = ""
    url: str = ""


@dataclass(frozen=True, slots=True)
class Tally:
    """What became of the lines of one type in one input."""

    of: int
    type: str
    created: int = 0
    updated: int = 0
    unchanged: int = 0


@dataclass(frozen=True, slots=True)
class Progress:
    """
    How far a job is. `turn` counts the steps: only the step that read it last may write, so that of two processes
    that believe they have the job, one is turned away.
    """

    turn: int = 0
    at: int = 0
    cursor: str = ""
    chunk: int = 0
    line: int = 0
    number: int = 0
    staged: bool = False
    done: int = 0
    refused: int = 0
    failures: int = 0
    files: tuple[File, ...] = ()
    tallies: tuple[Tally, ...] = ()


@dataclass(frozen=True, slots=True)
class Job:
    """
    One job. `began` is the transaction time. `remarks` are what the requester has to be told: they become the error
    file. `problem` is the reason why it failed.
    """

    id: str
    owner: str
    caller: Caller
    request: str
    began: datetime
    state: State = "open"
    export: Export | None = None
    inputs: tuple[Input, ...] = ()
    remarks: tuple[str, ...] = ()
    progress: Progress = Progress()
    expires: datetime | None = None
    problem: str = ""
    status: int = 0
    touched: datetime | None = None


Document = dict[str, Any]


def to_document(job: Job) -> Document:
    """The job as the database keeps it."""
    found: Document = msgspec.to_builtins(job, builtin_types=(datetime,))
    return {"_id": found.pop("id"), **found}


def to_job(document: Document) -> Job:
    """The inverse."""
    return msgspec.convert({**document, "id": document["_id"]}, Job)
