"""
Item 32: a code that nobody knows keeps its coding and its text, and is counted for the terminologist.

It is never turned into another code in silence. When the site's profile learns it, it leaves the queue, the messages
that held it can be replayed, and the mapped coding stands beside the one that was sent.
"""

from __future__ import annotations

from typing import Any
from urllib.parse import quote

from hl7v2_world import Hl7World

ALTERNATE = "http://hl7.org/fhir/StructureDefinition/alternate-codes"
PROFILE = """
sender: LIS|H01
codes:
  科室码:
    X77: {system: "http://loinc.org", code: 14749-6, display: 葡萄糖}
  HL70001:
    雌: {system: "http://hl7.org/fhir/administrative-gender", code: female, display: 女}
"""


def result(
    control: str, *, code: str = "X77^血糖^科室码", status: str = "F", sex: str = "雌", unit: str = "mmol/L"
) -> str:
    return f"""
        MSH|^~\\&|LIS|H01|HIE|ZB|2026030108000{control}||ORU^R01^ORU_R01|{control}|P|2.5.1
        PID|1||L1^^^H01^MR||王^晓梅||19850612|{sex}
        OBR|1||F{control}^LIS|{code}|||20260301070000
        OBX|1|NM|{code}||5.6|{unit}|||||{status}
        """


async def counted(hl7: Hl7World) -> dict[tuple[str, str], dict[str, Any]]:
    return {(one["location"], one["code"]): one for one in await hl7.unmapped() if one["kind"] == "code"}


class TestKept:
    async def test_concept(self, hl7: Hl7World) -> None:
        """A local code keeps its code, its text and the name of its system; it is counted, with how often."""
        await hl7.tell(result("1"), result("2"))
        (first, _) = await hl7.find("Observation")
        one = (await counted(hl7))["OBX-3", "X77"]

        (coding,) = first["code"]["coding"]
        assert (coding["code"], coding["display"]) == ("X77", "血糖")
        assert coding["system"] == f"urn:hie:code-system:site-lis-h01:{quote('科室码')}"
        assert first["code"]["text"] == "血糖"
        assert (one["count"], one["site"], one["display"]) == (2, "site-lis-h01", "血糖")

    async def test_fhir_code(self, hl7: Hl7World) -> None:
        """Where FHIR takes only codes of its own, the one that was sent stands beside; the element says unknown."""
        await hl7.tell(result("1", status="Q"))
        patient, observation = await hl7.one("Patient"), await hl7.one("Observation")

        assert patient["gender"] == "unknown"
        assert _beside(patient, "gender") == ("http://terminology.hl7.org/CodeSystem/v2-0001", "雌")
        assert observation["status"] == "unknown"
        assert _beside(observation, "status") == ("http://terminology.hl7.org/CodeSystem/v2-0085", "Q")
        assert {("PID-8", "雌"), ("OBX-11", "Q")} <= (await counted(hl7)).keys()

    async def test_no_default(self, hl7: Hl7World) -> None:
        """An unknown class, reaction or interpretation never becomes a usual one."""
        await hl7.tell(
            """
            MSH|^~\\&|HIS|H01|HIE|ZB|20260301080000||ADT^A01^ADT_A01|1|P|2.5.1
            EVN||20260301080000
            PID|1||L1^^^H01^MR||王^晓梅||19850612|F
            PV1|1|某类|W1||||||||||||||||V1^^^H01
            AL1|1|DA|PEN^青霉素^L|极重|皮疹
            OBX|1|NM|8867-4^心率^LN||72|/min||偏快||||F
            """
        )
        visit, allergy, rate = [await hl7.one(t) for t in ("Encounter", "AllergyIntolerance", "Observation")]

        assert visit["class"]["code"] == "某类"
        assert "severity" not in allergy["reaction"][0]
        assert "criticality" not in allergy
        assert rate["interpretation"] == [{"text": "偏快"}]
        assert {("PV1-2", "某类"), ("AL1-4", "极重"), ("OBX-8", "偏快")} <= (await counted(hl7)).keys()

    async def test_filled(self, hl7: Hl7World) -> None:
        """The same holds for fields that only the guide's tables read."""
        await hl7.tell(
            """
            MSH|^~\\&|HIS|H01|HIE|ZB|20260301080000||ADT^A01^ADT_A01|1|P|2.5.1
            EVN||20260301080000
            PID|1||L1^^^H01^MR||王^晓梅||19850612|F
            PV1|1|I|W1||||||||||||||||V1^^^H01
            PV2|||||||||||||||||||||||||特急^特别紧急
            """
        )
        priority = (await hl7.one("Encounter"))["priority"]

        assert (priority["coding"][0]["code"], priority["text"]) == ("特急", "特别紧急")
        assert ("PV2-25", "特急") in await counted(hl7)


class TestResolved:
    async def test_leaves_the_queue(self, hl7: Hl7World) -> None:
        """A profile that knows the code takes it from the queue; the replay puts the mapped coding first."""
        services = hl7.services
        await hl7.tell(result("1"), result("2", code="Y88^血钾^科室码"))
        assert {("OBX-3", "X77"), ("OBX-3", "Y88"), ("PID-8", "雌")} <= (await counted(hl7)).keys()
        await services.directory.profiles.load(PROFILE, by="test")
        site = (await services.directory.known())["LIS|H01"]
        resolved = await services.unmapped.resolve(site)

        assert {(one["location"], one["code"]) for one in resolved} == {
            ("OBR-4", "X77"),
            ("OBX-3", "X77"),
            ("PID-8", "雌"),
        }
        assert set(await counted(hl7)) & {("OBX-3", "X77"), ("PID-8", "雌")} == set()
        assert ("OBX-3", "Y88") in await counted(hl7)

        assert await services.unmapped.affected(site.id, resolved) == 2
        assert await services.unmapped.replay(site.id, resolved, by="test", at=services.clock()) == 2
        await hl7.drain()
        mapped = await hl7.find("Observation?code=http://loinc.org|14749-6")
        assert [coding["code"] for coding in mapped[0]["code"]["coding"]] == ["14749-6", "X77"]
        assert await services.unmapped.affected(site.id, resolved) == 0
        assert {one for one in await counted(hl7) if one[0].startswith("OB")} == {("OBR-4", "Y88"), ("OBX-3", "Y88")}

    async def test_code_of_fhir(self, hl7: Hl7World) -> None:
        """A code that the profile knows is no longer unknown, and nothing stands beside it."""
        await hl7.services.directory.profiles.load(PROFILE, by="test")
        await hl7.services.directory.refresh()
        await hl7.tell(result("1"))
        patient = await hl7.one("Patient")

        assert patient["gender"] == "female"
        assert "_gender" not in patient


def _beside(resource: dict[str, Any], element: str) -> tuple[str, str]:
    (extension,) = resource[f"_{element}"]["extension"]
    assert extension["url"] == ALTERNATE
    (coding,) = extension["valueCodeableConcept"]["coding"]
    return coding["system"], coding["code"]
