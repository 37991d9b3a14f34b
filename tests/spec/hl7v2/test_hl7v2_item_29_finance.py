"""
Item 29, finance: a charge (FT1-6 CG) is known by its transaction number, and a credit (CD) takes it back; an insurance
holds from IN1-12 to IN1-13, and is known by its plan, never by the number of the segment; BAR opens, changes and ends
an account.
"""

from __future__ import annotations

import itertools

import pytest
from hl7v2_world import Hl7World

PATIENT = "PID|1||L1^^^H01^MR||王^晓梅||19850612|F||||||||||ACC1^^^H01"
VISIT = "PV1|1|I|W1^101^1||||||||||||||||V1^^^H01|||||||||||||||||||||||||20260301080000"


def fin(kind: str, control: str, at: str, *lines: str, visit: str = VISIT) -> str:
    """A financial message: `DFT^P03` or `BAR^P01` and their kin."""
    code, trigger = kind.split("^")
    header = f"MSH|^~\\&|FIN|H01|HIE|ZB|20260301{at}00||{kind}^{code}_{trigger}|{control}|P|2.5.1|||||CHN|UNICODE UTF-8"
    return "\n".join([header, f"EVN|{trigger}|20260301{at}00", PATIENT, *([visit] if visit else []), *lines])


def ft1(number: str, kind: str = "CG", amount: str = "380", *, of: str = "", quantity: str = "1") -> str:
    """A transaction; `of` is FT1-31, the transaction that is taken back."""
    tail = f"|||||||||||||||||||{of}" if of else ""
    return f"FT1|1|{number}||20260301|20260301|{kind}|CT01^胸部CT|||{quantity}|{amount}&CNY|{amount}&CNY{tail}"


class TestCharge:
    async def test_charge(self, hl7: Hl7World) -> None:
        """What, how much, for whom, on which account and visit."""
        await hl7.tell(fin("DFT^P03", "1", "0900", ft1("T1"), "PR1|1||CT01^胸部CT||20260301"))
        found = await hl7.one("ChargeItem?identifier=T1")

        assert (found["status"], found["priceOverride"]) == ("billable", {"value": 380, "currency": "CNY"})
        assert found["code"]["text"] == "胸部CT"
        assert found["account"][0]["reference"] == f"Account/{(await hl7.one('Account?identifier=ACC1'))['id']}"
        assert found["context"]["reference"] == f"Encounter/{(await hl7.one('Encounter?identifier=V1'))['id']}"
        assert found["service"][0]["reference"] == f"Procedure/{(await hl7.one('Procedure'))['id']}"

    async def test_sent_again(self, hl7: Hl7World) -> None:
        """The transaction number is the identity: sent again it is charged once, and corrected it is corrected."""
        await hl7.tell(fin("DFT^P03", "1", "0900", ft1("T1")), fin("DFT^P03", "2", "1000", ft1("T1", amount="300")))

        assert (await hl7.one("ChargeItem"))["priceOverride"]["value"] == 300

    @pytest.mark.parametrize("credit", ["CD", "CR"])
    async def test_reversal(self, hl7: Hl7World, credit: str) -> None:
        """A credit with the number of the charge: nothing of it is left."""
        await hl7.tell(fin("DFT^P03", "1", "0900", ft1("T1")), fin("DFT^P03", "2", "1000", ft1("T1", credit)))

        assert (await hl7.one("ChargeItem"))["status"] == "aborted"

    async def test_any_order(self, hl7: Hl7World) -> None:
        """The same end, whichever comes first and however often, and if both are in one message."""
        charge, credit = fin("DFT^P03", "1", "0900", ft1("T1")), fin("DFT^P03", "2", "1000", ft1("T1", "CD"))
        await hl7.tell(credit, charge)
        assert (await hl7.one("ChargeItem"))["status"] == "aborted"

        await hl7.services.journal.release({}, by="test")
        await hl7.drain()
        assert (await hl7.one("ChargeItem"))["status"] == "aborted"

        await hl7.tell(fin("DFT^P03", "3", "1100", ft1("T7"), ft1("T7", "CD")))
        assert (await hl7.one("ChargeItem?identifier=T7"))["status"] == "aborted"

    async def test_partial(self, hl7: Hl7World) -> None:
        """A credit of a part leaves the rest, and leaves it also when it is processed again."""
        await hl7.tell(fin("DFT^P03", "1", "0900", ft1("T1")), fin("DFT^P03", "2", "1000", ft1("T1", "CD", "80")))
        await hl7.services.journal.release({}, by="test")
        await hl7.drain()
        found = await hl7.one("ChargeItem")

        assert (found["status"], found["priceOverride"]["value"]) == ("billable", 300)

    async def test_credit_of_its_own(self, hl7: Hl7World) -> None:
        """A credit with its own number names what it takes back (FT1-31); the amounts together are nothing."""
        await hl7.tell(fin("DFT^P03", "1", "0900", ft1("T1")), fin("DFT^P03", "2", "1000", ft1("T2", "CD", of="T1")))
        charge, credit = await hl7.one("ChargeItem?identifier=T1"), await hl7.one("ChargeItem?identifier=T2")

        assert credit["partOf"] == [{"reference": f"ChargeItem/{charge['id']}"}]
        assert charge["priceOverride"]["value"] + credit["priceOverride"]["value"] == 0

    async def test_payment(self, hl7: Hl7World) -> None:
        """A payment is no charge: it is kept, and counted."""
        await hl7.tell(fin("DFT^P03", "1", "0900", ft1("T1", "PY")))

        assert not await hl7.find("ChargeItem")
        assert any(one["location"] == "FT1-6" and one["code"] == "PY" for one in await hl7.unmapped())

    async def test_unit_price(self, hl7: Hl7World) -> None:
        """Where only the price of one is told, the whole is computed."""
        line = "FT1|1|T1||20260301|20260301|CG|M1^胰岛素|||3||20.50"
        await hl7.tell(fin("DFT^P03", "1", "0900", line))

        assert (await hl7.one("ChargeItem"))["priceOverride"]["value"] == 61.5


def in1(number: int, plan: str, *, start: str = "20260101", end: str = "20261231", policy: str = "P1") -> str:
    """An insurance; `number` is IN1-1."""
    return f"IN1|{number}|{plan}|YB^^^|市医保局||||||||{start}|{end}||||||||||||||||||||||||{policy}"


class TestInsurance:
    async def test_period(self, hl7: Hl7World) -> None:
        """IN1-12 and IN1-13 are the time that it holds."""
        await hl7.tell(fin("BAR^P01", "1", "0900", in1(1, "310^职工医保")))

        assert (await hl7.one("Coverage"))["period"] == {"start": "2026-01-01", "end": "2026-12-31"}

    async def test_set_id_is_no_plan(self, hl7: Hl7World) -> None:
        """The same plan under another segment number is the same insurance; another plan under the same one is not."""
        await hl7.tell(
            fin("BAR^P01", "1", "0900", in1(1, "310^职工医保")),
            fin("BAR^P05", "2", "1000", in1(1, "390^居民医保"), in1(2, "310^职工医保")),
        )
        plans = {one["class"][0]["value"] for one in await hl7.find("Coverage")}

        assert plans == {"310", "390"}

    async def test_without_plan(self, hl7: Hl7World) -> None:
        """Without a plan the payer's name tells them apart, not the segment's number."""
        lines = ["IN1|1||YB1^^^|市医保局", "IN1|1||YB2^^^|省医保局"]
        for at, line in enumerate(lines):
            await hl7.tell(fin("BAR^P01", str(at), f"09{at}0", line))

        assert {one["payor"][0]["display"] for one in await hl7.find("Coverage")} == {"市医保局", "省医保局"}

    async def test_order_of_benefits(self, hl7: Hl7World) -> None:
        """An account pays by IN1-22 where that is a number, else in the order of the message."""
        await hl7.tell(fin("BAR^P01", "1", "0900", in1(1, "310^职工医保"), in1(2, "900^大病保险")))

        assert [one["priority"] for one in (await hl7.one("Account"))["coverage"]] == [1, 2]


class TestAccount:
    async def test_life(self, hl7: Hl7World) -> None:
        """Opened, changed, ended; an update of an ended account does not open it again."""
        counter = itertools.count(1)

        async def state(event: str, at: str) -> str:
            await hl7.tell(fin(f"BAR^{event}", str(next(counter)), at))
            return str((await hl7.one("Account?identifier=ACC1"))["status"])

        assert await state("P01", "0900") == "active"
        assert await state("P05", "1000") == "active"
        assert await state("P06", "1100") == "inactive"
        assert await state("P05", "1200") == "inactive"
        assert await state("P01", "1300") == "active"
        assert await state("P02", "1230") == "active"
        assert await state("P02", "1400") == "inactive"

    async def test_end(self, hl7: Hl7World) -> None:
        """An ended account has an end; its visit knows the account."""
        await hl7.tell(fin("BAR^P01", "1", "0900"), fin("BAR^P06", "2", "1100"))
        account = await hl7.one("Account")

        assert account["servicePeriod"]["end"] == "2026-03-01T11:00:00+08:00"
        assert (await hl7.one("Encounter"))["account"] == [{"reference": f"Account/{account['id']}"}]

    async def test_guarantor(self, hl7: Hl7World) -> None:
        """GT1: a person, the patient, or an organization."""
        await hl7.tell(
            fin(
                "BAR^P01",
                "1",
                "0900",
                "GT1|1||王^建国||张店区1号|05331234567||19600101|M||F^父亲",
                "GT1|2||||||||||SELF",
            )
        )
        person, patient = (one["party"] for one in (await hl7.one("Account"))["guarantor"])

        assert (await hl7.one("RelatedPerson"))["name"][0]["text"] == "王建国"
        assert person["reference"].startswith("RelatedPerson/")
        assert patient["reference"].startswith("Patient/")
