"""Limits by class against the norm's figures; what is recognised, what is denied, which step may follow which."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest

from hie.applications.public_health.recognition import by_icd10, by_text, recognise, when
from hie.applications.public_health.rules import (
    STATES,
    TRANSITIONS,
    choices,
    diseases_on,
    is_duplicate,
    is_fresh,
    limit,
    rules_on,
    step,
    triggers_on,
)
from hie.applications.rule_data import rule_book
from hie.errors import Unprocessable
from terminology.service import ICD_10, LOINC, terminology

TODAY = date(2026, 11, 24)
RECEIVED = datetime(2026, 11, 24, 2, tzinfo=UTC)
KNOWN, TRIGGERS = diseases_on(TODAY, terminology()), triggers_on(TODAY)
BY_CODE = {one.code: one for one in KNOWN}


def condition(code: str = "", text: str = "", **more: Any) -> dict[str, Any]:
    coding = [{"system": ICD_10, "code": code}] if code else []
    return {"resourceType": "Condition", "code": {"coding": coding, "text": text}, **more}


def observation(code: str, value: str, name: str = "", **more: Any) -> dict[str, Any]:
    coding = [{"system": LOINC, "code": code}] if code else []
    return {
        "resourceType": "Observation", "status": "final", "code": {"coding": coding, "text": name},
        "valueString": value, **more,
    }  # fmt: skip


def found(resource: dict[str, Any]) -> tuple[str, str] | None:
    suspicion = recognise(resource, RECEIVED, KNOWN, TRIGGERS)
    return (suspicion.disease.name, suspicion.case_class) if suspicion else None


class TestLimits:
    @pytest.mark.parametrize(
        ("code", "hours"),
        [("0100", 2), ("0200", 2), ("1901", 2), ("2700", 2), ("1900", 24), ("0300", 24), ("3500", 24), ("4000", 24)],
    )
    def test_by_class(self, code: str, hours: int) -> None:
        """Two hours for class A, pulmonary anthrax and SARS; a day for the rest of B and for C."""
        assert limit(BY_CODE[code], rules_on(TODAY)) == timedelta(hours=hours)

    def test_list_of_the_day(self) -> None:
        """Before September 2025 avian influenza H7N9 was a disease of its own."""
        before = {one.name for one in diseases_on(date(2025, 8, 31), terminology())}
        after = {one.name for one in diseases_on(date(2025, 9, 1), terminology())}

        assert before - after == {"人感染H7N9禽流感", "人感染高致病性禽流感"}
        assert after - before == {"人感染新亚型流感"}

    @pytest.mark.parametrize("name", ["report", "triggers", "card"])
    def test_sources(self, name: str) -> None:
        """No version claims to be verified, and each says where it is from."""
        for version in rule_book("public_health", name).versions:
            assert version.source
            assert version.verified is False

    def test_triggers_are_listed(self) -> None:
        """Every trigger leads to a disease of the list."""
        for row in (*TRIGGERS["laboratory"], *TRIGGERS["organisms"]):
            assert row["disease"] in BY_CODE


class TestCondition:
    @pytest.mark.parametrize(
        ("code", "name"),
        [("A00.9", "霍乱"), ("A22.1", "肺炭疽"), ("A22.0", "炭疽"), ("B08.401", "手足口病"), ("A15.0", "肺结核")],
    )
    def test_by_code(self, code: str, name: str) -> None:
        """The longest prefix decides; national extensions of a code count."""
        disease = by_icd10(code, KNOWN)

        assert disease is not None
        assert disease.name == name

    def test_not_notifiable(self) -> None:
        """A code that is none of the list's reports nothing, whatever its words say."""
        assert found(condition("J18.9", "肺炎,流行性感冒待排")) is None
        assert found(condition("A15.6", "结核性胸膜炎")) is None

    @pytest.mark.parametrize(
        ("verification", "expected"),
        [("confirmed", "1"), ("provisional", "3"), ("refuted", None), ("entered-in-error", None)],
    )
    def test_certainty(self, verification: str, expected: str | None) -> None:
        """A working diagnosis is a suspected case; one that was taken back is none."""
        one = condition("A00.9", verificationStatus={"coding": [{"code": verification}]})

        assert found(one) == (("霍乱", expected) if expected else None)

    def test_over(self) -> None:
        """A disease that is over is not reported."""
        assert found(condition("B05.9", clinicalStatus={"coding": [{"code": "resolved"}]})) is None

    @pytest.mark.parametrize(
        ("text", "expected"),
        [
            ("麻疹", ("麻疹", "1")), ("疑似麻疹", ("麻疹", "3")), ("麻疹?", ("麻疹", "3")), ("排除麻疹", None),
            ("麻疹疫苗接种反应", None), ("肺结核家族史", None), ("上呼吸道感染", None),
        ],
    )  # fmt: skip
    def test_by_words(self, text: str, expected: tuple[str, str] | None) -> None:
        """Without a code the words count, and their denials."""
        assert found(condition(text=text)) == expected

    def test_longest_name(self) -> None:
        """Pulmonary anthrax is not anthrax."""
        known = by_text("肺炭疽", KNOWN, TRIGGERS)

        assert known is not None
        assert known[0].code == "1901"


class TestObservation:
    @pytest.mark.parametrize(
        ("value", "positive"),
        [
            ("阳性", True), ("阳性(+)", True), ("+", True), ("Detected", True), ("检出", True), ("阴性", False),
            ("未检出", False), ("Not detected", False), ("弱阳性", False), ("可疑", False), ("±", False), ("", False),
        ],
    )  # fmt: skip
    def test_words(self, value: str, positive: bool) -> None:
        """A denial anywhere in the words wins; what is doubtful is not positive."""
        assert (found(observation("54905-5", value)) is not None) is positive

    def test_coded(self) -> None:
        """A coded value or interpretation says it as well."""
        coded = {"valueCodeableConcept": {"coding": [{"system": "http://snomed.info/sct", "code": "260373001"}]}}
        flagged = {"interpretation": [{"coding": [{"code": "POS"}]}]}

        assert found(observation("94500-6", "") | coded) == ("新型冠状病毒感染", "2")
        assert found(observation("94500-6", "") | flagged) == ("新型冠状病毒感染", "2")

    @pytest.mark.parametrize(
        ("name", "value", "expected"),
        [
            ("粪便培养", "霍乱弧菌 O1 群", "霍乱"), ("诺如病毒核酸", "阳性", "其他感染性腹泻病"),
            ("结核分枝杆菌抗体", "阳性", ""), ("血培养", "未检出伤寒沙门菌", ""), ("结核分枝杆菌核酸", "阴性", ""),
            ("伤寒沙门菌药敏", "敏感", ""),
        ],
    )  # fmt: skip
    def test_agent(self, name: str, value: str, expected: str) -> None:
        """Local tests speak by the name of the agent; antibodies and resistance tests report nothing."""
        known = found(observation("", value, name))

        assert (known[0] if known else "") == expected

    @pytest.mark.parametrize("status", ["registered", "cancelled", "entered-in-error"])
    def test_unusable(self, status: str) -> None:
        """A result that is none yet, or none any more, reports nothing."""
        assert found(observation("54905-5", "阳性", status=status)) is None

    def test_other_tests(self) -> None:
        """A positive pregnancy test is nobody's business here."""
        assert found(observation("2106-3", "阳性", "人绒毛膜促性腺激素")) is None


class TestWhen:
    def test_day_without_hour(self) -> None:
        """A day alone lasts until its end, and never longer than until it was received."""
        assert when("2026-11-23", RECEIVED) == datetime(2026, 11, 23, 15, 59, tzinfo=UTC)
        assert when("2026-11-24", RECEIVED) == RECEIVED

    def test_future(self) -> None:
        """A sender's clock that runs ahead gains no time."""
        assert when("2026-11-24T23:00:00+08:00", RECEIVED) == RECEIVED
        assert when(None, RECEIVED) == RECEIVED


class TestDuplicates:
    def test_window(self) -> None:
        """Influenza may come back after a month; hepatitis is reported once."""
        later = RECEIVED + timedelta(days=31)

        assert is_duplicate(BY_CODE["3500"], RECEIVED, RECEIVED + timedelta(days=30))
        assert not is_duplicate(BY_CODE["3500"], RECEIVED, later)
        assert is_duplicate(BY_CODE["0300"], RECEIVED, later + timedelta(days=4000))

    def test_fresh(self) -> None:
        """A diagnosis of last year is history."""
        assert is_fresh(RECEIVED - timedelta(days=30), RECEIVED, rules_on(TODAY))
        assert not is_fresh(RECEIVED - timedelta(days=31), RECEIVED, rules_on(TODAY))


class TestSteps:
    @pytest.mark.parametrize(
        ("state", "action", "target"),
        [
            ("draft", "report", "reported"), ("returned", "report", "reported"), ("draft", "return", "returned"),
            ("reported", "return", "returned"), ("draft", "dismiss", "dismissed"), ("returned", "dismiss", "dismissed"),
            ("dismissed", "reopen", "draft"),
        ],
    )  # fmt: skip
    def test_allowed(self, state: Any, action: str, target: str) -> None:
        """The table of steps."""
        assert step(state, action, "有理由") == target

    def test_everything_else(self) -> None:
        """What the table does not name is refused."""
        allowed = {(state, row.action) for row in TRANSITIONS for state in row.sources}
        for state in STATES:
            for action in ("report", "return", "dismiss", "reopen", "delete"):
                if (state, action) not in allowed:
                    with pytest.raises(Unprocessable):
                        step(state, action, "有理由")

    @pytest.mark.parametrize(("state", "action"), [("draft", "return"), ("draft", "dismiss"), ("dismissed", "reopen")])
    def test_reason(self, state: Any, action: str) -> None:
        """These need a reason, and blanks are none."""
        with pytest.raises(Unprocessable):
            step(state, action, "  ")

    def test_choices(self) -> None:
        """A reported card can only be sent back."""
        assert [row.action for row in choices("reported")] == ["return"]
