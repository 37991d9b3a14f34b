"""The five modules, each from a hospital's message to a page of the workbench that shows what follows from it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

import pytest
from e2e_desk import Desk
from e2e_messages import STARTED, admit, diagnosed, discharge, dispensed, id_number, pressure
from e2e_region import Region, eventually

pytestmark = [pytest.mark.e2e, pytest.mark.usefixtures("directory")]


@pytest.fixture
def clinician(region: Region) -> Iterator[Desk]:
    with Desk(region, "clinician") as desk:
        yield desk


class TestPrimaryCare:
    def test_diagnosis_and_reading(self, region: Region, clinician: Desk) -> None:
        """Hypertension and a high reading put a resident on the worklist, and the form opens from there."""
        who = ("E2E7001", id_number(7001), "钱^永福")
        messages = (admit("M1", *who), diagnosed("M2", "I10", "原发性高血压", *who), pressure("M3", 168, 102, *who))
        assert all(b"MSA|AA" in answer for answer in region.send(*messages))

        def listed() -> str | None:
            page = clinician.get("/workbench/primary-care", filter="all", scope="all")
            return page if "钱永福" in page and "168/102" in page else None

        eventually(listed, "the resident on the worklist")
        clinician.open(next(iter(clinician.links("/primary-care/follow-ups/"))))
        assert 'name="systolic"' in clinician.page.text


class TestPublicHealth:
    def test_notifiable_diagnosis(self, region: Region) -> None:
        """Cholera drafts a report card, filled in with what the hospital said."""
        who = ("E2E7002", id_number(7002), "孙^丽华")
        region.send(admit("M4", *who), diagnosed("M5", "A00.9", "霍乱", *who))

        with Desk(region, "public-health") as desk:

            def drafted() -> str | None:
                page = desk.get("/workbench/public-health", filter="draft")
                return page if "霍乱" in page and "孙丽华" in page else None

            eventually(drafted, "the drafted card")
            card = desk.open(next(iter(desk.links("/public-health/cards/"))))

        assert "霍乱" in card and "填写并上报" in card


class TestDrugSupervision:
    def test_dispensed_antibiotic(self, region: Region) -> None:
        """A dispensed antibiotic is a row of the month, with its defined daily doses."""
        who = ("E2E7003", id_number(7003), "李^建军")
        region.send(admit("M6", *who), *dispensed("M7", *who))

        with Desk(region, "pharmacist") as desk:
            # Handed over nineteen hours before the tests began: perhaps in the month before this one.
            month = f"{STARTED:%Y-%m}" if STARTED.day > 1 else None
            asked = {"kind": "antibacterials"} | ({"month": month} if month else {})
            rows = desk.get("/workbench/drug-supervision/rows", **asked)

        assert "阿莫西林" in rows


class TestRegionalMedical:
    def test_both_sides(self, region: Region, directory: Mapping[str, str]) -> None:
        """Submitted by the clinic, accepted, arrived, treated and sent back by the hospital, closed by the clinic."""
        who = ("E2E7004", id_number(7004), "周^秀英")
        region.send(admit("M8", *who), diagnosed("M9", "I10", "原发性高血压", *who))

        with Desk(region, "family-doctor") as clinic, Desk(region, "clinician") as hospital:
            address = self.submit(clinic, id_number(7004), directory["hospital"])
            assert "待答复" in clinic.page.text
            assert address in hospital_inbox(hospital)
            for action, text, state in (
                ("accept", "明日上午心内科三诊室", "已接收"), ("arrive", "", "已到院"), ("admit", "", "诊疗中"),
                ("propose-down", "血压已控制，两周后随访", "待接回"),
            ):  # fmt: skip
                self.take(hospital, address, action, text, state)
            self.take(clinic, address, "close", "已随访，血压平稳", "已结束")
            assert "血压已控制，两周后随访" in clinic.page.text

    def submit(self, clinic: Desk, number: str, receiver: str) -> str:
        clinic.get("/workbench/regional-medical/new")
        clinic.post("/workbench/regional-medical/new", number=number, find="yes")
        clinic.open(str(clinic.page.url.copy_with(scheme=None, host=None).raw_path.decode()))
        clinic.post(
            "/workbench/regional-medical/new", key=clinic.hidden("key"), patient=clinic.hidden("patient"),
            direction="up", priority="urgent", receiver=receiver, department="心内科", diagnosis="高血压3级",
            reason="两次随访血压控制不满意", agreed="yes", submit="yes",
        )  # fmt: skip
        return clinic.page.url.path

    def take(self, desk: Desk, address: str, action: str, text: str, state: str) -> None:
        desk.open(address)
        page = desk.post(f"{address}/{action}", version=desk.hidden("version"), text=text)
        assert state in page


def hospital_inbox(desk: Desk) -> list[str]:
    desk.get("/workbench/regional-medical/inbox", filter="waiting")
    return desk.links("/regional-medical/referrals/")


class TestAdministration:
    def test_dead_letter(self, region: Region) -> None:
        """A visit number used again for somebody else is a dead letter; once the cause is gone, a replay files it."""
        first, second = ("E2E7005", id_number(7005), "吴^安邦"), ("E2E7006", id_number(7006), "郑^成德")
        region.send(admit("MA", *first), discharge("MB", *first))
        reused = admit("MC", *second).replace(b"VISE2E7006^", b"VISE2E7005^")
        region.send(reused)
        assert region.kept(reused)["state"] == "dead"

        with Desk(region, "administrator") as desk:
            assert "the visit number belongs to a finished visit" in desk.get("/workbench/administration/dead-letters")
            with region.client("system") as fhir:
                (visit,) = fhir.get("/Encounter", params={"identifier": "VISE2E7005"}).json()["entry"]
                assert fhir.delete(f"/Encounter/{visit['resource']['id']}").status_code == 204
            desk.post("/workbench/administration/dead-letters", what="selected", message=region.kept(reused)["_id"])

        region.drain()
        assert region.kept(reused)["state"] == "committed"
        with region.client("system") as fhir:
            (again,) = fhir.get("/Encounter", params={"identifier": "VISE2E7005"}).json()["entry"]
        assert again["resource"]["subject"] != visit["resource"]["subject"]
