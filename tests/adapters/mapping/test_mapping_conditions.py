"""The guide's conditions, as they are written in its tables."""

from __future__ import annotations

import pytest

from adapters.hl7v2.mapping.conditions import NotACondition, compiled, parse
from adapters.hl7v2.mapping.scope import Reference, Scope
from adapters.hl7v2.message import Segment, Value


def segment(text: str) -> Segment:
    """A segment of plain fields, repetitions and components."""
    name, *fields = text.split("|")
    read = (tuple(tuple((c,) for c in r.split("^")) for r in field.split("~")) if field else () for field in fields)
    return Segment(name, tuple(read))


def holds(condition: str, text: str, own: str = "", **around: str) -> bool:
    """Whether a condition holds in a segment, for a row of field `own`."""
    scope = Scope(segment(text), around={name: segment(other) for name, other in around.items()})
    return compiled(parse(condition), Reference.of(own or text.split("|")[0]))(scope)


class TestTests:
    @pytest.mark.parametrize(
        ("condition", "yes", "no"),
        [
            ("IF PV1-45 VALUED", "PV1" + "|" * 45 + "2024", "PV1|1"),
            ("IF PID-25 NOT VALUED", "PID|1", "PID" + "|" * 25 + "2"),
            ("IF AIS-2 IS EMPTY", "AIS|1", "AIS|1|A"),
            ("IF XCN-2 DOES NOT EXIST", "XCN|1", "XCN|1|A"),
            ('IF RXA-2 EQUALS "D"', "RXA|1|D", "RXA|1|A"),
            ('IF TXA-2 = "AV"', "TXA|1|AV", "TXA|1|XX"),
            ('IF OBX-2="ED"', "OBX|1|ED", "OBX|1|NM"),
            ("IF IN1-2 IS NOT 'patient'", "IN1|1|spouse", "IN1|1|patient"),
            ('IF OBR-2 NOT IN ("G","A")', "OBR|1|L", "OBR|1|G"),
            ('IF OBX-2 IN ("ST", "FT", "TX")', "OBX|1|FT", "OBX|1|NM"),
            ("IF PID-2 LENGTH GREATER THAN 8", "PID|1|202401011200", "PID|1|20240101"),
            ("IF PID-2 LST.COUNT EQUALS 1", "PID|1|A", "PID|1|A~B"),
            ("IF OBX-2 COUNT>1", "OBX|1|A~B", "OBX|1|A"),
            ("IF PID-2.3 NOT EQUALS PID-3", "PID|1|a^b^c|d", "PID|1|a^b^c|c"),
        ],
    )
    def test_each(self, condition: str, yes: str, no: str) -> None:
        """Each test holds where it should, and only there."""
        assert holds(condition, yes)
        assert not holds(condition, no)

    def test_case(self) -> None:
        """Codes are compared whatever their case; so are the words of the condition."""
        assert holds('If PV1-1 Equals "i"', "PV1|I")


class TestJoined:
    def test_precedence(self) -> None:
        """AND binds closer than OR, and brackets closer than both."""
        assert holds("IF PID-1 VALUED OR PID-2 VALUED AND PID-3 VALUED", "PID|a")
        assert not holds("IF (PID-1 VALUED OR PID-2 VALUED) AND PID-3 VALUED", "PID|a")
        assert holds("IF PID-1 VALUED AND (IF PID-2 VALUED OR PID-3 VALUED)", "PID|a||c")

    def test_borrowed(self) -> None:
        """Fields in a row share the test that follows."""
        assert holds("IF TQ1-1 AND TQ1-2 NOT VALUED", "TQ1|||c")
        assert not holds("IF TQ1-1 AND TQ1-2 NOT VALUED", "TQ1|a")
        assert holds("IF PV1-3.2 OR PV1-3.3 VALUED", "PV1|||a^^c")

    def test_same_field(self) -> None:
        """A test without a field is of the field before it, or of the row's own."""
        assert holds('IF IAM-1 VALUED AND NOT "SEL"', "IAM|SPO")
        assert not holds('IF IAM-1 VALUED AND NOT "SEL"', "IAM|SEL")
        assert holds("IF NOT VALUED", "RXA|1", own="RXA-2")

    def test_around(self) -> None:
        """Other segments of the group are asked too; one that is not there holds nothing."""
        assert holds("IF ORC-2 NOT VALUED", "OBR|1")
        assert not holds("IF ORC-2 NOT VALUED", "OBR|1", ORC="ORC|NW|P1")

    def test_repetition(self) -> None:
        """Of its own field a row sees the repetition in hand."""
        pid = segment("PID|a^~b^x")
        condition = compiled(parse("IF PID-1.2 NOT VALUED"), Reference.of("PID-1"))

        assert [condition(Scope(pid, value, 1)) for value in pid.all(1)] == [True, False]

    def test_value(self) -> None:
        """Inside of a data type, `HD.3` and `HD-3` are components of the value in hand."""
        scope = Scope(Segment("PID", ()), Value((("A",), ("1.2",), ("ISO",))))
        condition = parse('HD-3 IN ("ISO")')

        assert Reference.of("HD-3").in_type() == Reference("", 0, 3, 0)
        assert scope.text(Reference.of("HD.3").in_type()) == "ISO"
        assert condition is not None


class TestWrong:
    @pytest.mark.parametrize(
        "text",
        [
            "", "IF", "IF PID-1", "IF PID-1 AND", "IF (PID-1 VALUED", "IF PID-1 VALUED PID-2 VALUED", "IF PID-1 IN",
            'IF PID-1 IN ("A"', "IF PID-1 LENGTH GREATER", "IF PID-1 COUNT > many", "IF PID-1 EQUALS",
            "the patient is known", "IF CX.4 IN http://hl7.org/x",
        ],
    )  # fmt: skip
    def test_refused(self, text: str) -> None:
        """What is not of the syntax is refused, never guessed."""
        with pytest.raises(NotACondition):
            parse(text)
