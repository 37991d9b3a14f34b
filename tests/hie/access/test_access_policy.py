"""The access decision."""

from __future__ import annotations

from dataclasses import replace

import pytest

from hie.access.caller import Caller
from hie.access.policy import Denied, decide, policy, role_among
from hie.access.scopes import parse_all
from hie.errors import Refused

NOBODY = frozenset[str]()
ACT = "http://terminology.hl7.org/CodeSystem/v3-ActCode"
CLINICIAN = Caller("s-1", role="clinician", scopes=parse_all("user/*.cruds"), purpose="TREAT")
RESIDENT = Caller(
    "s-2", role="resident", scopes=parse_all("patient/*.cruds"), purpose="PATRQT", person_id="p-1",
    patients=frozenset({"pat-1", "pat-2"}),
)  # fmt: skip
SYSTEM = Caller("s-3", role="system", scopes=parse_all("system/*.cruds"), purpose="HOPERAT")


def refusal(caller: Caller, resource_type: str, interaction: str) -> str:
    with pytest.raises(Denied) as caught:
        decide(caller, resource_type, interaction, NOBODY)
    assert isinstance(caught.value, Refused)
    return caught.value.reason


class TestClinician:
    def test_sees_every_patient_but_sensitive_labels(self) -> None:
        """Treatment opens the region; psychiatry and HIV stay closed without the role for them."""
        decision = decide(CLINICIAN, "Observation", "search", NOBODY)

        assert decision.visibility.patients is None
        assert {f"{ACT}|PSY", f"{ACT}|HIV"} <= decision.visibility.hidden_labels
        assert "relationship-declared" in decision.reasons

    def test_does_not_see_who_refused(self) -> None:
        """A resident's refusal reaches the filter."""
        decision = decide(CLINICIAN, "Observation", "search", frozenset({"pat-9"}))

        assert decision.visibility.denied == {"pat-9"}
        assert "consent-applied" in decision.reasons

    def test_may_not_look_into_the_audit_trail(self) -> None:
        """Who read what is not a clinician's business, and no include brings it in."""
        assert refusal(CLINICIAN, "AuditEvent", "search") == "type-withheld"
        types = decide(CLINICIAN, "Patient", "search", NOBODY).visibility.types
        assert types is not None
        assert "AuditEvent" not in types
        assert "Observation" in types

    def test_may_not_declare_public_health(self) -> None:
        """The purpose must be one of the role's."""
        assert refusal(replace(CLINICIAN, purpose="PUBHLTH"), "Patient", "read") == "purpose-not-allowed"

    def test_patient_scopes_grant_nothing_without_a_patient(self) -> None:
        """SMART: `patient/` needs a patient in context; with one, that record is all there is."""
        narrow = replace(CLINICIAN, scopes=parse_all("patient/*.rs"))
        launched = replace(narrow, launched=True, patients=frozenset({"pat-5"}))

        assert refusal(narrow, "Observation", "read") == "scope-missing"
        assert decide(launched, "Observation", "read", NOBODY).visibility.patients == {"pat-5"}

    def test_a_scope_narrowed_by_a_query_is_not_widened(self) -> None:
        """What cannot be enforced is refused, and says so."""
        narrowed = replace(CLINICIAN, scopes=parse_all("user/Observation.rs?category=laboratory"))

        assert refusal(narrowed, "Observation", "search") == "scope-narrowed"

    def test_includes_stay_within_the_scopes(self) -> None:
        """A token for two types shows two types."""
        narrow = replace(CLINICIAN, scopes=parse_all("user/Patient.rs user/Observation.rs"))

        assert decide(narrow, "Patient", "search", NOBODY).visibility.types == {"Patient", "Observation"}


class TestExports:
    @pytest.mark.parametrize(
        ("role", "purpose", "may"),
        [
            ("clinician", "TREAT", False), ("pharmacist", "HOPERAT", False), ("administrator", "HOPERAT", True),
            ("public-health", "PUBHLTH", True), ("public-health", "HOPERAT", False),
        ],
    )  # fmt: skip
    def test_by_role_and_purpose(self, role: str, purpose: str, may: bool) -> None:
        """Whole populations leave for purposes that the rule names, whoever may search them."""
        caller = replace(CLINICIAN, role=role, purpose=purpose)

        assert decide(caller, "Patient", "search", NOBODY)
        if may:
            assert decide(caller, "Patient", "export", NOBODY)
        else:
            assert refusal(caller, "Patient", "export") == "export-not-allowed"


class TestBreakGlass:
    def test_lifts_a_refusal_and_says_so(self) -> None:
        """An emergency with a reason sees who refused; labels stay hidden."""
        decision = decide(
            replace(CLINICIAN, purpose="ETREAT", reason="昏迷，急诊抢救"), "Patient", "read", frozenset({"pat-9"})
        )

        assert decision.visibility.denied == NOBODY
        assert decision.visibility.hidden_labels
        assert {"break-glass", "consent-lifted"} <= set(decision.reasons)

    def test_needs_a_reason(self) -> None:
        """Without words for it there is no emergency."""
        assert refusal(replace(CLINICIAN, purpose="BTG", reason=" "), "Patient", "read") == "break-glass-without-reason"

    @pytest.mark.parametrize("role", ["pharmacist", "public-health", "administrator"])
    def test_is_for_clinicians(self, role: str) -> None:
        """Other roles may not declare an emergency."""
        caller = replace(CLINICIAN, role=role, purpose="ETREAT", reason="抢救")

        assert refusal(caller, "Patient", "read") == "purpose-not-allowed"


class TestResident:
    def test_sees_the_own_record_with_all_labels(self) -> None:
        """Own Patients, the directory, and nothing hidden."""
        seen = decide(RESIDENT, "Observation", "search", frozenset({"pat-1"})).visibility

        assert seen.patients == {"pat-1", "pat-2"}
        assert "Organization" in seen.shared_types
        assert seen.hidden_labels == NOBODY
        assert seen.denied == NOBODY

    def test_whom_the_exchange_does_not_know_sees_nothing(self) -> None:
        """No person yet: an empty record, not everybody's."""
        unknown = replace(RESIDENT, person_id=None, patients=None)

        assert decide(unknown, "Observation", "search", NOBODY).visibility.patients == NOBODY

    def test_a_user_scope_does_not_widen_it(self) -> None:
        """The role binds, whatever scope a client obtained."""
        wide = replace(RESIDENT, scopes=parse_all("user/*.cruds"))

        assert decide(wide, "Observation", "search", NOBODY).visibility.patients == {"pat-1", "pat-2"}

    def test_reads_who_looked(self) -> None:
        """The audit trail about oneself is open."""
        assert decide(RESIDENT, "AuditEvent", "search", NOBODY).visibility.patients == {"pat-1", "pat-2"}

    def test_writes_consent_and_answers_only(self) -> None:
        """A resident says who may look and fills in forms; facts come from those who treat."""
        assert decide(RESIDENT, "Consent", "create", NOBODY).visibility.patients == {"pat-1", "pat-2"}
        assert decide(RESIDENT, "QuestionnaireResponse", "update", NOBODY)
        assert refusal(RESIDENT, "Observation", "create") == "write-not-allowed"
        assert refusal(RESIDENT, "Consent", "delete") == "write-not-allowed"

    def test_may_not_call_it_treatment(self) -> None:
        """Residents ask for themselves."""
        assert refusal(replace(RESIDENT, purpose="TREAT"), "Observation", "read") == "purpose-not-allowed"


class TestOthers:
    def test_a_system_sees_all(self) -> None:
        """A backend service with its own scopes is not bound to a resident's refusal."""
        seen = decide(SYSTEM, "Observation", "search", frozenset({"pat-1"})).visibility

        assert (seen.denied, seen.hidden_labels, seen.types) == (NOBODY, NOBODY, None)

    def test_nobody_writes_the_audit_trail(self) -> None:
        """Not even a system: events come from the exchange."""
        assert refusal(SYSTEM, "AuditEvent", "create") == "type-read-only"
        assert refusal(SYSTEM, "AuditEvent", "delete") == "type-read-only"

    def test_a_system_scope_in_a_persons_token_grants_nothing(self) -> None:
        """Contexts belong to roles."""
        assert refusal(replace(CLINICIAN, scopes=parse_all("system/*.cruds")), "Patient", "read") == "scope-missing"

    def test_no_role_no_access(self) -> None:
        """A valid token of an account without a role opens nothing."""
        assert refusal(replace(CLINICIAN, role=""), "Patient", "read") == "role-unknown"

    def test_public_health_sees_what_it_must_report(self) -> None:
        """HIV and psychiatric labels are open to it, others are not."""
        caller = replace(CLINICIAN, role="public-health", purpose="PUBHLTH")
        hidden = decide(caller, "Condition", "search", NOBODY).visibility.hidden_labels

        assert f"{ACT}|HIV" not in hidden
        assert f"{ACT}|SDV" in hidden

    def test_role_by_client(self) -> None:
        """Somebody who is both acts as resident in the portal and as staff elsewhere."""
        both = ("clinician", "offline_access", "resident")

        assert role_among(both, policy(), resident=True) == "resident"
        assert role_among(both, policy(), resident=False) == "clinician"
        assert role_among(("offline_access",), policy(), resident=True) == ""
