"""
Item 30: PRB-1 adds, updates and deletes a problem, which PRB-4 names; IAM-6 does the same with an allergy; the
diagnoses (DG1) of a visit, stated again, replace those stated before.
"""

from __future__ import annotations

import pytest
from hl7v2_world import Hl7World

PATIENT = "PID|1||L1^^^H01^MR||王^晓梅||19850612|F"


def ppr(trigger: str, control: str, at: str, *lines: str) -> str:
    """A problem message."""
    header = f"MSH|^~\\&|HIS|H01|HIE|ZB|20260301{at}00||PPR^{trigger}^PPR_PC1|{control}|P|2.5.1|||||CHN|UNICODE UTF-8"
    return "\n".join([header, PATIENT, *lines])


def prb(
    action: str, at: str, *, number: str = "PR1^HIS", code: str = "I10^高血压^I10", confirmed: str = "C",
    state: str = "ACTIVE", ended: str = "", onset: str = "20260115",
) -> str:  # fmt: skip
    """A problem; `confirmed` is PRB-13, `state` PRB-14, `ended` PRB-9."""
    return f"PRB|{action}|20260301{at}00|{code}|{number}|||20260301||{ended}||||{confirmed}|{state}||{onset}"


def clinical(condition: dict[str, object]) -> str:
    found: dict[str, list[dict[str, str]]] = condition.get("clinicalStatus", {})  # type: ignore[assignment]
    return found["coding"][0]["code"] if found else ""


def verified(condition: dict[str, object]) -> str:
    found: dict[str, list[dict[str, str]]] = condition.get("verificationStatus", {})  # type: ignore[assignment]
    return found["coding"][0]["code"] if found else ""


class TestProblem:
    async def test_added(self, hl7: Hl7World) -> None:
        """A problem of the list, with its instance number, its onset and its statuses."""
        await hl7.tell(ppr("PC1", "1", "0900", prb("AD", "0900"), "NTE|1||家族史"))
        found = await hl7.one("Condition?identifier=PR1&category=problem-list-item")

        assert (clinical(found), verified(found)) == ("active", "confirmed")
        assert (found["onsetDateTime"], found["note"][0]["text"]) == ("2026-01-15", "家族史")

    async def test_updated(self, hl7: Hl7World) -> None:
        """The instance number is the problem: an update may name it more precisely, and may end it."""
        await hl7.tell(
            ppr("PC1", "1", "0900", prb("AD", "0900")),
            ppr(
                "PC2", "2", "1000", prb("UP", "1000", code="I11.9^高血压心脏病^I10", state="RESOLVED", ended="20260228")
            ),
        )
        found = await hl7.one("Condition")

        assert found["code"]["coding"][0]["code"] == "I11.9"
        assert (clinical(found), found["abatementDateTime"]) == ("resolved", "2026-02-28")

    async def test_active_again(self, hl7: Hl7World) -> None:
        """What is active again has no end."""
        await hl7.tell(
            ppr("PC2", "1", "0900", prb("UP", "0900", state="RESOLVED", ended="20260228")),
            ppr("PC2", "2", "1000", prb("UP", "1000", state="RECURRENCE")),
        )
        found = await hl7.one("Condition")

        assert (clinical(found), "abatementDateTime" in found) == ("recurrence", False)

    async def test_deleted(self, hl7: Hl7World) -> None:
        """A deleted problem is an error, also where it had ended; an older update does not revive it."""
        await hl7.tell(
            ppr("PC2", "1", "0900", prb("UP", "0900", state="RESOLVED", ended="20260228")),
            ppr("PC3", "2", "1000", prb("DE", "1000")),
            ppr("PC2", "3", "0930", prb("UP", "0930")),
            ppr("PC2", "4", "1030", prb("UP", "1030")),
        )
        found = await hl7.one("Condition")

        assert (clinical(found), verified(found), found["code"]["text"]) == ("", "entered-in-error", "高血压")

    async def test_added_anew(self, hl7: Hl7World) -> None:
        """Only an addition brings a deleted problem back."""
        await hl7.tell(ppr("PC3", "1", "0900", prb("DE", "0900")), ppr("PC1", "2", "1000", prb("AD", "1000")))

        assert clinical(await hl7.one("Condition")) == "active"

    async def test_trigger_speaks(self, hl7: Hl7World) -> None:
        """Where PRB-1 is silent the trigger says what is done."""
        await hl7.tell(ppr("PC1", "1", "0900", prb("", "0900")), ppr("PC3", "2", "1000", prb("", "1000")))

        assert verified(await hl7.one("Condition")) == "entered-in-error"

    async def test_two_problems(self, hl7: Hl7World) -> None:
        """The same disease twice, by two instance numbers, is two problems."""
        await hl7.tell(ppr("PC1", "1", "0900", prb("AD", "0900"), prb("AD", "0900", number="PR2^HIS")))

        assert len(await hl7.find("Condition?code=I10")) == 2

    @pytest.mark.parametrize(
        ("confirmed", "state", "expected"),
        [
            ("确诊", "治愈", ("resolved", "confirmed")),
            ("疑似", "活动", ("active", "provisional")),
            ("ACTIVE", "", ("active", "")),
            ("Resolved", "", ("resolved", "")),
        ],
    )
    async def test_words(self, hl7: Hl7World, confirmed: str, state: str, expected: tuple[str, str]) -> None:
        """Senders write the life cycle into PRB-13 and Chinese words into both."""
        await hl7.tell(ppr("PC1", "1", "0900", prb("AD", "0900", confirmed=confirmed, state=state)))
        found = await hl7.one("Condition")

        assert (clinical(found), verified(found)) == expected

    async def test_goal(self, hl7: Hl7World) -> None:
        """A goal is set for the problem above it, and ends with its own action code."""
        goal = "GOL|AD|202603010900|BP^血压低于140/90|G1^HIS|||20260301|20260901"
        await hl7.tell(ppr("PC1", "1", "0900", prb("AD", "0900"), goal))
        found = await hl7.one("Goal?identifier=G1")
        assert found["addresses"][0]["reference"] == f"Condition/{(await hl7.one('Condition'))['id']}"
        assert (found["lifecycleStatus"], found["target"][0]["dueDate"]) == ("active", "2026-09-01")

        await hl7.tell(ppr("PC2", "2", "1000", prb("UC", "1000"), "GOL|DE|202603011000|BP^血压低于140/90|G1^HIS"))
        assert (await hl7.one("Goal"))["lifecycleStatus"] == "entered-in-error"

    async def test_pathway(self, hl7: Hl7World) -> None:
        """A pathway is kept and counted."""
        await hl7.tell(ppr("PC1", "1", "0900", prb("AD", "0900"), "PTH|AD|CP1^单病种路径|PT1^HIS|202603010900"))

        assert any(one["location"] == "PTH" for one in await hl7.unmapped())


def adt(control: str, at: str, *lines: str) -> str:
    """An update of a visit."""
    when = f"20260301{at}00"
    header = f"MSH|^~\\&|HIS|H01|HIE|ZB|{when}||ADT^A08^ADT_A01|{control}|P|2.5.1|||||CHN|UNICODE UTF-8"
    visit = "PV1|1|I|W1^101^1||||||||||||||||V1^^^H01"
    return "\n".join([header, f"EVN||{when}", PATIENT, visit, *lines])


class TestAllergy:
    """IAM-6."""

    async def test_actions(self, hl7: Hl7World) -> None:
        """Added, updated, deleted: one allergy, and an error in the end."""
        await hl7.tell(
            adt("1", "0900", "IAM|1|DA^药物|PCN^青霉素|MI|皮疹|A"),
            adt("2", "1000", "IAM|1|DA^药物|PCN^青霉素|SV|过敏性休克|U"),
        )
        found = await hl7.one("AllergyIntolerance")
        assert (found["criticality"], found["reaction"][0]["manifestation"][0]["text"]) == ("high", "过敏性休克")

        await hl7.tell(adt("3", "1100", "IAM|1|DA^药物|PCN^青霉素|SV|过敏性休克|D"))
        found = await hl7.one("AllergyIntolerance")
        assert verified(found) == "entered-in-error"
        assert "clinicalStatus" not in found


class TestDiagnoses:
    """DG1."""

    async def listed(self, hl7: Hl7World) -> set[str]:
        """The codes of the visit's diagnoses."""
        visit = await hl7.one("Encounter?identifier=V1")
        found = set()
        for entry in visit.get("diagnosis", ()):
            condition = (await hl7.services.store.read(*entry["condition"]["reference"].split("/"))).resource()
            found.add(condition["code"]["coding"][0]["code"])
        return found

    async def test_snapshot(self, hl7: Hl7World) -> None:
        """A list stated again replaces the earlier list of its kind; a message without diagnoses leaves it."""
        await hl7.tell(
            adt("1", "0900", "DG1|1||I10^高血压^I10|||A", "DG1|2||E11^糖尿病^I10|||A"),
            adt("2", "1000", "DG1|1||I21^心肌梗死^I10|||A"),
            adt("3", "1100"),
        )
        assert await self.listed(hl7) == {"I21"}

        await hl7.tell(adt("4", "1200", "DG1|1||I21.0^前壁心肌梗死^I10|||F"))
        assert await self.listed(hl7) == {"I21", "I21.0"}

    async def test_late_snapshot(self, hl7: Hl7World) -> None:
        """The older of two lists does not replace the newer one."""
        await hl7.tell(adt("2", "1000", "DG1|1||I21^心肌梗死^I10|||A"), adt("1", "0900", "DG1|1||I10^高血压^I10|||A"))

        assert await self.listed(hl7) == {"I21"}

    async def test_billing(self, hl7: Hl7World) -> None:
        """BAR states the list as well; with action codes (DG1-21) its segments are changes."""
        visit = "PV1|1|I|W1^101^1||||||||||||||||V1^^^H01"
        dg1 = "DG1|1||{}|||F|||||||||||||||{}"

        def bar(trigger: str, control: str, at: str, *lines: str) -> str:
            header = f"MSH|^~\\&|FIN|H01|HIE|ZB|20260301{at}00||BAR^{trigger}^BAR_{trigger}|{control}|P|2.5.1"
            return "\n".join([f"{header}|||||CHN|UNICODE UTF-8", f"EVN||20260301{at}00", PATIENT, visit, *lines])

        await hl7.tell(adt("1", "0900", "DG1|1||I10^高血压^I10|||A"))
        await hl7.tell(bar("P05", "2", "1000", dg1.format("I21^心肌梗死^I10", ""), dg1.format("E11^糖尿病^I10", "")))
        assert await self.listed(hl7) == {"I10", "I21", "E11"}

        await hl7.tell(bar("P12", "3", "1100", dg1.format("E11^糖尿病^I10", "D"), dg1.format("N18^肾病^I10", "A")))
        assert await self.listed(hl7) == {"I10", "I21", "N18"}
