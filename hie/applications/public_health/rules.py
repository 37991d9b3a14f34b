"""
Notifiable diseases, decided: by when a card must be reported, what is a duplicate, and which step may follow which.

Specification: region-1251 section 6, PUB-01 to PUB-04.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any, Literal

from hie.applications.rule_data import Rules, rule_book
from hie.errors import Unprocessable
from hie.ui import N_
from terminology.concepts import Concept
from terminology.service import NOTIFIABLE, Terminology

CaseClass = Literal["1", "2", "3"]
"""1 临床诊断, 2 确诊, 3 疑似 (4 病原携带者 is set by hand)."""
State = Literal["draft", "reported", "returned", "dismissed"]
Action = Literal["report", "return", "dismiss", "reopen"]
OPEN: tuple[State, ...] = ("draft", "returned")
STATES: dict[State, str] = {
    "draft": N_("待审"), "reported": N_("已上报"), "returned": N_("退回订正"), "dismissed": N_("已排除"),
}  # fmt: skip
TASK_STATUS: dict[State, str] = {
    "draft": "requested", "reported": "completed", "returned": "on-hold", "dismissed": "cancelled",
}  # fmt: skip
CLASS_A = "甲"


@dataclass(frozen=True, slots=True)
class Disease:
    """One row of the legal list; `label` is its security label of ActCode, where it is a sensitive one."""

    code: str
    name: str
    legal_class: str
    managed_as_a: bool
    icd10: tuple[str, ...]
    duplicate_days: int
    label: str = ""

    @property
    def is_urgent(self) -> bool:
        """Class A, or managed as class A."""
        return self.managed_as_a or self.legal_class == CLASS_A


@dataclass(frozen=True, slots=True)
class Transition:
    """One row of the table of steps."""

    action: Action
    sources: tuple[State, ...]
    target: State
    reason: bool = False


TRANSITIONS = (
    Transition("report", ("draft", "returned"), "reported"),
    Transition("return", ("draft", "reported"), "returned", reason=True),
    # A card is never deleted: dismissed, with its reason, it stays, and can be taken up again.
    Transition("dismiss", ("draft", "returned"), "dismissed", reason=True),
    Transition("reopen", ("dismissed",), "draft", reason=True),
)


def rules_on(day: date) -> Rules:
    """Limits and list in force on a day."""
    return rule_book("public_health", "report").at(day)


def triggers_on(day: date) -> Rules:
    """How diagnoses and findings are recognised."""
    return rule_book("public_health", "triggers").at(day)


def card_rules_on(day: date) -> Rules:
    """Fields of the card."""
    return rule_book("public_health", "card").at(day)


def diseases_on(day: date, terminology: Terminology) -> tuple[Disease, ...]:
    """The legal list that was in force on a day."""
    table = terminology.code_system(f"{NOTIFIABLE}|{rules_on(day)['disease_list']}")
    return diseases(table.concepts.values()) if table else ()


def diseases(concepts: Iterable[Concept]) -> tuple[Disease, ...]:
    """The legal list out of the terminology."""
    return tuple(_disease(concept.code, concept.zh, concept.properties) for concept in concepts)


def _disease(code: str, name: str, properties: Mapping[str, Any]) -> Disease:
    return Disease(
        code,
        name,
        properties["class"],
        properties["managed_as_a"],
        tuple(properties["icd10"]),
        properties["duplicate_days"],
        properties.get("label", ""),
    )


def limit(disease: Disease, rules: Rules) -> timedelta:
    """How long after the diagnosis the report must be in."""
    hours = rules["limit_hours"]
    return timedelta(hours=hours["managed_as_a"] if disease.managed_as_a else hours[disease.legal_class])


def is_duplicate(disease: Disease, earlier: datetime, later: datetime) -> bool:
    """Same person and disease within its window; a window of 0 days lasts for life."""
    return disease.duplicate_days == 0 or abs(later - earlier) <= timedelta(days=disease.duplicate_days)


def is_fresh(diagnosed: datetime, now: datetime, rules: Rules) -> bool:
    """Old diagnoses of an imported history are not reported anew."""
    return now - diagnosed <= timedelta(days=rules["draft_within_days"])


def step(state: State, action: str, reason: str = "") -> State:
    """The next state of a card; Unprocessable outside the table, or without a reason that is needed."""
    row = next((row for row in TRANSITIONS if row.action == action and state in row.sources), None)
    if row is None:
        raise Unprocessable(f"A card that is {state} cannot take this step.")
    if row.reason and not reason.strip():
        raise Unprocessable("This step needs a reason.", expression="reason")
    return row.target


def choices(state: State) -> tuple[Transition, ...]:
    """What may be done with a card now."""
    return tuple(row for row in TRANSITIONS if state in row.sources)
