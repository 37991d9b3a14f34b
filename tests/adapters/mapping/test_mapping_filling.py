"""Filling: what the translators leave out arrives, what they say is never changed, and all stays valid."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from adapters.errors import AdapterError
from adapters.facts import Fact, Translation
from adapters.hl7v2 import batch, parser, to_fhir
from adapters.hl7v2.message import Message
from adapters.hl7v2.site import Site
from adapters.hl7v2.to_fhir.draft import Draft
from records.validation import validate

SITE = Site("site-a", authority="urn:hie:authority:A")
RECEIVED = datetime(2026, 3, 1, 4, tzinfo=UTC)
HEAD = "MSH|^~\\&|HIS|A|HIE|ZB|20260301080000||{}|1|P|2.5.1\r"
PID = "PID|1||L1^^^A^MR||王^晓梅||19850612|F|||人民路1号^^淄博|淄川区{}\r"


def parsed(text: str) -> Message:
    return parser.parse(text.encode(), site=SITE)


def translated(message: Message) -> Translation:
    return to_fhir.translate(message, site=SITE, received=RECEIVED, reference="m1")


def without_filling(message: Message, patch: pytest.MonkeyPatch) -> Translation:
    with patch.context() as one:
        one.setattr(to_fhir, "fill", lambda _draft: None)
        return translated(message)


def one(translation: Translation, kind: str) -> dict[str, Any]:
    return next(fact.resource for fact in translation.facts if fact.type == kind)


ADMISSION = parsed(
    HEAD.format("ADT^A01^ADT_A01")
    + "EVN||20260301080000\r"
    + PID.format("|" * 28 + "^PRN^CP^^^^13800000000")
    + "PD1|||社区卫生服务中心^^^^^^^^^C01\r"
    + "NK1|1|李^雷|SPO||||E^Emergency^HL70131\r"
    + "PV1|1|I|W1^1^1||||||||||||||||V1" + "|" * 33 + "D9^赵^七\r"
    + "PV2|P1^2||||||||||3||D8^孙^八|||||||||||EM\r"
)  # fmt: skip


class TestFill:
    def test_arrives(self) -> None:
        """Fields that no translator reads go where the guide has them, and are not counted as unmapped."""
        translation = translated(ADMISSION)
        patient, visit, kin = (one(translation, kind) for kind in ("Patient", "Encounter", "RelatedPerson"))

        assert patient["telecom"][-1] == {"system": "phone", "value": "13800000000", "use": "mobile"}
        assert patient["generalPractitioner"][0]["display"] == "社区卫生服务中心"
        assert visit["length"] == {"value": 3, "unit": "days", "system": "http://unitsofmeasure.org", "code": "d"}
        assert {"PART", "REF"} <= {p["type"][0]["coding"][0]["code"] for p in visit["participant"]}
        assert [concept["coding"][0]["code"] for concept in kin["relationship"]] == ["SPO", "E"] or (
            len(kin["relationship"]) == 2
        )
        assert not {u.location for u in translation.unmapped} & {"PID-12", "PID-40", "PD1-3", "PV2-11", "PV2-13"}

    def test_one_address(self) -> None:
        """PID-12 is the county of the only address, no second one."""
        (address,) = one(translated(ADMISSION), "Patient")["address"]

        assert (address["city"], address["district"]) == ("淄博", "淄川区")

    def test_kept_apart(self) -> None:
        """Where the patient was to be is kept in an extension: Encounter.location is a history that code keeps."""
        visit = one(translated(ADMISSION), "Encounter")
        found = [e for e in visit["extension"] if e["url"] == "urn:hie:prior-pending-location"]

        assert found[0]["valueReference"]["reference"].startswith("Location/")
        assert len(visit["location"]) == 1

    def test_changes_nothing(self, monkeypatch: pytest.MonkeyPatch) -> None:
        """Whatever a translator said stays as it said it."""
        before, after = without_filling(ADMISSION, monkeypatch), translated(ADMISSION)
        filled = {f"{fact.type}/{fact.id}": fact.resource for fact in after.facts}

        for fact in before.facts:
            if fact.type != "Provenance":
                assert _contains(filled[f"{fact.type}/{fact.id}"], fact.resource), fact.type

    def test_never(self) -> None:
        """Status and identity of a resource are never filled from a field that a translator reads."""
        wrong = parsed(
            HEAD.format("ORU^R01^ORU_R01") + PID.format("") + "OBR|1||F1|C^Code\rOBX|1|NM|C^Code||1|mmol/L|||||W\r"
        )
        observation = one(translated(wrong), "Observation")

        assert observation["status"] == "entered-in-error"
        assert "subject" not in observation

    def test_unknown_code(self) -> None:
        """A code that the guide's table does not know is kept as it was sent, and counted."""
        message = parsed(
            HEAD.format("ADT^A01^ADT_A01") + PID.format("")
            + "PV1|1|I|W1||||||||||||||||V1\rPV2" + "|" * 25 + "特急\r"
        )  # fmt: skip
        translation = translated(message)
        priority = one(translation, "Encounter")["priority"]

        assert priority["coding"][0]["code"] == "特急"
        assert ("PV2-25", "特急") in {(u.location, u.code) for u in translation.unmapped}

    def test_told(self) -> None:
        """Only resources whose translator says what they were made of are filled."""
        draft = Draft(ADMISSION, SITE, RECEIVED, "m1")
        draft.facts["Patient/x"] = Fact({"resourceType": "Patient", "id": "x"})
        to_fhir.fill(draft)

        assert draft.facts["Patient/x"].resource == {"resourceType": "Patient", "id": "x"}


def _contains(whole: Any, part: Any) -> bool:
    """Everything of `part` is in `whole`, lists in their order, though more may stand between."""
    if isinstance(part, dict):
        return isinstance(whole, dict) and all(name in whole and _contains(whole[name], part[name]) for name in part)
    if isinstance(part, list):
        rest = iter(whole)
        return all(any(_contains(other, item) for other in rest) for item in part)
    return bool(whole == part)


def messages(folder: Path) -> Iterator[Message]:
    for file in sorted(folder.rglob("*.hl7")):
        for raw in batch.split(file.read_bytes()):
            try:
                yield parser.parse(raw, site=SITE)
            except AdapterError:
                continue


def problems(translation: Translation) -> Counter[str]:
    found: Counter[str] = Counter()
    for fact in translation.facts:
        try:
            first = fact.reconcile(None, fact.resource)
        except AdapterError:
            continue
        issues = validate(first) if first is not None else ()
        found.update(f"{i.expression}: {i.text}" for i in issues if i.severity in ("error", "fatal"))
    return found


class TestSamples:
    def test_nothing_gets_invalid(self, shared_data: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        """Over all samples, no resource has a problem that it would not have without filling; many fields arrive."""
        arrived: Counter[str] = Counter()
        for message in messages(shared_data / "hl7v2"):
            before, after = without_filling(message, monkeypatch), translated(message)
            assert not problems(after) - problems(before), message.type
            left = {u.location for u in after.unmapped if u.kind == "field"}
            arrived.update({u.location for u in before.unmapped if u.kind == "field"} - left)

        assert {"PID-12", "PID-40", "PD1-3", "PV1-52", "PV2-11", "NK1-7", "IN1-11", "SCH-16"} <= arrived.keys()
        assert len(arrived) > 40
