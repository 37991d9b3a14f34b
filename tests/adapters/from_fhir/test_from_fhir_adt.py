"""Patient and Encounter to ADT: valid in every version, and the same facts when it is read again."""

from __future__ import annotations

from dataclasses import replace

import pytest
from from_fhir_world import ENVELOPE, RECEIVER, VERSIONS, Facts, check, differences, facts, header, message, read

from adapters.facts import Json
from adapters.hl7v2.from_fhir.families import adt
from adapters.hl7v2.from_fhir.receiver import Receiver

PID = (
    "PID|1||L1^^^H01^MR~370303198506120428^^^^NI~77^^^&1.2.156.9&ISO^PI||王^晓梅^^^^^L~Wang^Xiaomei^^^^^D^A||19850612|F||"
    "2028-9^Asian^CDCREC|一号路^三室^淄博^山东^255000^CHN^H^^张店||^PRN^CP^^^^^^^^^13812345678~^NET^Internet^a@b.cn|"
    "^WPN^PH^^^^^^^^^0533-1|zh^Chinese^ISO639|M|||||||N||CHN^中国^HL70171|||20270101|Y"
)
TRIGGERS = ("A01", "A02", "A03", "A04", "A05", "A06", "A08", "A11", "A13", "A21", "A28", "A31")
VISIT = (
    "PV1|1|I|W1^R2^B1||P5^^^H01|W0|D1^李^医^^^^^^&1.2.3&ISO|||MED|||R|7|A5|V1|D2^周^院^^^^^^&1.2.3&ISO||VL1^^^H01^VN"
    "|||||||||||||||||01|家|||||||20261124080000+0800"
)
STAY = message(
    header("ADT^A01^ADT_A01"), "EVN||20261124080000+0800", PID, "PD1||||D1^李^医^^^^^^&1.2.3&ISO",
    "NK1|1|王^大|SPO^Spouse^HL70063|二号路|^PRN^PH^^^^^^^^^1||||||||||M|19800101", VISIT, "PV2|||R10^腹痛^I10",
)  # fmt: skip


def built(found: Facts, trigger: str, receiver: Receiver = RECEIVER) -> bytes:
    patient, resources = found.one("Patient"), found.resources
    relatives = found.all("RelatedPerson")
    if trigger in ("A28", "A31"):
        return adt.person(receiver, ENVELOPE, trigger, patient, resources, relatives=relatives)
    return adt.visit(receiver, ENVELOPE, trigger, patient, found.one("Encounter"), resources, relatives=relatives)


def encounter(status: str, code: str = "IMP", place: str = "W1", **more: object) -> Json:
    active = {"location": {"reference": f"Location/{place}"}, "status": "active"}
    return {"resourceType": "Encounter", "status": status, "class": {"code": code}, "location": [active], **more}


class TestRoundTrip:
    def test_stay(self) -> None:
        """An admission with all that PID, PD1, NK1, PV1 and PV2 can carry says the same when it is read again."""
        found = facts(STAY)

        assert differences(found, facts(built(found, "A01"))) == []

    def test_person(self) -> None:
        """So does a person without a visit."""
        found = facts(message(header("ADT^A28^ADT_A05"), "EVN||20261124080000+0800", PID, "PV1|1|N"))

        assert differences(found, facts(built(found, "A28"))) == []

    def test_merge(self) -> None:
        """A40: the same survivor, the same record that is used no more."""
        lines = ("EVN||20261124080000+0800", "PID|1||L1^^^H01^MR||王^晓梅", "MRG|L2^^^H01^MR")
        found = facts(message(header("ADT^A40^ADT_A39"), *lines))
        survivor, subsumed = sorted(found.all("Patient"), key=lambda one: not one["active"])
        raw = adt.merge(RECEIVER, ENVELOPE, survivor, subsumed, found.resources)

        assert check(raw).structure == "ADT_A39"
        assert differences(found, facts(raw)) == []


class TestValid:
    @pytest.mark.parametrize("version", VERSIONS)
    @pytest.mark.parametrize("trigger", TRIGGERS)
    def test_every_version(self, version: str, trigger: str) -> None:
        """Neither our grammar nor hl7apy finds anything wrong, whatever the version has no room for."""
        # Table 0211 has no UTF-8 before 2.5.
        charset = "UNICODE UTF-8" if version >= "2.5" else "UNICODE"
        raw = built(facts(STAY), trigger, replace(RECEIVER, version=version, charset=charset))

        assert check(raw).version == version

    @pytest.mark.parametrize("version", ["2.2", "2.3"])
    def test_oldest(self, version: str) -> None:
        """Versions that hl7apy cannot find the structure in have no finding of our own grammar."""
        assert read(built(facts(STAY), "A01", replace(RECEIVER, version=version))).findings == ()


class TestReceiver:
    def test_character_set(self) -> None:
        """GB 18030 to who reads it, and said so."""
        raw = built(facts(STAY), "A01", replace(RECEIVER, charset="GB 18030-2000"))

        assert check(raw, "gb18030").charset == "gb18030"
        assert "王".encode("gb18030") in raw

    def test_not_writable(self) -> None:
        """A name that the character set has no signs for is refused, never written with question marks."""
        from adapters.hl7v2.from_fhir.writing import NotWritable

        with pytest.raises(NotWritable, match="character"):
            built(facts(STAY), "A01", replace(RECEIVER, charset="8859/1"))

    def test_separators(self) -> None:
        """Other separators, and what looks like them is escaped."""
        from adapters.hl7v2.escape import EncodingCharacters

        found = facts(STAY)
        found.one("Patient")["name"] = [{"family": "O^N|e$i%l*l", "given": ["a&b\\c!@"]}]
        for characters in (EncodingCharacters(), EncodingCharacters("$", "%", "*", "!", "@")):
            back = read(built(found, "A01", replace(RECEIVER, characters=characters)))

            assert (back.first("PID").text(5), back.first("PID").text(5, 2)) == ("O^N|e$i%l*l", "a&b\\c!@")

    def test_without_escape_character(self) -> None:
        """Who cannot escape gets blanks in place of separators."""
        from adapters.hl7v2.escape import EncodingCharacters

        found = facts(STAY)
        found.one("Patient")["name"] = [{"family": "O|N^e", "given": ["a"]}]
        back = read(built(found, "A01", replace(RECEIVER, characters=EncodingCharacters("|", "^", "~", "", ""))))

        assert (back.first("PID").text(5), back.first("PID").text(5, 2)) == ("O N e", "a")

    def test_own_namespaces(self) -> None:
        """The receiver's own names of assigning authorities."""
        receiver = replace(RECEIVER, namespaces={"urn:hie:authority:H01": "ZBYY", "urn:oid:1.2.156.9": "JKK"})
        back = read(built(facts(STAY), "A01", receiver))

        assert [value[4] for value in back.first("PID").all(3)] == ["ZBYY", "", "JKK"]

    def test_numbers_of_others(self) -> None:
        """Numbers that other hospitals know the patient by follow the patient's own."""
        found = facts(STAY)
        other = {"system": "urn:hie:authority:H02", "value": "X9"}
        raw = adt.person(RECEIVER, ENVELOPE, "A31", found.one("Patient"), found.resources, others=[other, other])

        assert [value[1] for value in read(raw).first("PID").all(3)] == ["L1", "370303198506120428", "77", "X9"]


class TestEvents:
    @pytest.mark.parametrize(
        ("before", "after", "event"),
        [
            (None, encounter("in-progress"), "A01"), (None, encounter("in-progress", "AMB"), "A04"),
            (None, encounter("planned"), "A05"), (None, encounter("finished"), "A03"),
            (encounter("planned"), encounter("in-progress"), "A01"),
            (encounter("arrived"), encounter("triaged"), "A08"),
            (encounter("in-progress"), encounter("finished"), "A03"),
            (encounter("in-progress"), encounter("cancelled"), "A11"),
            (encounter("in-progress"), encounter("entered-in-error"), "A11"),
            (encounter("finished"), encounter("in-progress"), "A13"),
            (encounter("in-progress"), encounter("onleave"), "A21"),
            (encounter("onleave"), encounter("in-progress"), "A22"),
            (encounter("in-progress", "AMB"), encounter("in-progress"), "A06"),
            (encounter("in-progress"), encounter("in-progress", "AMB"), "A07"),
            (encounter("in-progress"), encounter("in-progress", place="W2"), "A02"),
            (encounter("in-progress"), encounter("in-progress", type=[{"text": "x"}]), "A08"),
            (encounter("in-progress"), encounter("in-progress", meta={"versionId": "2"}), ""),
        ],
    )  # fmt: skip
    def test_visit(self, before: Json | None, after: Json, event: str) -> None:
        """What a visit was and is decides its event."""
        assert adt.visit_event(after, before) == event

    def test_person(self) -> None:
        """New, corrected, merged away, and nothing new."""
        one: Json = {"resourceType": "Patient", "active": True, "gender": "male"}
        gone = {**one, "active": False, "link": [{"type": "replaced-by", "other": {"reference": "Patient/2"}}]}

        assert adt.patient_event(one, None) == "A28"
        assert adt.patient_event({**one, "gender": "female"}, one) == "A31"
        assert adt.patient_event({**one, "meta": {"versionId": "2"}}, one) == ""
        assert (adt.patient_event(gone, one), adt.patient_event(gone, None), adt.patient_event(gone, gone)) == (
            "A40", "A40", "",
        )  # fmt: skip
