"""Steps of the pipeline that decide by themselves."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

from adapters.facts import Fact, Translation, Unmapped, create_only
from hie.exchange.filing import replaced_by
from hie.exchange.inbound import InboundMessage
from hie.exchange.steps.map_codes import MapCodes
from hie.exchange.steps.reconcile import decide
from hie.exchange.work import Work
from records.stored import Stored, encode

Json = dict[str, Any]
LOCAL = {"system": "urn:local", "code": "GLU", "display": "血糖"}
LOINC = {"system": "http://loinc.org", "code": "2345-7"}


def stored(resource: Json, version: int = 3, deleted: bool = False) -> Stored:
    """What the store has."""
    return Stored(resource["resourceType"], resource["id"], version, datetime.now(UTC), encode(resource), deleted)


def observation(value: str, **meta: str) -> Json:
    """A result."""
    return {"resourceType": "Observation", "id": "o", "meta": meta, "valueQuantity": {"value": Decimal(value)}}


class TestReconcile:
    def test_new(self) -> None:
        """What is not there is created, and must still not be there then."""
        write = decide(Fact(observation("1.5", source="urn:hie:message:1")), None)

        assert write is not None
        assert (write.interaction, write.if_version, write.source) == ("create", 0, "urn:hie:message:1")

    def test_same(self) -> None:
        """What changes nothing is not written, whoever says it again."""
        current = stored(observation("1.50", versionId="3", source="urn:hie:message:1"))
        assert decide(Fact(observation("1.50", source="urn:hie:message:2")), current) is None

    def test_precision(self) -> None:
        """1.5 and 1.50 are not the same result."""
        write = decide(Fact(observation("1.50")), stored(observation("1.5")))

        assert write is not None
        assert (write.interaction, write.if_version) == ("update", 3)

    def test_deleted(self) -> None:
        """A deleted resource is as absent to the rules, and comes back as a further version."""
        write = decide(Fact(observation("1"), create_only), stored(observation("1"), deleted=True))

        assert write is not None
        assert write.interaction == "update"


class TestMapCodes:
    async def test_added(self) -> None:
        """The region's code stands beside the sender's, which stays first; what has no mapping stays unmapped."""

        async def mapper(_site: str, _codes: Sequence[tuple[str, str]]) -> Mapping[tuple[str, str], Mapping[str, str]]:
            return {("urn:local", "GLU"): LOINC}

        resource = {"resourceType": "Observation", "id": "o", "code": {"coding": [LOCAL], "text": "血糖"}}
        unmapped = tuple(Unmapped("code", "OBX-3", "urn:local", code) for code in ("GLU", "XYZ"))
        entry = InboundMessage("1", "mllp", datetime.now(UTC), b"")
        work = Work(entry, translation=Translation((Fact(resource),), unmapped=unmapped))

        translation = (await MapCodes(mapper)(work)).translation

        assert translation.facts[0].resource["code"] == {"coding": [LOCAL, LOINC], "text": "血糖"}
        assert [one.code for one in translation.unmapped] == ["XYZ"]


class TestReplacedBy:
    def test_merge_over_fhir(self) -> None:
        """An inactive Patient that is replaced by another was merged by its source; an active one was not."""
        link = [{"type": "replaced-by", "other": {"reference": "Patient/new"}}]

        assert replaced_by({"id": "old", "active": False, "link": link}) == [("new", "old")]
        assert replaced_by({"id": "old", "active": True, "link": link}) == []
