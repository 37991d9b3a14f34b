"""
The year of the two demo residents in the central hospital: what their pages show should be worth reading.

王晓梅: blood sugar that slowly rises, a thyroid nodule, a cold with antibiotics, vaccinations.
李德厚: hypertension with a weak kidney, an admission for his heart, drugs, imaging.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from hie.simulation.people import DEMO_RESIDENTS, Resident
from hie.simulation.stories import Storyteller, Told

RESIDENT, ELDER = DEMO_RESIDENTS
COLD = {"code": "J06.9", "name": "急性上呼吸道感染"}
SUGAR = {"code": "R73.0", "name": "糖耐量异常"}
DIABETES = {"code": "E11.9", "name": "2型糖尿病"}
THYROID = {"code": "E04.1", "name": "甲状腺结节"}
FATS = {"code": "E78.5", "name": "高脂血症"}
PRESSURE = {"code": "I10", "name": "原发性高血压"}
HEART = {"code": "I25.1", "name": "冠状动脉粥样硬化性心脏病"}
PNEUMONIA = {"code": "J18.9", "name": "肺炎"}
KIDNEY = {"code": "N18.3", "name": "慢性肾脏病3期"}


@dataclass(frozen=True, slots=True)
class Year:
    """Helps to tell a resident's year, counted back from now."""

    teller: Storyteller
    resident: Resident
    now: datetime

    def ago(self, days: int, hour: int = 9) -> datetime:
        """That many days ago, in the morning unless said otherwise."""
        return (self.now - timedelta(days=days)).replace(hour=hour, minute=20)

    def visit(self, days: int, diagnosis: Mapping[str, Any], **tests: Mapping[str, float]) -> list[Told]:
        """An outpatient visit with panels by name, each with the values that belong to the story."""
        panels = [(self.teller.medicine["panels"][name.replace("_", "-")], values) for name, values in tests.items()]
        return list(self.teller.outpatient(self.resident, self.ago(days), diagnosis, tests=panels))

    def stay(self, days: int, length: int, diagnosis: Mapping[str, Any], **tests: Mapping[str, float]) -> list[Told]:
        """A hospital stay that began that many days ago."""
        panels = [(self.teller.medicine["panels"][name.replace("_", "-")], values) for name, values in tests.items()]
        story = self.teller.inpatient(self.resident, self.ago(days), length, diagnosis, self.now, tests=panels)
        return list(story)

    def study(self, days: int, name: str) -> list[Told]:
        """An examination with its report."""
        moment, hospital = self.ago(days, 14), self.teller.hospital
        pid, number = hospital.patient(self.resident), self.teller.number("V")
        place, doctor = self.teller.place(self.resident, moment), self.teller.doctor()
        pv1 = hospital.visit(number, "outpatient", place, doctor, admitted=moment)
        arrived = self.teller.tell(moment, "ADT^A04", hospital.event("A04", moment), pid, pv1)
        return [arrived, *self.teller.imaging(pid, pv1, moment, self.teller.medicine["studies"][name])]

    def dose(self, days: int, code: str, name: str) -> list[Told]:
        """A vaccination."""
        return [self.teller.vaccination(self.resident, self.ago(days), {"code": code, "name": name})]

    def booked(self, ahead: int) -> list[Told]:
        """An appointment that lies ahead, booked yesterday."""
        made = self.ago(1)
        return list(self.teller.appointment(self.resident, made, timedelta(days=ahead + 1)))[:1]


def resident_year(year: Year) -> Iterator[list[Told]]:
    """王晓梅, 41."""
    yield year.visit(340, SUGAR, chemistry={"14771-0": 5.8, "14682-9": 58, "1742-6": 21}, blood_count={"718-7": 118})
    yield year.visit(250, FATS, lipids={"14647-2": 5.68, "22748-8": 3.71, "14927-8": 1.92, "14646-4": 1.21})
    yield year.visit(205, SUGAR, chemistry={"14771-0": 6.3, "14682-9": 60, "1742-6": 24}, hba1c={"4548-4": 6.1})
    yield year.study(160, "thyroid-us")
    yield year.visit(158, THYROID, thyroid={"3016-3": 2.14})
    yield year.visit(120, SUGAR, chemistry={"14771-0": 6.7, "14682-9": 61, "1742-6": 29}, hba1c={"4548-4": 6.3})
    yield year.visit(75, COLD, blood_count={"6690-2": 11.82}, inflammation={"1988-5": 26.4})
    yield year.study(74, "chest-ct")
    yield year.visit(30, DIABETES, chemistry={"14771-0": 7.2, "14682-9": 62, "1742-6": 31}, hba1c={"4548-4": 6.7})
    yield year.visit(8, DIABETES, chemistry={"14771-0": 6.4, "14682-9": 60, "1742-6": 27})
    yield year.dose(400, "118", "二价人乳头瘤病毒疫苗")
    yield year.dose(370, "118", "二价人乳头瘤病毒疫苗")
    yield year.dose(215, "118", "二价人乳头瘤病毒疫苗")
    yield year.dose(40, "88", "流感疫苗")
    yield year.booked(12)


def elder_year(year: Year) -> Iterator[list[Told]]:
    """李德厚, 78."""
    yield year.visit(320, PRESSURE, chemistry={"14682-9": 98, "2823-3": 4.4, "14771-0": 5.6})
    yield year.visit(230, PRESSURE, chemistry={"14682-9": 106, "2823-3": 4.6}, lipids={"22748-8": 3.62, "14647-2": 5.9})
    yield year.study(228, "carotid-us")
    yield year.visit(140, KIDNEY, chemistry={"14682-9": 118, "2823-3": 4.9, "14771-0": 5.9})
    yield year.stay(96, 9, HEART, blood_count={"718-7": 121}, chemistry={"14682-9": 124}, lipids={"22748-8": 3.2})
    yield year.study(94, "echo")
    yield year.visit(60, PNEUMONIA, blood_count={"6690-2": 13.4}, inflammation={"1988-5": 58.2})
    yield year.visit(33, HEART, lipids={"22748-8": 2.1, "14647-2": 4.1})
    yield year.visit(9, PRESSURE, chemistry={"14682-9": 127, "2823-3": 5.4, "14771-0": 6.0})
    yield year.dose(410, "33", "23价肺炎球菌多糖疫苗")
    yield year.dose(45, "88", "流感疫苗")
    yield year.booked(6)


YEARS: Mapping[int, Callable[[Year], Iterator[list[Told]]]] = {
    RESIDENT.number: resident_year,
    ELDER.number: elder_year,
}


def demo_year(teller: Storyteller, resident: Resident, now: datetime) -> Iterator[list[Told]]:
    """The stories of a demo resident."""
    yield from YEARS[resident.number](Year(teller, resident, now))
