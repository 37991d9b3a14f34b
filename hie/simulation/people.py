"""
Residents of the demo region: households with valid ID numbers, rare characters, twins, cards, people who moved.

ID numbers follow GB 11643 (ISO 7064 MOD 11-2). Nobody here exists.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import date, timedelta
from importlib.resources import files
from random import Random
from typing import Any

WEIGHTS = (7, 9, 10, 5, 8, 4, 2, 1, 6, 3, 7, 9, 10, 5, 8, 4, 2)
CHECKS = "10X98765432"


def load(name: str) -> dict[str, Any]:
    """One of the data files of this folder."""
    data: dict[str, Any] = json.loads((files("hie.simulation") / "data" / name).read_text("utf-8"))
    return data


@dataclass(frozen=True, slots=True)
class Resident:
    """One made-up human; `moved_from` is the earlier address, `allergies` are substance and reaction."""

    number: int
    surname: str
    given: str
    sex: str  # male, female
    birth: date
    id_number: str
    phone: str
    district: str
    address: str
    household: int
    health_card: str = ""
    moved_from: str = ""
    twin: bool = False
    allergies: tuple[tuple[str, str], ...] = ()

    @property
    def name(self) -> str:
        return self.surname + self.given

    def before_moving(self) -> Resident:
        """As sources knew this resident before the move."""
        return replace(self, address=self.moved_from) if self.moved_from else self

    def misheard(self, number: int) -> Resident:
        """As a clerk in a hurry writes this resident down: no card, no telephone, no street, one digit wrong."""
        day = self.birth.day
        slip = 20 if day == 30 else day + 1 if day % 10 < 8 and day < 28 else day - 1
        return replace(
            self, number=number, birth=self.birth.replace(day=slip), id_number="", health_card="", phone="", address="",
            moved_from="",
        )  # fmt: skip

    def age(self, on: date) -> int:
        """Whole years."""
        return on.year - self.birth.year - ((on.month, on.day) < (self.birth.month, self.birth.day))


def id_number(region: str, birth: date, sequence: int) -> str:
    """GB 11643: region, birth date, sequence (odd = male), check character."""
    body = f"{region}{birth:%Y%m%d}{sequence:03d}"
    return body + CHECKS[sum(int(digit) * weight for digit, weight in zip(body, WEIGHTS, strict=True)) % 11]


# The two demo accounts are residents like any other; their ID numbers are fixed so that sign-in can find them.
DEMO_RESIDENTS = (
    Resident(0, "王", "晓梅", "female", date(1985, 6, 12), "370303198506120428", "13905330001", "370303",
             "公园街道示范小区1号楼1单元101", 0, "ZB0000000001", allergies=(("磺胺类药物", "皮疹"),)),
    Resident(1, "李", "德厚", "male", date(1948, 9, 15), "370303194809150175", "13905330002", "370303",
             "公园街道示范小区1号楼1单元102", 1, "ZB0000000002", allergies=(("青霉素", "过敏性休克"),)),
)  # fmt: skip


class Population:
    """Makes households until there are enough residents; the same seed makes the same people."""

    def __init__(self, seed: int, size: int, as_of: date) -> None:
        self.random = Random(seed)
        self.size = size
        self.as_of = as_of
        self.region = load("region.json")
        self.names = load("names.json")
        self._used: set[str] = {one.id_number for one in DEMO_RESIDENTS}

    def residents(self) -> list[Resident]:
        """Everybody, the demo residents first."""
        everybody = list(DEMO_RESIDENTS)
        household = len(everybody)
        while len(everybody) < self.size:
            everybody.extend(self._household(len(everybody), household))
            household += 1
        return everybody[: self.size]

    def _household(self, number: int, household: int) -> Iterator[Resident]:
        district = self.random.choice(self.region["districts"])
        address = self._address(district)
        phone = f"13{self.random.randint(0, 9)}{self.random.randint(10_000_000, 99_999_999)}"
        surname = self.random.choice(self.names["surnames"])
        father_age = self.random.randint(25, 82)
        ages = [(father_age, "male", surname), (father_age - self.random.randint(-3, 4), "female", "")]
        children = self.random.choice((0, 1, 1, 2))
        twins = children == 2 and self.random.random() < 0.2
        child_age = max(0, min(father_age - 26, 30) - self.random.randint(0, 6))
        ages += [(child_age if twins else max(0, child_age - 3 * one), "", surname) for one in range(children)]
        for offset, (age, sex, family) in enumerate(ages):
            yield self._member(
                number + offset, household, age, sex, family, district["code"], address, phone, twins and offset >= 2
            )

    def _member(
        self, number: int, household: int, age: int, sex: str, surname: str,
        district: str, address: str, phone: str, twin: bool,
    ) -> Resident:  # fmt: skip
        sex = sex or self.random.choice(("male", "female"))
        day = household % 360 if twin else self.random.randint(0, 360)
        birth = self.as_of.replace(month=1, day=1) - timedelta(days=365 * age + age // 4) - timedelta(days=day)
        resident = Resident(
            number, surname or self.random.choice(self.names["surnames"]), self._given(sex), sex, birth,
            self._fresh_id(district, birth, sex), phone, district, address, household,
            f"ZB{number + 1:010d}", "", twin,
        )  # fmt: skip
        return self._perhaps_moved(resident)

    def _given(self, sex: str) -> str:
        given: str = self.random.choice(self.names[sex])
        if self.random.random() < 0.04:
            given = given[:1] + self.random.choice(self.names["rare"])
        return given

    def _fresh_id(self, district: str, birth: date, sex: str) -> str:
        while True:
            sequence = 2 * self.random.randint(5, 490) + (sex == "male")
            number = id_number(district, birth, sequence)
            if number not in self._used:
                self._used.add(number)
                return number

    def _perhaps_moved(self, resident: Resident) -> Resident:
        if self.random.random() > 0.08:
            return resident
        return replace(resident, moved_from=self._address(self.random.choice(self.region["districts"])))

    def _address(self, district: dict[str, Any]) -> str:
        street = self.random.choice(district["streets"])
        return f"{street}{self.random.randint(1, 400)}号{self.random.randint(1, 30)}室"
