"""The table of a referral against region-1251, REG-01."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from typing import get_args

import pytest

from hie.applications.regional_medical.rules import (
    FINAL,
    OPEN,
    TASK_STATUS,
    TRANSITIONS,
    Party,
    State,
    choices,
    due,
    find,
    is_expired,
    step,
)
from hie.applications.rule_data import rule_book
from hie.errors import Refused, Unprocessable

NOW = datetime(2026, 11, 24, 2, tzinfo=UTC)
RULES = rule_book("regional_medical", "referral").at(date(2026, 11, 24))
SENDER: frozenset[Party] = frozenset({"referring"})
RECEIVER: frozenset[Party] = frozenset({"receiving"})


class TestTable:
    def test_states(self) -> None:
        """Every state is open or final, has a FHIR state, and open ones lead on."""
        states = set(get_args(State))

        assert states == {*OPEN, *FINAL} == set(TASK_STATUS)
        assert {source for row in TRANSITIONS for source in row.sources} == set(OPEN)
        assert states - {row.target for row in TRANSITIONS} == {"draft"}

    def test_up(self) -> None:
        """The way of a patient who is sent up and comes back."""
        way: list[State] = ["draft"]
        for action in ("submit", "accept", "arrive", "admit", "propose-down", "close"):
            row = find(way[-1], action)
            assert row is not None
            way.append(row.target)

        assert way == ["draft", "submitted", "accepted", "arrived", "in-care", "down-proposed", "closed"]

    def test_down(self) -> None:
        """A patient who is sent down stays there: the receiver finishes, nobody proposes to send back."""
        assert [row.action for row in choices("in-care", RECEIVER, "down")] == ["finish"]
        assert [row.action for row in choices("in-care", RECEIVER, "up")] == ["propose-down"]
        assert {row.action for row in choices("in-care", RECEIVER, "level")} == {"propose-down", "finish"}


class TestStep:
    @pytest.mark.parametrize("action", ["accept", "return", "refuse"])
    def test_answer(self, action: str) -> None:
        """The receiver answers, never the sender."""
        assert step("submitted", action, RECEIVER, "床位已满").by == "receiving"
        with pytest.raises(Refused):
            step("submitted", action, SENDER, "床位已满")

    @pytest.mark.parametrize(
        ("state", "action"), [("submitted", "return"), ("submitted", "refuse"), ("draft", "cancel")]
    )
    def test_reason(self, state: State, action: str) -> None:
        """Whoever stops a referral says why."""
        with pytest.raises(Unprocessable):
            step(state, action, SENDER | RECEIVER, "  ")

    def test_final(self) -> None:
        """Nothing follows a final state."""
        for state in FINAL:
            assert not choices(state, SENDER | RECEIVER | {"clock"})

    def test_no_party(self) -> None:
        """A third institution may do nothing."""
        for state in OPEN:
            assert not choices(state, frozenset())
        with pytest.raises(Refused):
            step("draft", "submit", frozenset())

    def test_unknown(self) -> None:
        """An action that no row has is against the rules."""
        with pytest.raises(Unprocessable):
            step("draft", "teleport", SENDER)


class TestDue:
    @pytest.mark.parametrize(("priority", "limit"), [("urgent", 30), ("stat", 30), ("routine", 1440), ("odd", 1440)])
    def test_answer(self, priority: str, limit: int) -> None:
        """Urgent within 30 minutes, routine within 24 hours."""
        assert due("submitted", NOW, priority, RULES) == NOW + timedelta(minutes=limit)

    def test_return(self) -> None:
        """The family doctor sees who came back within three days."""
        assert due("down-proposed", NOW, "routine", RULES) == NOW + timedelta(days=3)

    def test_none(self) -> None:
        """Care has no limit here, nor has a draft."""
        assert due("in-care", NOW, "urgent", RULES) is None
        assert due("draft", NOW, "urgent", RULES) is None

    def test_expired(self) -> None:
        """Only a patient who never came expires; an unanswered referral stays."""
        late = NOW + timedelta(days=30)

        assert is_expired("accepted", NOW, late)
        assert not is_expired("accepted", late, NOW)
        assert not is_expired("submitted", NOW, late)
