"""
Item 33: what a message says is valid FHIR, stored at once or not at all, with its origin; a replay changes nothing.

Provenance and meta.source name the message, MSH-10 among it, and the raw bytes are kept under that name.
"""

from __future__ import annotations

import pytest
from hl7v2_adt_messages import adt, pid, pv1, result
from hl7v2_world import Hl7World, er7

from records import validation

RICH = adt(
    "A01", "20260301080000", pid(f11="淄博市张店区", f13="13800000000", f21="M9^^^H01^MR"), "NK1|1|王^大明|FTH^父亲",
    pv1(f7="D1^张^医生", f44="20260301080000"), "AL1|1|DA|PCN^青霉素|SV|皮疹", "DG1|1||I10^高血压^I10||20260301|A",
    "IN1|1|YB01^城镇职工基本医疗保险|370300|淄博市医保局",
)  # fmt: skip
KINDS = ("Patient", "Encounter", "RelatedPerson", "AllergyIntolerance", "Condition", "Coverage", "Provenance")


class TestOrigin:
    async def test_source_and_provenance(self, hl7: Hl7World) -> None:
        """From a fact to the message: meta.source, Provenance, MSH-10, raw bytes."""
        await hl7.tell(RICH)
        patient = await hl7.one("Patient?identifier=L1")
        provenance = await hl7.one(f"Provenance?target=Patient/{patient['id']}")
        journal = provenance["entity"][0]["what"]["identifier"]["value"]
        control = RICH.split("|")[9]

        assert patient["meta"]["source"] == f"urn:hie:message:{journal}"
        assert control in provenance["entity"][0]["what"]["display"].split()
        assert await hl7.services.journal.raw(journal) == er7(RICH)
        assert {one["reference"].split("/")[0] for one in provenance["target"]} == set(KINDS) - {"Provenance"}

    async def test_valid(self, hl7: Hl7World) -> None:
        """Everything that was stored is valid FHIR."""
        await hl7.tell(RICH, adt("A03", "20260302080000", pid(), pv1()), result("20260301120000"))
        found = [one for kind in (*KINDS, "Observation", "DiagnosticReport", "ServiceRequest", "Location",
                                  "Practitioner") for one in await hl7.find(kind)]  # fmt: skip

        assert len({one["resourceType"] for one in found}) == len(KINDS) + 5
        for one in found:
            issues = [issue for issue in validation.validate(one) if issue.severity in ("error", "fatal")]
            assert not issues, (one["resourceType"], issues)


class TestReplay:
    async def test_replay(self, hl7: Hl7World) -> None:
        """Processed again from the journal, nothing has a new version and nothing is new."""
        await hl7.tell(RICH, adt("A02", "20260302080000", pid(), pv1(place="W2")), result("20260301120000"))
        kinds = (*KINDS, "Observation", "DiagnosticReport", "Person")
        before = {(k, one["id"]): one["meta"]["versionId"] for k in kinds for one in await hl7.find(k)}
        await hl7.services.journal.release({}, by="test")
        await hl7.drain()
        after = {(k, one["id"]): one["meta"]["versionId"] for k in kinds for one in await hl7.find(k)}

        assert after == before

    async def test_same_content_under_another_number(self, hl7: Hl7World) -> None:
        """The same statement with a new MSH-10 makes no new version of anything, only its own Provenance."""
        again = RICH.replace(RICH.split("|")[9], "AGAIN")
        await hl7.tell(RICH, again)

        for kind in KINDS[:-1]:
            assert [one["meta"]["versionId"] for one in await hl7.find(kind)] == ["1"] * len(await hl7.find(kind)), kind
        assert len(await hl7.find("Provenance")) == 2


class TestAllOrNothing:
    async def test_dead_letter_leaves_nothing(self, hl7: Hl7World) -> None:
        """A message that cannot finish stores no part of it, and can be replayed when the reason is gone."""
        await hl7.tell(adt("A01", "20260301080000", pid("L1"), pv1()), adt("A03", "20260302080000", pid("L1"), pv1()))
        await hl7.send(adt("A01", "20260303080000", pid("L2", "李^建国", "19700101", "M"), pv1()))
        await hl7.drain()

        assert len(await hl7.dead()) == 1
        assert await hl7.find("Patient?identifier=L2") == []
        assert len(await hl7.find("Provenance")) == 2


class TestMostSamples:
    @pytest.mark.parametrize("trigger", ["A01", "A05", "A08", "A28", "A60"])
    async def test_sparse(self, hl7: Hl7World, trigger: str) -> None:
        """A message with next to nothing in it is valid FHIR as well."""
        await hl7.tell(adt(trigger, "20260301080000", "PID|1||L1", "PV1|1|I|||||||||||||||||V1"))

        assert len(await hl7.find("Patient?identifier=L1")) == 1
