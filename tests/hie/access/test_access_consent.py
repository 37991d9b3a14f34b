"""What a Consent refuses."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest

from hie.access.consent import rule_of

AT = datetime(2026, 11, 24, 2, 0, tzinfo=UTC)
SCOPE = "http://terminology.hl7.org/CodeSystem/consentscope"
HERE = frozenset({"Organization/org-1", "urn:hie:organization|370303-H01", "urn:hie:role|clinician"})
ELSEWHERE = frozenset({"Organization/org-2", "urn:hie:role|clinician"})


def consent(provision: dict[str, Any], **changes: Any) -> dict[str, Any]:
    return {
        "resourceType": "Consent", "id": "c-1", "status": "active",
        "scope": {"coding": [{"system": SCOPE, "code": "patient-privacy"}]},
        "patient": {"reference": "Patient/pat-1"}, "provision": provision, **changes,
    }  # fmt: skip


def actor(**reference: Any) -> dict[str, Any]:
    return {"role": {"text": "recipient"}, "reference": reference}


def denies(provision: dict[str, Any], actors: frozenset[str] = HERE, purpose: str = "TREAT", at: datetime = AT) -> bool:
    rule = rule_of(consent(provision))
    return rule is not None and rule.denies(actors, purpose, at)


class TestRefusals:
    def test_everybody(self) -> None:
        """A refusal without actors is for everybody."""
        assert denies({"type": "deny"}, ELSEWHERE)

    def test_one_organization(self) -> None:
        """A refusal of an organization leaves the others in."""
        refusal = {"type": "deny", "actor": [actor(reference="Organization/org-1")]}

        assert denies(refusal, HERE)
        assert not denies(refusal, ELSEWHERE)

    def test_by_identifier(self) -> None:
        """An organization or a role may be named by identifier."""
        organization = actor(identifier={"system": "urn:hie:organization", "value": "370303-H01"})
        role = actor(identifier={"system": "urn:hie:role", "value": "clinician"})

        assert denies({"type": "deny", "actor": [organization]}, HERE)
        assert denies({"type": "deny", "actor": [role]}, ELSEWHERE)

    def test_an_actor_named_only_in_words_is_not_everybody(self) -> None:
        """What cannot be recognised refuses nobody, least of all everybody."""
        assert not denies({"type": "deny", "actor": [actor(display="那家医院")]})

    def test_purpose(self) -> None:
        """A refusal for one purpose holds for that purpose."""
        refusal = {"type": "deny", "purpose": [{"code": "PUBHLTH"}]}

        assert denies(refusal, purpose="PUBHLTH")
        assert not denies(refusal, purpose="TREAT")

    def test_all_but_emergencies(self) -> None:
        """IHE's example: refuse everybody, but for break-glass."""
        refusal = {"type": "deny", "provision": [{"type": "permit", "purpose": [{"code": "ETREAT"}]}]}

        assert denies(refusal, purpose="TREAT")
        assert not denies(refusal, purpose="ETREAT")

    def test_all_but_one(self) -> None:
        """Permit as the rule with one refusal, and the other way round."""
        but_one = {"type": "permit", "provision": [{"type": "deny", "actor": [actor(reference="Organization/org-1")]}]}
        only_one = {"type": "deny", "provision": [{"type": "permit", "actor": [actor(reference="Organization/org-1")]}]}

        assert (denies(but_one, HERE), denies(but_one, ELSEWHERE)) == (True, False)
        assert (denies(only_one, HERE), denies(only_one, ELSEWHERE)) == (False, True)

    def test_an_action_that_shows_nothing(self) -> None:
        """Refusing corrections does not refuse reading."""
        assert not denies({"type": "deny", "action": [{"coding": [{"code": "correct"}]}]})


class TestPeriod:
    @pytest.mark.parametrize(
        ("period", "expected"),
        [
            ({"start": "2026-11-24"}, True),
            ({"start": "2026-11-25"}, False),
            ({"end": "2026-11-24"}, True),
            ({"end": "2026-11-23"}, False),
            ({"end": "2026-11"}, True),
            ({"end": "2026"}, True),
            ({"end": "2025"}, False),
            ({"end": "2026-11-24T09:59:00+08:00"}, False),
            ({"end": "2026-11-24T10:01:00+08:00"}, True),
            ({"start": "2026-11-24T02:00:00Z"}, True),
        ],
    )
    def test_days_are_days_of_the_region(self, period: dict[str, str], expected: bool) -> None:
        """It is 10:00 on 24 November in Zibo; the last day of a period belongs to it."""
        assert denies({"type": "deny", "period": period}) is expected


class TestWhatIsNoRefusal:
    @pytest.mark.parametrize(
        "changes",
        [{"status": "inactive"}, {"scope": {"coding": [{"code": "research"}]}}, {"patient": {"display": "她"}}],
    )
    def test_other_consents(self, changes: dict[str, Any]) -> None:
        """Only active privacy consents about a known Patient refuse anything."""
        assert rule_of(consent({"type": "deny"}, **changes)) is None

    def test_a_permission(self) -> None:
        """A Consent that only permits is no refusal."""
        assert rule_of(consent({"type": "permit"})) is None
