"""
Item 21: OBX-11 is the status of one result; D and W are entered in error, and W also leaves the patient's record.

A result is known by the filler's number, OBX-3 and OBX-4: never by its place in the message (OBX-1).
"""

from __future__ import annotations

from decimal import Decimal

from hl7v2_world import Hl7World
from order_messages import obx, result

STATUSES = {
    "F": "final", "C": "corrected", "D": "entered-in-error", "P": "preliminary", "R": "preliminary", "X": "cancelled",
    "I": "registered", "U": "final", "O": "registered", "S": "preliminary", "A": "amended", "B": "amended",
    "N": "final", "V": "final",
}  # fmt: skip
LATER = "20260301130000"
HEMOGLOBIN = "718-7^血红蛋白^LN"


class TestStatus:
    async def test_every_code(self, hl7: Hl7World) -> None:
        """Each code of table 0085 has its status; without a value it says why there is none."""
        await hl7.tell(result(*(obx("NM", "", code=f"{code}^项目^L", status=code) for code in STATUSES)))

        found = {o["code"]["coding"][0]["code"]: o for o in await hl7.find("Observation")}
        assert {code: one["status"] for code, one in found.items()} == STATUSES
        reasons = {code: one["dataAbsentReason"]["coding"][0]["code"] for code, one in found.items()}
        assert (reasons["X"], reasons["N"], reasons["I"]) == ("not-performed", "not-asked", "temp-unknown")

    async def test_deleted(self, hl7: Hl7World) -> None:
        """D keeps what was deleted, marked, in the record; a later F says it anew."""
        await hl7.tell(result(), result(obx("NM", '""', status="D"), status="C", at=LATER))
        deleted = await hl7.one("Observation")
        assert (deleted["status"], deleted["valueQuantity"]["value"]) == ("entered-in-error", Decimal("5.1"))
        assert deleted["subject"]

        await hl7.tell(result(obx("NM", "6.0"), status="C", at="20260301140000"))
        assert (await hl7.one("Observation"))["status"] == "final"

    async def test_wrong_patient(self, hl7: Hl7World) -> None:
        """W is in nobody's record: not found by patient, not listed in the report, and no longer shown in it."""
        await hl7.tell(result(obx("NM", "5.1"), obx("NM", "130", code=HEMOGLOBIN)))
        await hl7.tell(result(obx("NM", "5.1", status="W"), status="C", at=LATER))

        patient = (await hl7.one("Patient"))["id"]
        left = await hl7.one(f"Observation?patient={patient}")
        assert left["code"]["coding"][0]["code"] == "718-7"
        report = await hl7.one("DiagnosticReport")
        assert report["result"] == [{"reference": f"Observation/{left['id']}"}]
        assert report["status"] == "corrected"
        (withdrawn,) = await hl7.find("Observation?status=entered-in-error")
        assert not {"subject", "encounter", "basedOn", "specimen"} & set(withdrawn)

    async def test_whole_report_of_another(self, hl7: Hl7World) -> None:
        """When nothing of a report was this patient's, the report leaves the record too."""
        await hl7.tell(result(), result(obx("NM", "5.1", status="W"), status="C", at=LATER))

        patient = (await hl7.one("Patient"))["id"]
        assert not await hl7.find(f"DiagnosticReport?patient={patient}")
        assert (await hl7.one("DiagnosticReport"))["status"] == "entered-in-error"

    async def test_document(self, hl7: Hl7World) -> None:
        """A printed report of the wrong patient, or a deleted one, is shown no more; a second one stays."""
        first = obx("ED", "LIS^AP^PDF^Base64^JVBERi0xLjQ=", code="A^报告甲^L")
        second = obx("ED", "LIS^AP^PDF^Base64^JVBERi0xLjU=", code="B^报告乙^L")
        await hl7.tell(result(first, second))
        await hl7.tell(result(first.replace("|||F", "|||W"), status="C", at=LATER))
        (form,) = (await hl7.one("DiagnosticReport"))["presentedForm"]
        assert form["title"] == "报告乙"

        await hl7.tell(result(second.replace("|||F", "|||W"), status="C", at="20260301140000"))
        report = await hl7.one("DiagnosticReport")
        assert (report["status"], "subject" in report, "presentedForm" in report) == ("entered-in-error", False, False)


class TestIdentity:
    async def test_not_by_place(self, hl7: Hl7World) -> None:
        """The same results in another order, with other OBX-1, are the same results."""
        glucose, hemoglobin = obx("NM", "5.1"), obx("NM", "130", code=HEMOGLOBIN)
        await hl7.tell(result(glucose, hemoglobin), result(hemoglobin.replace("|1|", "|7|", 1), glucose, at=LATER))

        assert {o["code"]["coding"][0]["code"] for o in await hl7.find("Observation")} == {"2345-7", "718-7"}
        assert len(await hl7.find("Observation")) == 2

    async def test_by_sub_id(self, hl7: Hl7World) -> None:
        """OBX-4 keeps equal codes apart, and finds each again."""
        isolates = [obx("CE", f"{name}^{name}^L", code="600-7^培养^LN", sub=str(at)) for at, name in enumerate("AB", 1)]
        await hl7.tell(result(*isolates))
        await hl7.tell(result(isolates[1].replace("B^B", "C^C"), status="C", at=LATER))

        names = {o["valueCodeableConcept"]["text"] for o in await hl7.find("Observation")}
        assert names == {"A", "C"}

    async def test_by_filler(self, hl7: Hl7World) -> None:
        """The same test of another filler number is another result."""
        await hl7.tell(result(), result(filler="F2", placer="O2", at=LATER))

        assert len(await hl7.find("Observation")) == len(await hl7.find("DiagnosticReport")) == 2
