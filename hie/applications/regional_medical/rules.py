"""
Two-way referral as a table: from which state, by whose hand, to which state; and how long each may take.

Specification: region-1251 section 4, REG-01.
"""

from __future__ import annotations

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
Action = Literal["submit", "accept", "return", "refuse", "arrive", "admit", "propose-down", "close", "cancel", "expire"]


@dataclass(frozen=True, slots=True)
class Transition:
    """One row of the table; `reason` says whether a reason must be given."""

    action: Action
    sources: tuple[State, ...]
    target: State
    by: Party
    reason: bool = False


TRANSITIONS = (
    Transition("submit", ("draft", "returned"), "submitted", "referring"),
    Transition("accept", ("submitted",), "accepted", "receiving"),
    Transition("return", ("submitted",), "returned", "receiving", reason=True),
    Transition("refuse", ("submitted",), "refused", "receiving", reason=True),
    Transition("arrive", ("accepted",), "arrived", "receiving"),
    Transition("admit", ("arrived",), "in-care", "receiving"),
    Transition("propose-down", ("in-care",), "down-proposed", "receiving"),
    # Who takes the patient back closes the referral; until then nobody else is responsible for the follow-up.
    Transition("close", ("down-proposed",), "closed", "referring"),
    Transition("cancel", ("draft", "submitted", "returned", "accepted"), "cancelled", "referring", reason=True),
    Transition("expire", ("submitted", "accepted"), "expired", "clock"),
)
FINAL: frozenset[State] = frozenset({"refused", "closed", "cancelled", "expired"})
OPEN: tuple[State, ...] = ("draft", "submitted", "returned", "accepted", "arrived", "in-care", "down-proposed")
# FHIR's own states are coarser; the fine one is Task.businessStatus.
TASK_STATUS: dict[State, str] = {
    "draft": "draft", "submitted": "requested", "accepted": "accepted", "returned": "on-hold", "refused": "rejected",
    "arrived": "in-progress", "in-care": "in-progress", "down-proposed": "in-progress", "closed": "completed",
    "cancelled": "cancelled", "expired": "failed",
}  # fmt: skip
REQUEST_STATUS: dict[State, str] = {
    "draft": "draft", "closed": "completed", "refused": "revoked", "cancelled": "revoked", "expired": "revoked",
}  # fmt: skip


def find(state: State, action: Action) -> Transition | None:
    """The row for an action in a state, or None where the table has none."""
    return next((row for row in TRANSITIONS if row.action == action and state in row.sources), None)


def step(state: State, action: Action, party: Party | None, reason: str = "") -> State:
    """The next state; Unprocessable outside the table or without a needed reason, Refused for the wrong party."""
    row = find(state, action)
    if row is None:
        raise Unprocessable(f"A referral that is {state} cannot take the step '{action}'.")
    if row.by != party:
        raise Refused(f"The step '{action}' belongs to the {row.by} institution.")
    if row.reason and not reason.strip():
        raise Unprocessable("This step needs a reason.", expression="reason")
    return row.target


def choices(state: State, party: Party | None) -> tuple[Transition, ...]:
    """What a party may do now."""
    return tuple(row for row in TRANSITIONS if state in row.sources and row.by == party)


def due(state: State, since: datetime, priority: str, rules: Rules) -> datetime | None:
    """When the present state must be left: an answer for a submitted referral, an arrival for an accepted one."""
    if state == "submitted":
        minutes = rules["answer_minutes"].get(priority, rules["answer_minutes"]["routine"])
        return since + timedelta(minutes=minutes)
    return since + timedelta(days=rules["arrival_days"]) if state == "accepted" else None


def follow_up_due(closed: datetime, rules: Rules) -> datetime:
    """When the family doctor must have seen a patient who came back."""
    return closed + timedelta(days=rules["follow_up_days"])


def is_expired(state: State, deadline: datetime | None, now: datetime) -> bool:
    """An accepted referral whose patient never came; an unanswered one is late, never dropped."""
    return state == "accepted" and deadline is not None and now > deadline
