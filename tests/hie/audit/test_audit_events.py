"""AuditEvents after BALP."""

from __future__ import annotations

import base64
from dataclasses import replace
from typing import Any

import pytest
from audit_world import AT, CLINICIAN, OBSERVER, read
from fhir.resources.R4B.auditevent import AuditEvent

from hie.access.caller import ANONYMOUS, Caller
from hie.audit.events import Entry, patient_of, to_resource

BALP = "https://profiles.ihe.net/ITI/BALP/StructureDefinition/IHE.BasicAudit."
QUERY = "Observation?patient=pat-1&code=http://loinc.org|4548-4"


def event(entry: Entry) -> dict[str, Any]:
    return to_resource(entry, "e-1", AT, OBSERVER)


def agent(found: dict[str, Any], code: str) -> dict[str, Any]:
    return next(one for one in found["agent"] if one["type"]["coding"][0]["code"] == code)


class TestPatterns:
    @pytest.mark.parametrize(
        ("interaction", "subtype", "action", "profile", "client", "user"),
        [
            ("read", "read", "R", "PatientRead", "110152", "IRCP"),
            ("vread", "vread", "R", "PatientRead", "110152", "IRCP"),
            ("search", "search-type", "E", "PatientQuery", "110153", "IRCP"),
            ("create", "create", "C", "PatientCreate", "110153", "AUT"),
            ("update", "update", "U", "PatientUpdate", "110153", "AUT"),
            ("delete", "delete", "D", "PatientDelete", "110150", "AUT"),
        ],
    )
    def test_the_table_of_balp(
        self, interaction: str, subtype: str, action: str, profile: str, client: str, user: str
    ) -> None:
        """Each interaction has its subtype, action, profile and roles."""
        found = event(replace(read(), interaction=interaction, query=QUERY))

        assert found["subtype"][0]["code"] == subtype
        assert found["action"] == action
        assert found["meta"]["profile"] == [BALP + profile]
        assert agent(found, client)["who"]["identifier"]["value"] == "workbench"
        assert agent(found, user)["requestor"] is True

    def test_without_a_patient(self) -> None:
        """The plain profile, and no entity of a patient."""
        found = event(read(patient="", resource_type="Organization"))

        assert found["meta"]["profile"] == [BALP + "Read"]
        assert patient_of(found) == ""

    @pytest.mark.parametrize(
        ("resource_type", "resource_id", "code"),
        [("Patient", "p", "history-instance"), ("Patient", "", "history-type"), ("", "", "history-system")],
    )
    def test_history_says_of_what(self, resource_type: str, resource_id: str, code: str) -> None:
        """Instance, type or system."""
        entry = Entry("history", CLINICIAN, resource_type, resource_id)

        assert event(entry)["subtype"][0]["code"] == code


class TestContent:
    def test_who_where_why(self) -> None:
        """What a resident is shown: person, role, organization, purpose, and what was read."""
        found = event(read(reasons=("token-valid",), request_id="r-1", address="10.0.0.9"))
        user = agent(found, "IRCP")

        assert (user["name"], user["role"][0]["coding"][0]["code"]) == ("张医生", "clinician")
        assert user["purposeOfUse"][0]["coding"][0]["code"] == "TREAT"
        assert user["policy"] == ["urn:hie:decision:token-valid"]
        assert agent(found, "PROV")["who"]["display"] == "淄博市中心医院"
        assert agent(found, "110152")["network"] == {"address": "10.0.0.9", "type": "2"}
        assert found["recorded"] == "2026-11-24T02:00:00.123Z"
        assert found["entity"][0]["what"]["reference"] == "Observation/o-1/_history/3"
        assert found["entity"][-1]["what"]["identifier"]["value"] == "r-1"
        assert patient_of(found) == "pat-1"

    def test_a_query_is_kept_word_for_word(self) -> None:
        """In base64, as the profile asks, so that odd requests are kept as they came."""
        found = event(Entry("search", CLINICIAN, "Observation", patient="pat-1", query=QUERY))
        kept = next(one["query"] for one in found["entity"] if "query" in one)

        assert base64.b64decode(kept).decode() == QUERY

    def test_break_glass_stands_out(self) -> None:
        """DICOM's code for an emergency override, and the reason in the caller's words."""
        caller = replace(CLINICIAN, purpose="ETREAT", reason="昏迷，急诊抢救")
        found = event(replace(read(), caller=caller))

        assert [one["code"] for one in found["subtype"]] == ["read", "110127"]
        assert agent(found, "IRCP")["purposeOfUse"][0]["text"] == "昏迷，急诊抢救"

    @pytest.mark.parametrize(("status", "outcome"), [(200, "0"), (304, "0"), (403, "4"), (404, "4"), (500, "8")])
    def test_outcome(self, status: int, outcome: str) -> None:
        """A failure has its outcome, and does not claim the profile of a success."""
        found = event(read(status=status))

        assert found["outcome"] == outcome
        assert ("profile" in found["meta"]) is (outcome == "0")

    def test_a_stranger(self) -> None:
        """Somebody without a token is written down too, by what is known of him."""
        found = event(Entry("read", ANONYMOUS, "Patient", "p-1", status=401, address="10.0.0.9"))
        requestor = [one for one in found["agent"] if one["requestor"]]

        assert len(requestor) == 1
        assert requestor[0]["who"] == {"display": "unknown"}

    def test_a_system_is_its_client(self) -> None:
        """A backend service has no user; the client asked."""
        found = event(Entry("create", Caller("s", role="system", client="system", purpose="HOPERAT"), "Patient", "p"))

        assert [one["requestor"] for one in found["agent"]] == [True, False]

    @pytest.mark.parametrize(
        "interaction",
        ["read", "vread", "search", "history", "create", "update", "patch", "delete", "transaction", "batch",
         "everything", "operation", "sign-in", "sign-out", "something-new"],
    )  # fmt: skip
    @pytest.mark.parametrize("status", [200, 403, 500])
    def test_is_a_valid_resource(self, interaction: str, status: int) -> None:
        """A second opinion: the models of fhir.resources take every event."""
        entry = replace(read(status=status), interaction=interaction, query=QUERY, request_id="r-1")

        assert AuditEvent.model_validate(event(entry)).id == "e-1"
