"""
Item 26, VXU: RXA-20 says given (CP, PA) or not (NA, RE, with the reason of RXA-18); RXA-21 adds, updates or deletes,
and what is deleted is an error; RXA-5 998 is no vaccine; RXA-9 tells the source; an amount of 999 is unknown.
"""

from __future__ import annotations

import pytest
from hl7v2_world import Hl7World

PATIENT = "PID|1||C1^^^W01^MR||李^小明||20250601|M"


def vxu(
    control: str, at: str, *, number: str = "V1", code: str = "08^乙肝疫苗^CVX", amount: str = "0.5|mL^毫升^UCUM",
    source: str = "00^新接种^NIP001", refusal: str = "", done: str = "CP", action: str = "A", day: str = "20260301",
    more: str = "",
) -> str:  # fmt: skip
    """A vaccination message of one RXA."""
    lot = "N1^王^护士|^^^接种门诊||||L123|20271231|^北京生物"
    rxa = f"RXA|0|1|{day}||{code}|{amount}||{source}|{lot}|{refusal}||{done}|{action}"
    return "\n".join(
        [
            f"MSH|^~\\&|IMM|W01|HIE|ZB|20260301{at}||VXU^V04^VXU_V04|{control}|P|2.5.1|||||CHN|UNICODE UTF-8",
            PATIENT,
            f"ORC|RE||{number}^IMM",
            rxa,
            *([more] if more else []),
        ]
    )


class TestCompletion:
    """RXA-20."""

    @pytest.mark.parametrize(
        ("done", "status"), [("CP", "completed"), ("PA", "completed"), ("NA", "not-done"), ("RE", "not-done")]
    )
    async def test_status(self, hl7: Hl7World, done: str, status: str) -> None:
        """Completed and partially administered were given; not administered and refused were not."""
        await hl7.tell(vxu("1", "0900", done=done))

        assert (await hl7.one("Immunization?identifier=V1"))["status"] == status

    async def test_refusal(self, hl7: Hl7World) -> None:
        """A refusal has its reason; a dose that nobody gave has no amount."""
        await hl7.tell(vxu("1", "0900", done="RE", refusal="00^监护人拒绝^NIP002", amount="999|"))
        found = await hl7.one("Immunization?status=not-done")

        assert found["statusReason"]["text"] == "监护人拒绝"
        assert "doseQuantity" not in found

    async def test_refusal_without_reason(self, hl7: Hl7World) -> None:
        """Where RXA-18 is silent the completion code itself is the reason."""
        await hl7.tell(vxu("1", "0900", done="RE"))

        assert (await hl7.one("Immunization"))["statusReason"]["coding"][0]["code"] == "RE"

    async def test_partial(self, hl7: Hl7World) -> None:
        """A part of a dose is given, and does not count as a whole one; a correction to CP makes it one."""
        await hl7.tell(vxu("1", "0900", done="PA"))
        assert (await hl7.one("Immunization"))["isSubpotent"] is True

        await hl7.tell(vxu("2", "1000", done="CP", action="U"))
        assert "isSubpotent" not in await hl7.one("Immunization")

    async def test_unknown_code(self, hl7: Hl7World) -> None:
        """A completion code of nobody's table is counted."""
        await hl7.tell(vxu("1", "0900", done="ZZ"))

        assert any(one["location"] == "RXA-20" and one["code"] == "ZZ" for one in await hl7.unmapped())


class TestAction:
    """RXA-21."""

    async def test_update(self, hl7: Hl7World) -> None:
        """An update of the same number is the same vaccination, even of another vaccine."""
        await hl7.tell(vxu("1", "0900"), vxu("2", "1000", action="U", code="83^甲肝疫苗^CVX", day="20260228"))
        found = await hl7.one("Immunization")

        assert found["vaccineCode"]["coding"][0]["code"] == "83"
        assert found["occurrenceDateTime"] == "2026-02-28"

    async def test_delete(self, hl7: Hl7World) -> None:
        """What is deleted is an error, keeps what it said, and the older message does not revive it."""
        await hl7.tell(vxu("1", "0900"), vxu("2", "1000", action="D"), vxu("3", "0900"))
        found = await hl7.one("Immunization")

        assert (found["status"], found["lotNumber"]) == ("entered-in-error", "L123")
        assert not await hl7.find("Immunization?status=completed")

    async def test_sent_anew(self, hl7: Hl7World) -> None:
        """A dose that is sent again after its deletion is given again."""
        await hl7.tell(vxu("1", "0900"), vxu("2", "1000", action="D"), vxu("3", "1100"))

        assert (await hl7.one("Immunization"))["status"] == "completed"

    async def test_replay(self, hl7: Hl7World) -> None:
        """Everything processed again leaves every version as it was."""
        await hl7.tell(vxu("1", "0900"), vxu("2", "1000", action="D"))
        before = (await hl7.one("Immunization"))["meta"]["versionId"]
        await hl7.services.journal.release({}, by="test")
        await hl7.drain()

        assert (await hl7.one("Immunization"))["meta"]["versionId"] == before

    async def test_reused_number(self, hl7: Hl7World) -> None:
        """A number used again for another vaccine on another day never overwrites a dose: a dead letter tells of it."""
        await hl7.send(vxu("1", "0900"), vxu("2", "1000", code="83^甲肝疫苗^CVX", day="20260228"))
        await hl7.drain()

        assert (await hl7.one("Immunization"))["vaccineCode"]["coding"][0]["code"] == "08"
        assert len(await hl7.dead()) == 1


class TestContent:
    """RXA-5, RXA-6, RXA-9, and the OBX that belong to a vaccination."""

    async def test_no_vaccine(self, hl7: Hl7World) -> None:
        """Code 998 carries observations only."""
        immune = "OBX|1|CE|59784-9^presumed immunity^LN||VAR^水痘病史^LN||||||F"
        await hl7.tell(vxu("1", "0900", code="998^未接种^CVX", amount="999|", more=immune))

        assert not await hl7.find("Immunization")
        assert (await hl7.one("Observation"))["valueCodeableConcept"]["text"] == "水痘病史"

    async def test_unknown_amount(self, hl7: Hl7World) -> None:
        """999 is not a quantity."""
        await hl7.tell(vxu("1", "0900", amount="999|"))

        assert "doseQuantity" not in await hl7.one("Immunization")

    @pytest.mark.parametrize(("source", "primary"), [("00^新接种^NIP001", True), ("01^历史^NIP001", False)])
    async def test_source(self, hl7: Hl7World, source: str, primary: bool) -> None:
        """A new record is primary; a historical one says where it comes from."""
        await hl7.tell(vxu("1", "0900", source=source))
        found = await hl7.one("Immunization")

        assert found["primarySource"] is primary
        assert ("reportOrigin" in found) is not primary

    async def test_placeholder_number(self, hl7: Hl7World) -> None:
        """9999 stands for no order: two refusals with it are two."""
        await hl7.tell(
            vxu("1", "0900", number="9999", done="RE", code="03^MMR^CVX"),
            vxu("2", "1000", number="9999", done="RE", code="21^VAR^CVX"),
        )

        assert len(await hl7.find("Immunization?status=not-done")) == 2

    async def test_sheets(self, hl7: Hl7World) -> None:
        """Each information sheet that was handed over is there: OBX-4 tells them apart."""
        sheets = "\n".join(
            f"OBX|{at}|{kind}|{code}^x^LN|{sub}|{value}||||||F"
            for at, kind, code, sub, value in (
                (1, "CE", "69764-9", 1, "A1^乙肝告知书^L"), (2, "DT", "29769-7", 1, "20260301"),
                (3, "CE", "69764-9", 2, "A2^流感告知书^L"), (4, "DT", "29769-7", 2, "20260302"),
            )
        )  # fmt: skip
        await hl7.tell(vxu("1", "0900", more=sheets))

        assert (await hl7.one("Immunization"))["education"] == [
            {"documentType": "乙肝告知书", "presentationDate": "2026-03-01"},
            {"documentType": "流感告知书", "presentationDate": "2026-03-02"},
        ]
