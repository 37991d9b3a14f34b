"""
Notifiable diseases, decided: what a diagnosis or a finding means, by when it must be reported, what is a duplicate.

Specification: region-1251 section 6, PUB-01 to PUB-04.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Literal

from hie.applications.rule_data import Rules
from hie.errors import Refused, Unprocessable
from terminology.concepts import Concept

CaseClass = Literal["1", "2", "3"]
"""1 临床诊断, 2 确诊, 3 疑似 (4 病原携带者 is set by hand)."""
State = Literal["draft", "hospital-approved", "county-approved", "returned", "withdrawn"]
Action = Literal["approve", "confirm", "return", "withdraw"]
Party = Literal["hospital", "county"]


@dataclass(frozen=True, slots=True)
class Disease:
    """One row of the legal list."""

    code: str
    name: str
    legal_class: str
    managed_as_a: bool
    icd10: tuple[str, ...]
    duplicate_days: int


@dataclass(frozen=True, slots=True)
class Suspicion:
    """What was recognised, how sure it is, and from which words ("code", "text", "laboratory")."""

    disease: Disease
    case_class: CaseClass
    basis: str


@dataclass(frozen=True, slots=True)
class Transition:
    """One row of the review table."""

    action: Action
    sources: tuple[State, ...]
    target: State
    by: Party
    reason: bool = False


TRANSITIONS = (
    Transition("approve", ("draft", "returned"), "hospital-approved", "hospital"),
    Transition("confirm", ("hospital-approved",), "county-approved", "county"),
    Transition("return", ("hospital-approved",), "returned", "county", reason=True),
    # A card is never deleted: withdrawn, with its reason, it stays in the trail.
    Transition("withdraw", ("draft", "returned"), "withdrawn", "hospital", reason=True),
    Transition("withdraw", ("hospital-approved", "county-approved"), "withdrawn", "county", reason=True),
)
TASK_STATUS: dict[State, str] = {
    "draft": "requested", "hospital-approved": "in-progress", "county-approved": "completed", "returned": "on-hold",
    "withdrawn": "cancelled",
}  # fmt: skip


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
    )


def by_icd10(code: str, known: Sequence[Disease]) -> Disease | None:
    """The disease whose ICD-10 prefix is the longest that fits: A22.1 is pulmonary anthrax before anthrax."""
    fitting = [(len(prefix), disease) for disease in known for prefix in disease.icd10 if code.startswith(prefix)]
    return max(fitting, key=lambda pair: pair[0])[1] if fitting else None


def by_text(text: str, known: Sequence[Disease], rules: Rules) -> Suspicion | None:
    """A disease named in words, unless it is denied, excluded, or somebody else's."""
    named = [disease for disease in known if disease.name in text]
    if not named or any(word in text for word in rules["text_negations"]):
        return None
    suspected = any(word in text for word in rules["text_suspicions"])
    return Suspicion(max(named, key=lambda disease: len(disease.name)), "3" if suspected else "1", "text")


def by_laboratory(code: str, known: Sequence[Disease], rules: Rules) -> Disease | None:
    """The disease that a positive result of this test reports."""
    wanted = next((row["disease"] for row in rules["laboratory"] if row["code"] == code), None)
    return next((disease for disease in known if disease.code == wanted), None)


def is_positive(codes: Sequence[str], text: str, rules: Rules) -> bool:
    """Whether a result says the agent was found; a negation anywhere in the words wins."""
    positive, words = rules["positive"], text.casefold()
    if any(word in words for word in positive["negations"]):
        return False
    return any(code in positive["codes"] for code in codes) or any(word in words for word in positive["texts"])


def limit(disease: Disease, rules: Rules) -> timedelta:
    """How long after the diagnosis the report must be in."""
    hours = rules["limit_hours"]
    return timedelta(hours=hours["managed_as_a"] if disease.managed_as_a else hours[disease.legal_class])


def is_duplicate(disease: Disease, earlier: datetime, now: datetime) -> bool:
    """Same person and disease within its window; a window of 0 days lasts for life."""
    return disease.duplicate_days == 0 or abs(now - earlier) <= timedelta(days=disease.duplicate_days)


def is_fresh(diagnosed: datetime, now: datetime, rules: Rules) -> bool:
    """Old diagnoses of an imported history are not reported anew."""
    return now - diagnosed <= timedelta(days=rules["draft_within_days"])


def step(state: State, action: Action, party: Party | None, reason: str = "") -> State:
    """The next state of a card; Unprocessable outside the table, Refused for the wrong party."""
    rows = [row for row in TRANSITIONS if row.action == action and state in row.sources]
    if not rows:
        raise Unprocessable(f"A card that is {state} cannot take the step '{action}'.")
    row = next((row for row in rows if row.by == party), None)
    if row is None:
        raise Refused(f"The step '{action}' belongs to the {rows[0].by}.")
    if row.reason and not reason.strip():
        raise Unprocessable("This step needs a reason.", expression="reason")
    return row.target


def choices(state: State, party: Party | None) -> tuple[Transition, ...]:
    """What a party may do with a card now."""
    return tuple(row for row in TRANSITIONS if state in row.sources and row.by == party)
