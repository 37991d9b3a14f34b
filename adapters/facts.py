"""
What an adapter says a message means: typed facts, without knowing any store.

The exchange reads what is stored under each fact's id, lets the fact's `reconcile` decide, and writes the outcome;
so the meaning of an event (a discharge closes a visit, a correction follows a final result) stays in the adapter,
as a pure function, and the store stays ignorant of HL7.
"""

from __future__ import annotations

import uuid
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Literal

Json = dict[str, Any]
Reconcile = Callable[[Json | None, Json], Json | None]
Recognize = Callable[["Fact", Sequence[Json]], list[str]]
# Fixed for ever: ids of stored resources depend on it.
NAMESPACE = uuid.UUID("6d1c0c5e-61a4-4a0e-9b53-1251ca5e0001")


def resource_id(source: str, resource_type: str, *business: str) -> str:
    """
    The id of a resource, derived from who speaks of it and by what name, so that a replay changes nothing.

    `source` is the assigning authority or site; `business` the identifier's parts. Returns a lower-case UUID.
    """
    return str(uuid.uuid5(NAMESPACE, "\x1f".join((source, resource_type, *business))))


def replace(_current: Json | None, incoming: Json) -> Json | None:
    """The message owns the whole resource."""
    return incoming


def create_only(current: Json | None, incoming: Json) -> Json | None:
    """Only if absent: an order or a result never rewrites demographics."""
    return incoming if current is None else None


@dataclass(frozen=True, slots=True)
class Known:
    """A number by which a resource may be stored already, under an id that another number gave it."""

    role: str  # the code of Identifier.type: PLAC, FILL, PGN (a group of orders)
    system: str
    value: str


@dataclass(frozen=True, slots=True)
class Fact:
    """
    One resource that a message asserts.

    `resource` has resourceType and an id from `resource_id`. `reconcile(current, incoming)` returns what to store,
    or None to leave things as they are. `moment` is when the sender says it was true (EVN-2, OBR-22, MSH-7).
    `known_by` are the numbers to look it up by; `recognize(fact, candidates)` returns the ids that it is meant by,
    none for its own, and raises AdapterError where the numbers contradict each other (adapters/recognition.py).
    """

    resource: Json
    reconcile: Reconcile = replace
    moment: datetime | None = None
    known_by: tuple[Known, ...] = ()
    recognize: Recognize | None = None

    @property
    def type(self) -> str:
        return str(self.resource["resourceType"])

    @property
    def id(self) -> str:
        return str(self.resource["id"])


@dataclass(frozen=True, slots=True)
class Merge:
    """ADT A40 and its kin: `subsumed` (a Patient id) is the same human as `survivor` and is used no more."""

    survivor: str
    subsumed: str


@dataclass(frozen=True, slots=True)
class Unlink:
    """ADT A37: two Patient ids that were called one human, and are not."""

    first: str
    second: str


@dataclass(frozen=True, slots=True)
class Renumbered:
    """
    ADT A42, A47, A50: what was known as `old` ("Encounter/1") is `new` from now on.

    Where nothing is stored under the new id, what the old one had goes over to it.
    """

    old: str
    new: str


@dataclass(frozen=True, slots=True)
class Move:
    """ADT A43: what was filed under the reference `old` ("Patient/1") belongs to `new`; both stay what they are."""

    old: str
    new: str


@dataclass(frozen=True, slots=True)
class Unmapped:
    """Something kept but not translated, countable: a local code, a Z segment, a field nobody maps."""

    kind: Literal["code", "segment", "field", "message"]
    location: str
    system: str = ""
    code: str = ""
    display: str = ""


@dataclass(frozen=True, slots=True)
class Translation:
    """
    All that one message means.

    `translated` is False for "kept, not translated": the message is journaled and visible, and changed nothing.
    `subjects` are Patient ids in the message. `remarks` are data-quality findings without health data. `conditional`
    are the references of facts that only change what is stored, and assert nothing where nothing is.
    """

    facts: tuple[Fact, ...] = ()
    merges: tuple[Merge, ...] = ()
    unmapped: tuple[Unmapped, ...] = ()
    remarks: tuple[str, ...] = ()
    translated: bool = True
    subjects: tuple[str, ...] = field(default=())
    unlinks: tuple[Unlink, ...] = ()
    renumbered: tuple[Renumbered, ...] = ()
    moves: tuple[Move, ...] = ()
    conditional: frozenset[str] = frozenset()
