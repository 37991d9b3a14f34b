"""
Who does what when in the demo region: the whole year before `as_of`, made by seed, and the truth about it.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import date, datetime, time, timedelta, timezone
from pathlib import Path
from random import Random
from typing import Any

from hie.simulation.clinics import Clinic, pressure
from hie.simulation.demo_stories import ELDER, demo_year
from hie.simulation.hl7 import Hospital, segment
from hie.simulation.people import DEMO_RESIDENTS, Population, Resident, load
from hie.simulation.pharmacy import fitting
from hie.simulation.referrals import Referral
from hie.simulation.stories import Storyteller, Told, in_order

CHINA = timezone(timedelta(hours=8))
SIZES = {"tiny": 40, "small": 200, "city": 4_000}
HYPERTENSION_AGE = 50
# Sources that heard from a resident longer ago than this know the address before the move.
MOVED_DAYS = 180
# Local numbers of registrations that nobody could identify.
STRANGER = 500_000
# The elder's year in his clinic: days ago, systolic, diastolic.
ELDER_PRESSURES = ((352, 158, 94), (266, 152, 92), (171, 148, 88), (82, 156, 92), (16, 162, 94))


@dataclass(slots=True)
class Plan:
    """
    Everything that will be sent: `hospitals` by sender in order of time, `clinics` by code, transactions in order.

    `truth` says which identifiers belong to one human.
    """

    institutions: list[Mapping[str, Any]]
    hospitals: dict[str, list[Told]] = field(default_factory=dict)
    clinics: dict[str, list[tuple[datetime, bytes]]] = field(default_factory=dict)
    truth: list[dict[str, Any]] = field(default_factory=list)

    @property
    def size(self) -> int:
        """How many messages and transactions there are."""
        return sum(map(len, self.hospitals.values())) + sum(map(len, self.clinics.values())) + 1

    def write_truth(self, path: Path) -> None:
        """One line a human: name, ID number, and every identifier that a source uses."""
        path.parent.mkdir(parents=True, exist_ok=True)
        with path.open("w", encoding="utf-8") as sink:
            for human in self.truth:
                sink.write(json.dumps(human, ensure_ascii=False) + "\n")


class Planner:
    """Makes a Plan; the same seed, size and day make the same plan."""

    def __init__(self, seed: int, residents: int, as_of: date) -> None:
        self.random = Random(seed + 1)
        self.people = Population(seed, residents, as_of).residents()
        # Midnight UTC of a day that has begun everywhere by then: nothing is told from the future.
        self.now = datetime.combine(as_of, time(8), CHINA)
        self.region = load("region.json")
        self.medicine = load("medicine.json")
        self.tellers = [
            Storyteller(self._hospital(one), self.medicine, self.random)
            for one in self.region["institutions"]
            if one["kind"] == "hospital"
        ]
        self.clinics = [
            Clinic(one["code"], one["name"], one["district"])
            for one in self.region["institutions"]
            if one["kind"] == "clinic"
        ]
        self.visits = 0
        self.known: dict[int, set[tuple[str, str]]] = {}

    def _hospital(self, one: Mapping[str, Any]) -> Hospital:
        dialect = self.region["dialects"][one["dialect"]]
        return Hospital(one["code"], one["name"], one["sender"], one["district"], dialect)

    def plan(self) -> Plan:
        """The whole year."""
        told: dict[str, list[Told]] = {teller.hospital.sender: [] for teller in self.tellers}
        clinics: dict[str, list[tuple[datetime, bytes]]] = {clinic.code: [] for clinic in self.clinics}
        for resident in self.people:
            for teller, story in self._hospital_stories(resident):
                told[teller.hospital.sender].extend(story)
            for clinic, visits in self._clinic_visits(resident):
                clinics[clinic.code].extend(visits)
        for teller, story in (*self._outbreaks(), *self._lookalikes()):
            told[teller.hospital.sender].extend(story)
        for clinic, visits in self._referrals():
            clinics[clinic.code].extend(visits)
        self._oddities(told)
        hospitals = {sender: in_order(stories) for sender, stories in told.items()}
        for visits in clinics.values():
            visits.sort(key=lambda one: one[0])
        return Plan(self.region["institutions"], hospitals, clinics, [self._truth(one) for one in self.people])

    # ---- hospitals

    def _near(self, resident: Resident) -> Storyteller:
        near = [one for one in self.tellers if one.hospital.district == resident.district]
        teller = self.random.choice(near) if near and self.random.random() < 0.75 else self.random.choice(self.tellers)
        self._known_at(resident, f"urn:hie:authority:{teller.hospital.facility}", teller.hospital.local_id(resident))
        return teller

    def _known_at(self, resident: Resident, system: str, value: str) -> None:
        self.known.setdefault(resident.number, set()).add((system, value))

    def _day(self, most: int, least: int = 1) -> datetime:
        back = timedelta(days=self.random.randint(least, most), minutes=self.random.randint(-240, 180))
        return self.now - back

    def _then(self, resident: Resident, moment: datetime) -> Resident:
        """The resident as known at a time."""
        return resident.before_moving() if self.now - moment > timedelta(days=MOVED_DAYS) else resident

    def _hospital_stories(self, resident: Resident) -> Iterator[tuple[Storyteller, list[Told]]]:
        if resident in DEMO_RESIDENTS:
            central = self.tellers[0]
            facility = central.hospital.facility
            self._known_at(resident, f"urn:hie:authority:{facility}", central.hospital.local_id(resident))
            yield from ((central, story) for story in demo_year(central, resident, self.now))
            return
        for _ in range(self.random.choice((0, 1, 1, 2))):
            teller, moment = self._near(resident), self._day(330)
            kind = "emergency" if self.random.random() < 0.1 else "outpatient"
            then = self._then(resident, moment)
            yield teller, list(teller.outpatient(then, moment, self._diagnosis(resident), kind))
        if self.random.random() < 0.12:
            teller, days = self._near(resident), self.random.randint(3, 14)
            story = teller.inpatient(resident, self._day(120), days, self._diagnosis(resident), self.now)
            yield teller, list(story)
        yield from self._smaller_stories(resident)

    def _smaller_stories(self, resident: Resident) -> Iterator[tuple[Storyteller, list[Told]]]:
        if resident.age(self.now.date()) <= 3:
            yield self._vaccinations(resident)
        if self.random.random() < 0.15:
            teller = self._near(resident)
            yield teller, list(teller.appointment(resident, self._day(20), timedelta(days=self.random.randint(3, 30))))
        if self.random.random() < 0.03:
            teller = self._near(resident)
            yield teller, self._registered_twice(teller, resident)
        if self.random.random() < 0.05 and (disease := self._notifiable(resident)):
            teller = self._near(resident)
            yield teller, list(teller.outpatient(resident, self._day(6), disease))

    def _registered_twice(self, teller: Storyteller, resident: Resident) -> list[Told]:
        self._known_at(resident, f"urn:hie:authority:{teller.hospital.facility}", teller.hospital.local_id(resident, 1))
        first = self._day(MOVED_DAYS - 1, 40)
        return [
            *teller.outpatient(resident, first, self._diagnosis(resident)),
            *teller.second_registration(resident, first + timedelta(days=10)),
        ]

    def _vaccinations(self, resident: Resident) -> tuple[Storyteller, list[Told]]:
        teller = self.tellers[-1]  # the maternal and child hospital
        self._known_at(resident, f"urn:hie:authority:{teller.hospital.facility}", teller.hospital.local_id(resident))
        told = []
        for vaccine in self.medicine["vaccines"]:
            due = datetime.combine(resident.birth, time(10), CHINA) + timedelta(days=30 * vaccine["month"] + 1)
            if due <= self.now:
                told.append(teller.vaccination(resident, due, vaccine))
        return teller, told

    def _diagnosis(self, resident: Resident) -> Mapping[str, Any]:
        age = resident.age(self.now.date())
        fitting = [one for one in self.medicine["diagnoses"] if one["min_age"] <= age]
        picked: Mapping[str, Any] = self.random.choices(fitting, [one["weight"] for one in fitting])[0]
        return picked

    def _notifiable(self, resident: Resident) -> Mapping[str, Any] | None:
        age = resident.age(self.now.date())
        fitting = [one for one in self.medicine["notifiable"] if one["min_age"] <= age <= one["max_age"]]
        return self.random.choice(fitting) if fitting else None

    def _outbreaks(self) -> Iterator[tuple[Storyteller, list[Told]]]:
        """One fresh case of every notifiable disease at least, and one that two hospitals see."""
        for number, disease in enumerate(self.medicine["notifiable"]):
            ages = range(disease["min_age"], disease["max_age"] + 1)
            ill = [one for one in self.people[2:] if one.age(self.now.date()) in ages]
            if not ill:
                continue
            resident, moment = self.random.choice(ill), self._day(4)
            for teller in self.random.sample(self.tellers[:-1], 2 if number == 0 else 1):
                facility = teller.hospital.facility
                self._known_at(resident, f"urn:hie:authority:{facility}", teller.hospital.local_id(resident))
                yield teller, list(teller.outpatient(resident, moment, disease))
                moment += timedelta(hours=2)

    def _lookalikes(self) -> Iterator[tuple[Storyteller, list[Told]]]:
        """Registered in haste, without a number and with a slip in the birth date: a steward has to decide."""
        seen = [one for one in self.people[2:] if self.known.get(one.number)]
        for resident in self.random.sample(seen, min(len(seen), 2 + len(self.people) // 60)):
            teller = self._near(resident)
            stranger = resident.misheard(resident.number + STRANGER)
            number = (f"urn:hie:authority:{teller.hospital.facility}", teller.hospital.local_id(stranger))
            self._known_at(resident, *number)
            yield teller, list(teller.outpatient(stranger, self._day(60), self._diagnosis(resident), "emergency"))

    def _oddities(self, told: dict[str, list[Told]]) -> None:
        """What real lines carry too: a type nobody translates, a sender nobody registered, a message without sense."""
        teller, resident = self.tellers[1], self.people[min(5, len(self.people) - 1)]
        ft1 = segment("FT1", {1: "1", 4: f"{self.now:%Y%m%d}", 6: "CG", 7: "250101001^检验费", 10: "1", 11: "35.00"})
        moment = self.now - timedelta(hours=3)
        told[teller.hospital.sender].append(
            teller.tell(moment, "DFT^P03", teller.hospital.event("P03", moment), teller.hospital.patient(resident), ft1)
        )
        stranger = Hospital("", "", "LIS|XINKAI", "370303", self.region["dialects"]["modern"])
        strange = Storyteller(stranger, self.medicine, self.random)
        told[stranger.sender] = list(strange.outpatient(resident, moment, self._diagnosis(resident)))
        self._known_at(resident, "urn:hie:authority:XINKAI", stranger.local_id(resident))
        nobody, untyped = (
            teller.tell(moment + timedelta(minutes=number), "ORU^R01", segment("PID", {1: "1", 5: "无名氏"}))
            for number in (1, 2)
        )
        # Without a type nobody can tell what it is: refused, and kept.
        untyped = (untyped[0], "", untyped[2].replace(b"ORU^R01^ORU_R01", b"", 1))
        told[teller.hospital.sender] += [nobody, untyped]

    # ---- clinics

    def _clinic_visits(self, resident: Resident) -> Iterator[tuple[Clinic, list[tuple[datetime, bytes]]]]:
        if resident in DEMO_RESIDENTS:
            yield self._demo_visits(resident)
        elif resident.age(self.now.date()) >= HYPERTENSION_AGE and self.random.random() < 0.5:
            yield self._follow_ups(resident)
        elif self.random.random() < 0.08:
            clinic = self._clinic(resident)
            yield clinic, [self._visit(clinic, resident, self._day(300))]

    def _clinic(self, resident: Resident) -> Clinic:
        near = [one for one in self.clinics if one.district == resident.district] or self.clinics
        clinic = near[resident.number % len(near)]
        self._known_at(resident, clinic.authority, clinic.local_id(resident))
        return clinic

    def _visit(
        self, clinic: Clinic, resident: Resident, moment: datetime, measured: tuple[int, int] | None = None
    ) -> tuple[datetime, bytes]:
        self.visits += 1
        choice = fitting(self.medicine["drugs"], "I10") if measured else []
        drugs = choice if resident == ELDER else choice[self.visits % 3 : self.visits % 3 + 1]
        return moment, clinic.visit(self._then(resident, moment), moment, self.visits, measured, drugs[:2])

    def _follow_ups(self, resident: Resident) -> tuple[Clinic, list[tuple[datetime, bytes]]]:
        clinic, controlled = self._clinic(resident), self.random.random() < 0.6
        visits = []
        for quarter in range(self.random.randint(1, 4), 0, -1):
            back = timedelta(days=90 * quarter - self.random.randint(0, 85), hours=self.random.randint(0, 3))
            visits.append(self._visit(clinic, resident, self.now - back, pressure(self.random, controlled)))
        return clinic, visits

    def _referrals(self) -> Iterator[tuple[Clinic, list[tuple[datetime, bytes]]]]:
        """To the central hospital: the elder's urgently, some others, and advice that waits to be taken up."""
        central = self.region["institutions"][0]
        old = [one for one in self.people[2:] if one.age(self.now.date()) >= HYPERTENSION_AGE]
        others = self.random.sample(old, min(len(old), 2 + len(self.people) // 50))
        for number, resident in enumerate((ELDER, *others), 1):
            cause = self.medicine["referrals"][number % len(self.medicine["referrals"])]
            clinic, urgent = self._clinic(resident), number % 3 == 1
            moment = self.now - (timedelta(minutes=20) if urgent else timedelta(hours=2 * number))
            referral = Referral(clinic, central, resident, moment, **cause, urgent=urgent)
            yield clinic, [(moment, referral.proposed(number) if number % 4 == 0 else referral.sent(number))]

    def _demo_visits(self, resident: Resident) -> tuple[Clinic, list[tuple[datetime, bytes]]]:
        clinic = self._clinic(resident)
        if resident != ELDER:
            return clinic, [self._visit(clinic, resident, self.now - timedelta(days=190))]
        series = ((self.now - timedelta(days=days), (high, low)) for days, high, low in ELDER_PRESSURES)
        return clinic, [self._visit(clinic, resident, moment, measured) for moment, measured in series]

    def _truth(self, resident: Resident) -> dict[str, Any]:
        return {
            "person": resident.number,
            "name": resident.name,
            "id_number": resident.id_number,
            "birth_date": resident.birth.isoformat(),
            "sex": resident.sex,
            "household": resident.household,
            "twin": resident.twin,
            "moved": bool(resident.moved_from),
            "identifiers": [list(one) for one in sorted(self.known.get(resident.number, ()))],
        }
