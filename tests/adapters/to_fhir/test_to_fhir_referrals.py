"""Referrals: REF and the replies RRI."""

from __future__ import annotations

import pytest
from to_fhir_world import SITE, Store

from adapters.errors import NotUnderstood
from adapters.hl7v2.site import Site

OTHER = Site("site-b", name="市立医院", authority="urn:hie:authority:B")
PROVIDERS = ("PRD|RP^转出|陈^医生|||||D11", "PRD|RT^转入|刘^专家|||||D22", "PRD|PP^签约医生|赵^医生|||||D33")


def ref(kind: str, at: str, rf1: str, *lines: str, pid: str = "PID|1||P1^^^HIS^MR||王晓梅") -> str:
    header = f"MSH|^~\\&|HIS|H1|HIE|ZB|20240305{at}||{kind}|{at}|P|2.5"
    return "\r".join([header, rf1, *lines, pid])


@pytest.fixture
def store() -> Store:
    return Store()


class TestReferral:
    def test_asked(self, store: Store) -> None:
        """Who asks whom for what, until when, with whose authorization; the Task waits for the answer."""
        rf1 = "RF1|P|S|MED^医疗|WR^书面答复|O^门诊|R1^EHR|20240310|20240410|20240305|S^专科"
        store.file(ref("REF^I12", "0900", rf1, *PROVIDERS, "AUT|PPO||市医保局|20240301|20240601|AU7"))
        request, task = store.one("ServiceRequest"), store.one("Task")

        assert (request["status"], request["intent"], request["priority"]) == ("active", "order", "stat")
        assert request["occurrencePeriod"] == {"start": "2024-03-10", "end": "2024-04-10"}
        assert request["requester"]["display"] == "陈医生"
        assert [one["display"] for one in request["performer"]] == ["刘专家"]
        assert request["insurance"][0]["identifier"]["period"] == {"start": "2024-03-01", "end": "2024-06-01"}
        assert (task["status"], task["focus"]["reference"]) == ("requested", f"ServiceRequest/{request['id']}")

    def test_role_without_place(self, store: Store) -> None:
        """A provider whose role a referral has no place for is counted."""
        translation = store.file(ref("REF^I12", "0900", "RF1|P|||||R1", *PROVIDERS))

        assert [(one.location, one.code) for one in translation.unmapped if one.kind == "code"] == [("PRD-1", "PP")]

    @pytest.mark.parametrize(
        ("status", "request_status", "task_status"),
        [
            ("A", "active", "accepted"), ("R", "revoked", "rejected"), ("E", "revoked", "failed"),
            ("C", "revoked", "cancelled"),
        ],
    )  # fmt: skip
    def test_answer(self, store: Store, status: str, request_status: str, task_status: str) -> None:
        """The answer of the other side, who knows the patient by another number; the referral stays whose it is."""
        store.file(ref("REF^I12", "0900", "RF1|P|||||R1^EHR", *PROVIDERS))
        store.file(
            ref("RRI^I12", "1000", f"RF1|{status}|||||R1^EHR|||||Q9^SYS", pid="PID|1||X9^^^B^MR||王晓梅"), site=OTHER
        )
        request = store.one("ServiceRequest")

        assert (request["status"], store.one("Task")["status"]) == (request_status, task_status)
        assert [one["value"] for one in request["identifier"]] == ["R1", "Q9"]
        assert request["requester"]["display"] == "陈医生"
        assert request["subject"] == store.one("Task")["for"]

    def test_asked_again(self, store: Store) -> None:
        """A change after the answer leaves the answer; a cancellation ends both."""
        store.file(ref("REF^I12", "0900", "RF1|P|||||R1^EHR"))
        store.file(ref("RRI^I12", "1000", "RF1|A|||||R1^EHR"), site=OTHER)
        store.file(ref("REF^I13", "1100", "RF1|P|A||||R1^EHR"))
        assert (store.one("ServiceRequest")["priority"], store.one("Task")["status"]) == ("asap", "accepted")

        store.file(ref("REF^I14", "1200", "RF1|A|||||R1^EHR"))
        assert (store.one("ServiceRequest")["status"], store.one("Task")["status"]) == ("revoked", "cancelled")

    def test_status_asked(self, store: Store) -> None:
        """I15 asks, and states nothing of what is known."""
        store.file(ref("REF^I12", "0900", "RF1|P|S||||R1"))
        store.file(ref("REF^I15", "1000", "RF1|C|R||||R1"))

        assert (store.one("ServiceRequest")["status"], store.one("ServiceRequest")["priority"]) == ("active", "stat")
        assert store.one("Task")["status"] == "requested"

    def test_late(self, store: Store) -> None:
        """The referral that comes after its cancellation is not asked again."""
        store.file(ref("REF^I14", "1000", "RF1|C|||||R1"))
        store.file(ref("REF^I12", "0900", "RF1|P|||||R1"))

        assert (store.one("ServiceRequest")["status"], store.one("Task")["status"]) == ("revoked", "cancelled")

    def test_reused_number(self, store: Store) -> None:
        """A number that comes back for another patient moves no referral into another record."""
        store.file(ref("REF^I12", "0900", "RF1|P|||||R1"))

        with pytest.raises(NotUnderstood, match="another patient"):
            store.file(ref("REF^I12", "1000", "RF1|P|||||R1", pid="PID|1||P2^^^HIS^MR||李德厚"), site=SITE)
