"""The same thing under another of its names."""

from __future__ import annotations

from typing import Any

import pytest

from adapters.errors import NotUnderstood
from adapters.facts import Fact, Known
from adapters.hl7v2.to_fhir.resources.order_numbers import recognize
from adapters.recognition import named, recognized, uncertain

Json = dict[str, Any]


def identifier(role: str, value: str) -> Json:
    return {"type": {"coding": [{"code": role}]}, "system": "urn:a", "value": value}


def order(identity: str, *numbers: Json, code: str = "") -> Json:
    concept = {"code": {"coding": [{"system": "urn:c", "code": code}]}} if code else {}
    return {"resourceType": "ServiceRequest", "id": identity, "identifier": list(numbers), **concept}


def fact(identity: str = "own", *, placer: str = "", filler: str = "", code: str = "") -> Fact:
    known = tuple(Known(role, "urn:a", value) for role, value in (("PLAC", placer), ("FILL", filler)) if value)
    return Fact(order(identity, code=code), known_by=known, recognize=recognize)


class TestNamed:
    def test_role(self) -> None:
        """A placer's 7 is not a filler's 7; a number without a role is anybody's."""
        known = Known("FILL", "urn:a", "7")

        assert not named(order("x", identifier("PLAC", "7")), known)
        assert named(order("x", identifier("FILL", "7")), known)
        assert named(order("x", {"system": "urn:a", "value": "7"}), known)

    def test_uncertain(self) -> None:
        """What is stored under its own id with all its numbers needs no question."""
        asked = fact(placer="1", filler="2")
        stored = order("own", identifier("PLAC", "1"), identifier("FILL", "2"))

        assert uncertain([asked], {"ServiceRequest/own": stored}) == []
        assert uncertain([asked], {"ServiceRequest/own": order("own", identifier("PLAC", "1"))}) == [asked]
        assert uncertain([Fact(order("x"))], {}) == []


class TestRecognized:
    def test_renamed(self) -> None:
        """The fact takes the stored id, and every reference follows."""
        asked = fact(filler="2")
        other = Fact({"resourceType": "Observation", "id": "o", "basedOn": [{"reference": "ServiceRequest/own"}]})
        candidates = {"ServiceRequest": [order("known", identifier("PLAC", "1"), identifier("FILL", "2"))]}
        first, second = recognized([asked, other], [asked], candidates)

        assert first.id == "known"
        assert second.resource["basedOn"] == [{"reference": "ServiceRequest/known"}]

    def test_nothing_found(self) -> None:
        """Without a candidate the facts stay as they are."""
        asked = fact(filler="2")
        assert recognized([asked], [asked], {}) == (asked,)

    def test_every(self) -> None:
        """A number alone, without a service, is every order that has it."""
        asked = fact(placer="1")
        stored = [order(name, identifier("PLAC", "1"), code=name) for name in "ab"]

        assert [one.id for one in recognized([asked], [asked], {"ServiceRequest": stored})] == ["a", "b"]


class TestRecognize:
    def test_conflict(self) -> None:
        """Numbers of two orders; and a filler's number that another placer's order of the same service has."""
        first = order("a", identifier("PLAC", "1"), code="GLU")
        second = order("b", identifier("PLAC", "2"), identifier("FILL", "2"), code="GLU")

        with pytest.raises(NotUnderstood):
            recognize(fact(placer="1", filler="2", code="GLU"), [first, second])
        with pytest.raises(NotUnderstood):
            recognize(fact(placer="3", filler="2"), [second])

    def test_shared_number(self) -> None:
        """The number of a tube is no contradiction between orders of different services."""
        other = order("b", identifier("PLAC", "2"), identifier("FILL", "2"), code="ALT")

        assert recognize(fact(placer="1", filler="2", code="GLU"), [other]) == []

    def test_number_learnt(self) -> None:
        """An order known only by its filler's number is the one whose placer's number comes now."""
        known = order("b", identifier("FILL", "2"), code="GLU")
        assert recognize(fact(placer="1", filler="2", code="GLU"), [known]) == ["b"]

    def test_by_service(self) -> None:
        """Of several orders with one number the service chooses; where none fits, it is a further one."""
        stored = [order(name, identifier("PLAC", "1"), code=name) for name in ("GLU", "ALT")]

        assert recognize(fact(placer="1", code="ALT"), stored) == ["ALT"]
        assert recognize(fact(placer="1", code="AST"), stored) == []

    def test_other_patient(self) -> None:
        """A number used again for somebody else is another order."""
        stored = {**order("a", identifier("FILL", "2")), "subject": {"reference": "Patient/1"}}
        asked = fact(filler="2")
        asked.resource["subject"] = {"reference": "Patient/2"}

        assert recognize(asked, [stored]) == []
