"""Tables carried out: repetitions, numbers of instances, data types inside of data types, codes."""

from __future__ import annotations

from typing import Any

from mapping_world import TablesAlone
from test_mapping_conditions import segment

from adapters.hl7v2.mapping import load
from adapters.hl7v2.mapping.executing import build_all, elements


def made(table: str, text: str, context: TablesAlone | None = None, **around: str) -> dict[str, Any]:
    """A segment as its table alone has it."""
    of = load.table(table)
    others = {name: segment(other) for name, other in around.items()}
    return build_all(elements(of, of.rows), segment(text), context or TablesAlone(), others)


class TestPatient:
    def test_repetitions(self) -> None:
        """A list that one field feeds has an element a repetition, in order, and those of the next field behind."""
        patient = made("PID[Patient]", "PID|||1^^^A~2^^^B||Wang^Mei~Lee^May")

        assert [one["value"] for one in patient["identifier"]] == ["1", "2"]
        assert [(one["family"], one["given"]) for one in patient["name"]] == [("Wang", ["Mei"]), ("Lee", ["May"])]

    def test_condition_of_a_repetition(self) -> None:
        """`home` is said only of the number that says no use of its own."""
        patient = made("PID[Patient]", "PID" + "|" * 13 + "1~2^PRN^CP")

        assert [one.get("use") for one in patient["telecom"]] == ["home", "home"]
        assert [one["value"] for one in patient["telecom"]] == ["1", "2"]

    def test_primitive_with_extension(self) -> None:
        """The time of birth is an extension beside the date."""
        patient = made("PID[Patient]", "PID" + "|" * 7 + "198506120830")

        assert patient["birthDate"] == "1985-06-12"
        assert patient["_birthDate"]["extension"][0]["valueDateTime"].startswith("1985-06-12T08:30")

    def test_table_code(self) -> None:
        """A code element has the mapped code; an unknown code is no element, and is counted."""
        context = TablesAlone()

        assert made("PID[Patient]", "PID||||||||F")["gender"] == "female"
        assert made("PID[Patient]", "PID||||||||女", context) == {}
        assert context.counted == [("PID-8", "HL70001", "女")]

    def test_concept(self) -> None:
        """A CodeableConcept has the mapped coding first, and keeps the one that was sent beside it."""
        marital = made("PID[Patient]", "PID" + "|" * 16 + "M^Married^HL70002")["maritalStatus"]

        assert [(coding["system"], coding["code"]) for coding in marital["coding"]] == [
            ("http://terminology.hl7.org/CodeSystem/v3-MaritalStatus", "M"),
            ("urn:x:HL70002", "M"),
        ]

    def test_unreadable(self) -> None:
        """A text that is not of its element's type is left out, and said."""
        context = TablesAlone()

        assert made("PID[Patient]", "PID" + "|" * 7 + "yesterday", context) == {}
        assert set(context.unread) == {"PID-7"}


class TestEncounter:
    def test_one_object_of_several_rows(self) -> None:
        """Rows with the same number build one participant, with who it is and as what."""
        encounter = made("PV1[Encounter]", "PV1|1|I|||||D1^Wang~D2^Lee")

        assert [one["type"][0]["coding"][0]["code"] for one in encounter["participant"]] == ["ATND", "ATND"]
        names = [one["individual"]["content"]["identifier"][0]["value"] for one in encounter["participant"]]
        assert names == ["D1", "D2"]

    def test_nested(self) -> None:
        """Elements below backbone elements stand together."""
        stay = made("PV1[Encounter]", "PV1|1|I|||P1" + "|" * 9 + "R")["hospitalization"]

        assert set(stay) == {"preAdmissionIdentifier", "admitSource"}


class TestValues:
    def test_ratio(self) -> None:
        """A structured number is a ratio where its separator says so; the conditions leave one of its rows."""
        observation = made("OBX[Observation]", "OBX|1|SN|C^Code||^1^:^128")

        assert observation["valueRatio"]["denominator"]["value"] == 128
        assert "valueQuantity" not in observation
        assert "valueString" not in observation

    def test_joined_texts(self) -> None:
        """An assignment joins texts and components."""
        content = made("OBX[Observation]", "OBX|1|VR|C^Code||a^b")

        assert content["valueString"] == "a-b"

    def test_computed(self) -> None:
        """What the guide tells in words is computed: start and duration make the end."""
        appointment = made("AIS[Appointment]", "AIS|1||X|20240501100000|||90|MIN")

        assert appointment["participant"][0]["period"]["end"].startswith("2024-05-01T11:30:00")

    def test_other_segment(self) -> None:
        """The placer's number of OBR counts only where ORC has none."""
        assert "identifier" in made("OBR[ServiceRequest]", "OBR|1|P1")
        assert "identifier" not in made("OBR[ServiceRequest]", "OBR|1|P1", ORC="ORC|NW|P1")
