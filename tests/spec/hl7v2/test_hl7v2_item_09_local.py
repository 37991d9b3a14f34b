"""
Item 9: segments that no standard knows, Z segments among them, are kept and can be found again, and so are fields.

A local event is routed as the event that its site means by it; without a profile it is kept, acknowledged and counted,
never dropped.
"""

from __future__ import annotations

from hl7v2_world import Hl7World

HEAD = "MSH|^~\\&|HIS|H01|HIE|ZB|20260301080000||{}|{}|P|2.5.1"
BODY = """
EVN||20260301080000
PID|1||L1^^^H01^MR||王^晓梅||19850612|F
PV1|1|I|W1^^1||||||||||||||||V1^^^H01
ZPD|1|普通|A^A型^L|已婚
ZXX|9
"""
PROFILE = """
sender: HIS|H01
events: {ADT^ZA1: ADT^A01}
z_fields:
  - {from: ZPD-3, to: Patient, extension: "urn:hie:blood-group", as: CodeableConcept}
moves:
  - {from: ZPD-4, to: PID-16}
"""


def sent(kind: str, control: str = "1") -> str:
    return HEAD.format(kind, control) + BODY


async def parts(hl7: Hl7World) -> set[tuple[str, str, str]]:
    return {(one["kind"], one["location"], one["code"]) for one in await hl7.unmapped()}


class TestKept:
    async def test_segments(self, hl7: Hl7World) -> None:
        """The message is translated; what its own segments say is counted, and stands in the journal as it came."""
        text = sent("ADT^A01^ADT_A01")
        assert await hl7.tell(text) == ["AA"]
        (entry,) = await hl7.services.journal.search()

        assert (await hl7.one("Patient"))["gender"] == "female"
        assert {("segment", "ZPD", ""), ("segment", "ZXX", "")} <= await parts(hl7)
        raw = await hl7.services.journal.raw(entry.id)
        assert "ZPD|1|普通|A^A型^L|已婚\r" in raw.decode()

    async def test_order(self, hl7: Hl7World) -> None:
        """An own segment in the middle of a group disturbs nothing: the results behind it are the order's."""
        await hl7.tell(
            HEAD.format("ORU^R01^ORU_R01", 1)
            + """
            PID|1||L1^^^H01^MR
            OBR|1||F1^LIS|GLU^血糖^L|||20260301070000
            ZOB|自定义
            OBX|1|NM|GLU^血糖^L||5.6|mmol/L|||||F
            """
        )
        report = await hl7.one("DiagnosticReport")

        assert len(report["result"]) == 1
        assert ("segment", "ZOB", "") in await parts(hl7)


class TestLocalEvent:
    async def test_without_profile(self, hl7: Hl7World) -> None:
        """An event that nobody knows is acknowledged, kept whole, and counted by its name."""
        assert await hl7.tell(sent("ADT^ZA1")) == ["AA"]

        assert (await hl7.drain())["kept"] == 1
        assert await hl7.find("Patient") == []
        assert ("message", "MSH-9", "ADT^ZA1") in await parts(hl7)

    async def test_with_profile(self, hl7: Hl7World) -> None:
        """The profile says what is meant: the event, the element of a Z field, and a field that another one holds."""
        await hl7.services.directory.profiles.load(PROFILE, by="test")
        await hl7.services.directory.refresh()
        await hl7.tell(sent("ADT^ZA1"))
        patient, visit = await hl7.one("Patient"), await hl7.one("Encounter")

        blood = [one for one in patient["extension"] if one["url"] == "urn:hie:blood-group"]
        assert blood[0]["valueCodeableConcept"]["coding"][0]["code"] == "A"
        assert [coding["code"] for coding in patient["maritalStatus"]["coding"]] == ["M", "已婚"]
        assert visit["status"] == "in-progress"
        assert not {("segment", "ZPD", ""), ("message", "MSH-9", "ADT^ZA1")} & await parts(hl7)
        assert {("segment", "ZXX", ""), ("field", "ZPD-2", "")} <= await parts(hl7)

    async def test_replayed(self, hl7: Hl7World) -> None:
        """What was kept before there was a profile is translated when it is replayed, and leaves the queue."""
        services = hl7.services
        await hl7.tell(sent("ADT^ZA1"))
        assert ("message", "MSH-9", "ADT^ZA1") in await parts(hl7)
        await services.directory.profiles.load(PROFILE, by="test")
        site = (await services.directory.known())["HIS|H01"]
        resolved = await services.unmapped.resolve(site)
        replayed = await services.unmapped.replay(site.id, resolved, by="test", at=services.clock())
        await hl7.drain()

        assert replayed == 1
        assert (await hl7.one("Encounter"))["status"] == "in-progress"
        assert ("message", "MSH-9", "ADT^ZA1") not in await parts(hl7)

    async def test_only_what_is_taken(self, hl7: Hl7World) -> None:
        """Types that a profile does not take are refused with AR; those that it ignores are kept in peace."""
        profile = "sender: HIS|H01\naccept: [ADT^*]\nignore: [ADT^A08]\n"
        await hl7.services.directory.profiles.load(profile, by="test")
        await hl7.services.directory.refresh()
        codes = await hl7.tell(sent("ORU^R01", "1"), sent("ADT^A08^ADT_A01", "2"), sent("ADT^A01^ADT_A01", "3"))

        counts = await hl7.drain()
        assert codes == ["AR", "AA", "AA"]
        assert (counts["rejected"], counts["kept"], counts["committed"]) == (1, 1, 1)
