"""
Item 18: ORC-1 and ORC-5 decide the status of the order; an ORC alone is enough to change it.

Placer's, filler's and group's numbers are all names of the order: any of them finds it, and numbers that belong to
different orders are an error.
"""

from __future__ import annotations

import pytest
from hl7v2_world import Hl7World
from order_messages import message, obr, orc, result

from adapters.hl7v2.to_fhir.tables import data

CONTROLS = data("order_controls.json")["controls"]
LATER = "20260301090000"
AFTER_NEW = {
    **dict.fromkeys(("CA", "OC", "CR", "UA", "DC", "OD", "DR", "RP", "RQ", "RU"), "revoked"),
    **dict.fromkeys(("HD", "OH", "HR"), "on-hold"),
}


def placed(number: str, code: str = "GLU^血糖^LIS", *, control: str = "NW", at: str = "20260301080000") -> str:
    """A new order of a placer."""
    return message("ORM^O01", orc(control, number), obr(number, "", code), at=at)


class TestControlCodes:
    async def test_every_code(self, hl7: Hl7World) -> None:
        """After NW, each control code of table 0119 by ORC alone leaves the order as its meaning has it."""
        for code in CONTROLS:
            await hl7.send(placed(f"O-{code}"), message("ORM^O01", orc(code, f"O-{code}"), at=LATER))
        await hl7.drain()
        assert not await hl7.dead()

        found = {code: (await hl7.one(f"ServiceRequest?identifier=O-{code}")) for code in CONTROLS}
        expected = {code: AFTER_NEW.get(code, "active") for code in CONTROLS}
        assert {code: one["status"] for code, one in found.items()} == expected
        assert all(one["code"]["text"] == "血糖" for one in found.values())

    async def test_unknown_code(self, hl7: Hl7World) -> None:
        """A control code that nobody knows changes nothing and is counted."""
        await hl7.tell(placed("O1"), message("ORM^O01", orc("QQ", "O1"), at=LATER))

        assert (await hl7.one("ServiceRequest"))["status"] == "active"
        assert {(one["location"], one["code"]) for one in await hl7.unmapped()} >= {("ORC-1", "QQ")}

    @pytest.mark.parametrize(
        ("sent", "status"),
        [("A", "active"), ("IP", "active"), ("SC", "active"), ("CM", "completed"), ("CA", "revoked"), ("DC", "revoked"),
         ("RP", "revoked"), ("HD", "on-hold"), ("ER", "entered-in-error")],
    )  # fmt: skip
    async def test_order_status(self, hl7: Hl7World, sent: str, status: str) -> None:
        """A change of status (SC) says it in ORC-5, every code of table 0038."""
        await hl7.tell(placed("O1"), message("ORM^O01", orc("SC", "O1", status=sent), at=LATER))

        assert (await hl7.one("ServiceRequest"))["status"] == status

    async def test_release(self, hl7: Hl7World) -> None:
        """RL ends a hold; it does not bring a cancelled order back."""
        await hl7.tell(placed("O1"), placed("O2"), message("ORM^O01", orc("HD", "O1"), orc("CA", "O2"), at=LATER))
        await hl7.tell(message("ORM^O01", orc("RL", "O1"), orc("RL", "O2"), at="20260301100000"))

        assert (await hl7.one("ServiceRequest?identifier=O1"))["status"] == "active"
        assert (await hl7.one("ServiceRequest?identifier=O2"))["status"] == "revoked"

    async def test_unable(self, hl7: Hl7World) -> None:
        """A cancellation that the other side refuses (UC) gives back the status that was there before."""
        await hl7.tell(placed("O1"), message("ORM^O01", orc("HD", "O1"), at=LATER))
        await hl7.tell(message("ORM^O01", orc("CA", "O1"), at="20260301100000"))
        assert (await hl7.one("ServiceRequest"))["status"] == "revoked"

        await hl7.tell(message("ORL^O22", "MSA|AA|1", orc("UC", "O1", "F1"), at="20260301110000"))
        assert (await hl7.one("ServiceRequest"))["status"] == "on-hold"

    async def test_replies(self, hl7: Hl7World) -> None:
        """Replies without a patient bring the filler's number, a refusal with its reason, and invent nothing."""
        await hl7.tell(placed("O1"), placed("O2"))
        refusal = "ORC|UA|O2||||||||||||||SPEC^标本不合格^L"
        await hl7.tell(
            message("ORL^O22", "MSA|AA|1", orc("OK", "O1", "F1"), refusal, orc("OK", "O9"), at=LATER, pid="")
        )

        accepted = await hl7.one("ServiceRequest?identifier=F1")
        refused = await hl7.one("ServiceRequest?identifier=O2")
        assert (accepted["status"], accepted["identifier"][0]["value"]) == ("active", "O1")
        assert refused["status"] == "revoked"
        reasons = [e["valueCodeableConcept"]["text"] for e in refused["extension"] if "statusReason" in e["url"]]
        assert reasons == ["标本不合格"]
        assert not await hl7.find("ServiceRequest?identifier=O9")

    async def test_events(self, hl7: Hl7World) -> None:
        """Who did what to the order, and when, is in its history."""
        cancel = "ORC|CA|O1|||||||20260301093000|N1^李护士||||||WRONG^开错^L"
        await hl7.tell(placed("O1"), message("ORM^O01", cancel, at=LATER))

        order = await hl7.one("ServiceRequest")
        (event,) = [p for p in await hl7.find("Provenance") if "activity" in p]
        assert order["relevantHistory"] == [{"reference": f"Provenance/{event['id']}"}]
        assert event["activity"]["coding"][0]["code"] == "CA"
        assert event["occurredDateTime"] == "2026-03-01T09:30:00+08:00"
        assert event["agent"][0]["who"]["display"] == "李护士"
        assert event["reason"][0]["text"] == "开错"

    async def test_late_order(self, hl7: Hl7World) -> None:
        """An older NW that comes after the cancellation does not revive the order."""
        await hl7.tell(message("ORM^O01", orc("CA", "O1"), at=LATER), placed("O1"))

        order = await hl7.one("ServiceRequest")
        assert (order["status"], order["code"]["text"]) == ("revoked", "血糖")

    async def test_replaced(self, hl7: Hl7World) -> None:
        """RP ends the order, RO takes its place and names it."""
        await hl7.tell(placed("O1"))
        await hl7.tell(
            message("ORM^O01", orc("RP", "O1"), obr("O1", ""), orc("RO", "O2"), obr("O2", "", "HBA^糖化^L"), at=LATER)
        )

        old, new = await hl7.one("ServiceRequest?identifier=O1"), await hl7.one("ServiceRequest?identifier=O2")
        assert (old["status"], new["status"]) == ("revoked", "active")
        assert new["replaces"] == [{"reference": f"ServiceRequest/{old['id']}"}]


class TestNumbers:
    async def test_by_filler(self, hl7: Hl7World) -> None:
        """Once the filler's number is known, it alone finds the order."""
        await hl7.tell(placed("O1"), message("ORL^O22", "MSA|AA|1", orc("OK", "O1", "F1"), at=LATER))
        await hl7.tell(message("ORM^O01", orc("OC", "", "F1"), at="20260301100000"))

        assert (await hl7.one("ServiceRequest"))["status"] == "revoked"

    async def test_result_by_filler(self, hl7: Hl7World) -> None:
        """A result that knows only the filler's number completes the placer's order."""
        await hl7.tell(placed("O1"), message("ORL^O22", "MSA|AA|1", orc("OK", "O1", "F1"), at=LATER))
        await hl7.tell(result(placer=""))

        order = await hl7.one("ServiceRequest")
        report = await hl7.one("DiagnosticReport")
        assert order["status"] == "completed"
        assert report["basedOn"] == [{"reference": f"ServiceRequest/{order['id']}"}]

    async def test_by_placer(self, hl7: Hl7World) -> None:
        """An order that a result made known by the filler's number gets its placer's number from the next message."""
        await hl7.tell(
            result(placer=""), message("ORM^O01", orc("NW", "O1", "F1"), obr("O1", "F1"), at="20260301060000")
        )

        order = await hl7.one("ServiceRequest")
        assert {i["value"] for i in order["identifier"]} == {"O1", "F1"}
        assert order["status"] == "completed"

    async def test_by_group(self, hl7: Hl7World) -> None:
        """A group's number alone is every order of the group."""
        orders = [message("ORM^O01", orc("NW", n, group="G1"), obr(n, "", f"{n}^检验^L")) for n in ("O1", "O2")]
        await hl7.tell(*orders, placed("O3"), message("ORM^O01", orc("CA", group="G1"), at=LATER))

        assert {o["identifier"][0]["value"]: o["status"] for o in await hl7.find("ServiceRequest")} == {
            "O1": "revoked", "O2": "revoked", "O3": "active",
        }  # fmt: skip

    async def test_conflict(self, hl7: Hl7World) -> None:
        """A placer's and a filler's number of two different orders: an error, and nothing of the message is filed."""
        for number in ("1", "2"):
            await hl7.tell(placed(f"O{number}"))
            await hl7.tell(message("ORL^O22", "MSA|AA|1", orc("OK", f"O{number}", f"F{number}"), at=LATER))
        await hl7.send(result(placer="O1", filler="F2"))
        await hl7.drain()

        assert await hl7.dead() == ["the order numbers belong to different orders ORC^1^2"]
        assert not await hl7.find("DiagnosticReport")
        assert {o["status"] for o in await hl7.find("ServiceRequest")} == {"active"}

    async def test_shared_specimen_number(self, hl7: Hl7World) -> None:
        """Two orders of different services that share the number of their tube are no conflict."""
        await hl7.tell(
            result(placer="O1", code="GLU^血糖^L"), result(placer="O2", code="ALT^谷丙转氨酶^L", at="20260301130000")
        )

        assert len(await hl7.find("ServiceRequest")) == len(await hl7.find("DiagnosticReport")) == 2

    async def test_replay(self, hl7: Hl7World) -> None:
        """Everything again, in order, changes no version."""
        await hl7.tell(placed("O1"), message("ORL^O22", "MSA|AA|1", orc("OK", "O1", "F1"), at=LATER), result(placer=""))
        before = {o["id"]: o["meta"]["versionId"] for o in await hl7.find("ServiceRequest")}
        await hl7.services.journal.release({}, by="test")
        await hl7.drain()

        assert {o["id"]: o["meta"]["versionId"] for o in await hl7.find("ServiceRequest")} == before
