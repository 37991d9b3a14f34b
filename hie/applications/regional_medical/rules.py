"""
Two-way referral as a table: from which state, by whose hand, to which state; and how long each may take.

Specification: region-1251 section 4, REG-01.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Literal

from hie.applications.rule_data import Rules
from hie.errors import Refused, Unprocessable

State = Literal[
    "draft",
    "submitted",
    "accepted",
    "returned",
    "refused",
    "arrived",
    "in-care",
    "down-proposed",
    "closed",
    "cancelled",
    "expired",
]
Party = Literal["referring", "receiving", "clock"]
Action = Literal[
    "submit", "accept", "return", "refuse", "arrive", "admit", "propose-down", "close", "finish", "cancel", "expire"
]
Direction = Literal["up", "down", "level"]
DIRECTIONS: tuple[Direction, ...] = ("up", "down", "level")


@dataclass(frozen=True, slots=True)
class Transition:
    """One row of the table; `reason` says whether a text must be given."""

    action: Action
    sources: tuple[State, ...]
    target: State
    by: Party
    reason: bool = False
    directions: tuple[Direction, ...] = DIRECTIONS


TRANSITIONS = (
    Transition("submit", ("draft", "returned"), "submitted", "referring"),
    Transition("accept", ("submitted",), "accepted", "receiving"),
    Transition("return", ("submitted",), "returned", "receiving", reason=True),
    Transition("refuse", ("submitted",), "refused", "receiving", reason=True),
    Transition("arrive", ("accepted",), "arrived", "receiving"),
    Transition("admit", ("arrived",), "in-care", "receiving"),
    # The text of the proposal is the discharge summary: without it the family doctor has nothing to go on.
    Transition("propose-down", ("in-care",), "down-proposed", "receiving", reason=True, directions=("up", "level")),
    # Who takes the patient back closes the referral; until then nobody else is responsible for the follow-up.
    Transition("close", ("down-proposed",), "closed", "referring", reason=True),
    # A patient who was sent down, or along, stays where he is.
    Transition("finish", ("in-care",), "closed", "receiving", reason=True, directions=("down", "level")),
    Transition("cancel", ("draft", "submitted", "returned", "accepted"), "cancelled", "referring", reason=True),
    # A patient who never came. An unanswered referral is late, and never dropped.
    Transition("expire", ("accepted",), "expired", "clock"),
)
FINAL: frozenset[State] = frozenset({"refused", "closed", "cancelled", "expired"})
OPEN: tuple[State, ...] = ("draft", "submitted", "returned", "accepted", "arrived", "in-care", "down-proposed")
EDITABLE: frozenset[State] = frozenset({"draft", "returned"})
# FHIR's own states are coarser; the fine one is Task.businessStatus.
TASK_STATUS: dict[State, str] = {
    "draft": "draft", "submitted": "requested", "accepted": "accepted", "returned": "on-hold", "refused": "rejected",
    "arrived": "in-progress", "in-care": "in-progress", "down-proposed": "in-progress", "closed": "completed",
    "cancelled": "cancelled", "expired": "failed",
}  # fmt: skip
REQUEST_STATUS: dict[State, str] = {
    "draft": "draft", "closed": "completed", "refused": "revoked", "cancelled": "revoked", "expired": "revoked",
}  # fmt: skip


def find(state: State, action: str, direction: Direction = "up") -> Transition | None:
    """The row for an action in a state, or None where the table has none."""
    rows = (row for row in TRANSITIONS if row.action == action and state in row.sources)
    return next((row for row in rows if direction in row.directions), None)


def step(
    state: State, action: str, parties: Collection[Party], reason: str = "", direction: Direction = "up"
) -> Transition:  # fmt: skip
    """The row that applies; Unprocessable outside the table or without a needed text, Refused for the wrong party."""
    row = find(state, action, direction)
    if row is None:
        raise Unprocessable("The referral is in a state that has no such step.")
    if row.by not in parties:
        raise Refused(f"This step belongs to the {row.by} institution.")
    if row.reason and not reason.strip():
        raise Unprocessable("This step needs a text.", expression="reason")
    return row


def choices(state: State, parties: Collection[Party], direction: Direction = "up") -> tuple[Transition, ...]:
    """What a party may do now."""
    return tuple(
        row for row in TRANSITIONS if state in row.sources and row.by in parties and direction in row.directions
    )


def due(state: State, since: datetime, priority: str, rules: Rules) -> datetime | None:
    """When a state must be left: a submitted one answered, an accepted one arrived, one sent back followed up."""
    match state:
        case "submitted":
            minutes = rules["answer_minutes"]
            return since + timedelta(minutes=minutes.get(priority, minutes["routine"]))
        case "accepted":
            return since + timedelta(days=rules["arrival_days"])
        case "down-proposed":
            return since + timedelta(days=rules["follow_up_days"])
        case _:
            return None


def is_expired(state: State, deadline: datetime | None, now: datetime) -> bool:
    """An accepted referral whose patient never came."""
    return state == "accepted" and deadline is not None and now > deadline
