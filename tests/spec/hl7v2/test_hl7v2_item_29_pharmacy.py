"""
Item 29, pharmacy: RXE outranks RXO, timing comes from TQ1 or RXE-1, dispenses and administrations refer to the order.

What was given is a MedicationAdministration, what was refused or held says so with its reason.
"""

from __future__ import annotations

from decimal import Decimal

import pytest
from hl7v2_world import Hl7World
from order_messages import message, orc

RXO = "RXO|YP000^阿莫西林^YPID|250||mg|||||N|||2"
RXE = "RXE|^^^20260301^20260308|YP001^阿莫西林胶囊^YPID|0.5||g|CAP^胶囊|^饭后服||N|24|粒|0|||RX9"
RXR = "RXR|PO^口服^HL70162"
LATER = "20260301100000"


def prescribed(number: str = "O1") -> str:
    """A prescription."""
    return message("RDE^O11", orc("NW", number), RXE, "TQ1|1||BID|||8^d", RXR)


class TestPrescriptions:
    async def test_precedence(self, hl7: Hl7World) -> None:
        """Drug, dose and timing are those of RXE, which was verified, not those of RXO, which was asked for."""
        await hl7.tell(
            message("RDE^O11", orc("NW", "O1"), "TQ1|1||QD", RXO, "RXR|IV^静脉^HL70162", RXE, "TQ1|1||TID|||8^d", RXR)
        )

        request = await hl7.one("MedicationRequest")
        (dose,) = request["dosageInstruction"]
        assert request["medicationCodeableConcept"]["text"] == "阿莫西林胶囊"
        assert dose["doseAndRate"][0]["doseQuantity"]["value"] == Decimal("0.5")
        assert (dose["timing"]["repeat"]["frequency"], dose["route"]["text"]) == (3, "口服")
        assert request["dispenseRequest"]["quantity"]["value"] == 24
        assert request["dispenseRequest"]["expectedSupplyDuration"]["value"] == 8
        assert request["dispenseRequest"]["numberOfRepeatsAllowed"] == 0

    async def test_asked_for(self, hl7: Hl7World) -> None:
        """Without RXE the order says what was asked for (OMP, ORM)."""
        for at, kind in enumerate(("OMP^O09", "ORM^O01")):
            await hl7.tell(message(kind, orc("NW", f"O{at}"), RXO, RXR))

        found = await hl7.find("MedicationRequest")
        assert [one["dosageInstruction"][0]["doseAndRate"][0]["doseQuantity"]["value"] for one in found] == [250, 250]
        assert not await hl7.find("ServiceRequest")

    async def test_old_timing(self, hl7: Hl7World) -> None:
        """Before TQ1 there was RXE-1: how often, how long, from when."""
        await hl7.tell(
            message("RDE^O11", orc("NW", "O1"), RXE.replace("^^^20260301^20260308", "^Q8H^D7^20260301^20260308"))
        )

        timing = (await hl7.one("MedicationRequest"))["dosageInstruction"][0]["timing"]
        assert (timing["repeat"]["period"], timing["repeat"]["periodUnit"]) == (8, "h")
        assert timing["repeat"]["boundsPeriod"] == {"start": "2026-03-01", "end": "2026-03-08"}

    async def test_several_timings(self, hl7: Hl7World) -> None:
        """Each TQ1 is an instruction of its own, in their order."""
        await hl7.tell(message("RDE^O11", orc("NW", "O1"), RXE, "TQ1|1||QID|||2^d", "TQ1|2||BID|||5^d"))

        doses = (await hl7.one("MedicationRequest"))["dosageInstruction"]
        assert [(d["sequence"], d["timing"]["repeat"]["frequency"]) for d in doses] == [(1, 4), (2, 2)]

    async def test_components(self, hl7: Hl7World) -> None:
        """What is mixed is kept with its amounts."""
        parts = ["RXC|B|NS^氯化钠^L|100|mL", "RXC|A|KCL^氯化钾^L|1|g"]
        await hl7.tell(message("RDE^O11", orc("NW", "O1"), RXE, *parts))

        (mixture,) = (await hl7.one("MedicationRequest"))["contained"]
        told = [
            (i["itemCodeableConcept"]["text"], i["isActive"], i["strength"]["numerator"]["value"])
            for i in mixture["ingredient"]
        ]
        assert told == [("氯化钠", False, 100), ("氯化钾", True, 1)]

    @pytest.mark.parametrize(
        ("control", "status"),
        [("DC", "stopped"), ("CA", "cancelled"), ("HD", "on-hold"), ("RF", "active"), ("XO", "active")],
    )
    async def test_control(self, hl7: Hl7World, control: str, status: str) -> None:
        """By ORC alone, in RDE or ORM: stopped, cancelled, held; the drug stays what it was."""
        for at, kind in enumerate(("RDE^O11", "ORM^O01")):
            await hl7.tell(prescribed(f"O{at}"), message(kind, orc(control, f"O{at}"), at=LATER))

            request = await hl7.one(f"MedicationRequest?identifier=O{at}")
            assert (request["status"], request["medicationCodeableConcept"]["text"]) == (status, "阿莫西林胶囊")

    async def test_reply(self, hl7: Hl7World) -> None:
        """The pharmacy accepts with its number, or refuses with its reason."""
        await hl7.tell(prescribed("O1"), prescribed("O2"))
        refusal = "ORC|UA|O2||||||||||||||NOSTOCK^缺货^L"
        await hl7.tell(message("RRE^O12", "MSA|AA|1", orc("OK", "O1", "F1"), refusal, at=LATER, pid=""))

        assert (await hl7.one("MedicationRequest?identifier=F1"))["status"] == "active"
        refused = await hl7.one("MedicationRequest?identifier=O2")
        assert (refused["status"], refused["statusReason"]["text"]) == ("cancelled", "缺货")


class TestDispenses:
    @pytest.mark.parametrize("named", ["O1|", "|F1", "|"])
    async def test_refers(self, hl7: Hl7World, named: str) -> None:
        """A dispense refers to its order by placer's, filler's or prescription number, whichever it has."""
        await hl7.tell(prescribed(), message("RRE^O12", "MSA|AA|1", orc("OK", "O1", "F1"), at=LATER, pid=""))
        rxd = "RXD|1|YP001^阿莫西林胶囊^YPID|20260301093000|24|粒||RX9|||PH1^赵药师|G|||||||B77|20271231"
        await hl7.tell(message("RDS^O13", f"ORC|RE|{named}", rxd, at=LATER))

        request, dispense = await hl7.one("MedicationRequest"), await hl7.one("MedicationDispense")
        assert dispense["authorizingPrescription"] == [{"reference": f"MedicationRequest/{request['id']}"}]
        assert request["status"] == "active"
        assert dispense["whenHandedOver"] == "2026-03-01T09:30:00+08:00"
        assert dispense["quantity"]["value"] == 24
        assert dispense["substitution"]["wasSubstituted"] is True
        assert dispense["contained"][0]["batch"]["lotNumber"] == "B77"

    async def test_before_order(self, hl7: Hl7World) -> None:
        """A dispense before its order makes the order known; the order then fills it in."""
        await hl7.tell(
            message("RDS^O13", orc("RE", "O1"), "RXD|1|YP001^阿莫西林胶囊^YPID|20260301093000|24|粒"), prescribed()
        )

        request = await hl7.one("MedicationRequest")
        assert (request["status"], request["dispenseRequest"]["quantity"]["value"]) == ("active", 24)


class TestAdministrations:
    async def test_given(self, hl7: Hl7World) -> None:
        """Each RXA under an ORC is a dose of the same order: when, how much, by whom, where, of which lot."""
        doses = [
            f"RXA|0|{at}|2026030{at}080000||YP001^阿莫西林胶囊^YPID|500|mg||||N1^李护士|||||B77|20271231|ACME|||CP|A"
            for at in (1, 2)
        ]
        doses = [dose.replace("||||N1", "|||N1") for dose in doses]
        await hl7.tell(
            prescribed(), message("RAS^O17", orc("RE", "O1"), *(s for d in doses for s in (d, RXR)), at=LATER)
        )

        request = await hl7.one("MedicationRequest")
        given = sorted(await hl7.find("MedicationAdministration"), key=lambda one: str(one["effectiveDateTime"]))
        assert [one["effectiveDateTime"][:10] for one in given] == ["2026-03-01", "2026-03-02"]
        for one in given:
            assert (one["status"], one["dosage"]["dose"]["value"], one["dosage"]["route"]["text"]) == (
                "completed",
                500,
                "口服",
            )
            assert one["request"] == {"reference": f"MedicationRequest/{request['id']}"}
            assert one["performer"][0]["actor"]["display"] == "李护士"

    @pytest.mark.parametrize(
        ("control", "completion", "reason", "status"),
        [("RE", "RE", "00^拒绝^L", "not-done"), ("RE", "NA", "NPO^禁食^L", "not-done"), ("RE", "PA", "", "stopped"),
         ("HD", "", "", "on-hold"), ("RE", "QQ", "", "unknown")],
    )  # fmt: skip
    async def test_not_given(self, hl7: Hl7World, control: str, completion: str, reason: str, status: str) -> None:
        """Refused, not administered, broken off, held: with the reason, and without a dose that nobody took."""
        rxa = f"RXA|0|1|20260301080000||YP001^阿莫西林胶囊^YPID|500|mg|||||||||||{reason}||{completion}"
        await hl7.tell(prescribed(), message("RAS^O17", orc(control, "O1"), rxa, at=LATER))

        found = await hl7.one("MedicationAdministration")
        assert found["status"] == status
        assert ("dosage" in found) is (status in ("stopped", "unknown"))
        told = [one["text"] for one in found.get("statusReason", ())]
        assert told == ([reason.split("^")[1]] if reason else [])

    async def test_taken_back(self, hl7: Hl7World) -> None:
        """RXA-21 D: it was never given; a late repetition of the first message does not bring it back."""
        rxa = "RXA|0|1|20260301080000||YP001^阿莫西林胶囊^YPID|500|mg|||||||||||||CP|A"
        first = message("RAS^O17", orc("RE", "O1"), rxa)
        await hl7.tell(first, message("RAS^O17", orc("RE", "O1"), rxa.replace("CP|A", "CP|D"), at=LATER))
        await hl7.tell(first.replace("|M", "|MM", 1))

        assert (await hl7.one("MedicationAdministration"))["status"] == "entered-in-error"

    async def test_give(self, hl7: Hl7World) -> None:
        """RGV: a dose that is to be given is an instance of its order."""
        rxg = "RXG|1|1|^^^20260301200000|YP001^阿莫西林胶囊^YPID|500||mg|CAP^胶囊"
        await hl7.tell(prescribed(), message("RGV^O15", orc("RE", "O1"), rxg, RXR, at=LATER))

        order = await hl7.one("MedicationRequest?intent=order")
        give = await hl7.one("MedicationRequest?intent=instance-order")
        assert give["basedOn"] == [{"reference": f"MedicationRequest/{order['id']}"}]
        assert give["dosageInstruction"][0]["doseAndRate"][0]["doseQuantity"]["value"] == 500
        assert give["dosageInstruction"][0]["timing"]["repeat"]["boundsPeriod"]["start"] == "2026-03-01T20:00:00+08:00"
