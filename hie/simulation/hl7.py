"""
HL7 v2 as the demo hospitals speak it: different versions, character sets and habits, as in life.

https://www.hl7.org/implement/standards/product_brief.cfm?product_id=185
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from hie.simulation.people import Resident

ESCAPES = {"\\": "\\E\\", "|": "\\F\\", "^": "\\S\\", "~": "\\R\\", "&": "\\T\\"}
STRUCTURES = {
    "ADT^A04": "ADT_A01", "ADT^A08": "ADT_A01", "ADT^A13": "ADT_A01", "ADT^A11": "ADT_A09", "ADT^A28": "ADT_A05",
    "ADT^A31": "ADT_A05", "ADT^A40": "ADT_A39", "SIU^S15": "SIU_S12", "SIU^S26": "SIU_S12", "SIU^S13": "SIU_S12",
}  # fmt: skip


def escape(text: str) -> str:
    """Text safe inside a field."""
    return "".join(ESCAPES.get(character, character) for character in text)


def stamp(moment: datetime) -> str:
    """A time stamp with the zone of China."""
    return f"{moment:%Y%m%d%H%M%S}+0800"


def segment(name: str, fields: Mapping[int, str]) -> str:
    """A segment from its numbered fields, already in HL7 form."""
    return "|".join([name, *(fields.get(position, "") for position in range(1, max(fields, default=0) + 1))])


@dataclass(frozen=True, slots=True)
class Hospital:
    """A sender: who it is, and how it speaks (`dialect` of region.json)."""

    code: str
    name: str
    sender: str  # "HIS|ZBZX"
    district: str
    dialect: Mapping[str, Any]

    @property
    def application(self) -> str:
        return self.sender.partition("|")[0]

    @property
    def facility(self) -> str:
        return self.sender.partition("|")[2]

    def local_id(self, resident: Resident, card: int = 0) -> str:
        """The hospital's own patient number; `card` 1 is a second registration of the same human."""
        return f"{self.facility}{resident.number:06d}{'B' if card else ''}"

    def message(self, control: str, kind: str, moment: datetime, *segments: str) -> bytes:
        """A whole message in this hospital's version and character set."""
        code, _, trigger = kind.partition("^")
        typed = f"{kind}^{STRUCTURES.get(kind, f'{code}_{trigger}')}" if self.dialect["structure"] else kind
        header = segment("MSH", {
            1: "^~\\&", 2: self.application, 3: self.facility, 4: "HIE", 5: "ZIBO", 6: stamp(moment), 8: typed,
            9: control, 10: "P", 11: self.dialect["version"], 17: self.dialect["charset"],
        })  # fmt: skip
        text = "\r".join((header, *segments)) + "\r"
        return text.encode(self.dialect["codec"])

    def event(self, trigger: str, moment: datetime) -> str:
        """EVN."""
        return segment("EVN", {1: trigger, 2: stamp(moment)})

    def patient(self, resident: Resident, card: int = 0, *, with_id: bool = True) -> str:
        """PID, with the resident ID number where this hospital puts it."""
        ids = [f"{self.local_id(resident, card)}^^^{self.facility}^PI"]
        number = resident.id_number if with_id else ""
        inside = self.dialect["id_in"] == "PID-3"
        if number and inside:
            ids.append(f"{number}^^^CN^NI")
        if resident.health_card and card == 0:
            ids.append(f"{resident.health_card}^^^ZBCARD^HC")
        name = f"{resident.surname}^{resident.given}" if self.dialect["split_name"] else resident.name
        address = f"{escape(resident.address)}^^淄博市^山东省^255000^CN"
        return segment("PID", {
            1: "1", 3: "~".join(ids), 5: name, 7: f"{resident.birth:%Y%m%d}", 8: self.dialect["sex"][resident.sex],
            11: address, 13: f"^PRN^PH^^^^{resident.phone}" if resident.phone else "", 19: "" if inside else number,
        })  # fmt: skip

    @staticmethod
    def allergies(resident: Resident) -> list[str]:
        """AL1 of what a resident is allergic to."""
        return [
            segment("AL1", {1: str(number), 2: "DA", 3: f"^{name}", 4: "MO", 5: reaction})
            for number, (name, reaction) in enumerate(resident.allergies, 1)
        ]

    def drug(self, drug: Mapping[str, Any]) -> str:
        """A CWE: a code of the region's catalogue, of the international one, or one that only this hospital knows."""
        name = escape(drug["name"])
        match self.dialect["drugs"]:
            case "region":
                return f"{drug['code']}^{name}^urn:hie:drug"
            case "atc":
                return f"{drug['atc']}^{name}^ATC"
            case _:
                return f"YP{drug['code'][1:]}^{name}^L"

    def visit(self, number: str, kind: str, place: str, doctor: str, **times: datetime) -> str:
        """PV1; `kind` is inpatient, outpatient or emergency; `times` may hold admitted and discharged."""
        fields = {
            1: "1", 2: self.dialect[kind], 3: place, 7: doctor, 10: "MED",
            19: f"{number}^^^{self.facility}^VN",
        }  # fmt: skip
        if admitted := times.get("admitted"):
            fields[44] = stamp(admitted)
        if discharged := times.get("discharged"):
            fields[36], fields[45] = "01", stamp(discharged)
        return segment("PV1", fields)

    @staticmethod
    def diagnosis(number: int, diagnosis: Mapping[str, Any], moment: datetime) -> str:
        """DG1, coded with ICD-10."""
        return segment("DG1", {
            1: str(number), 3: f"{diagnosis['code']}^{diagnosis['name']}^I10", 5: stamp(moment), 6: "F",
        })  # fmt: skip
