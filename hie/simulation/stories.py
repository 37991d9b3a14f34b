"""
What happens to residents in a hospital: each story is a few messages in order, all made by seed.

A story yields (moment, message); the sender puts all stories of one hospital in order of time.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from random import Random
from typing import Any

from hie.simulation.hl7 import Hospital, escape, segment, stamp
from hie.simulation.people import Resident
from hie.simulation.pharmacy import dispensing, fitting, prescription

Told = tuple[datetime, str, bytes]  # when, message type, bytes
Values = Mapping[str, float]


@dataclass(slots=True)
class Storyteller:
    """Tells stories of one hospital; control ids and visit numbers count up."""

    hospital: Hospital
    medicine: Mapping[str, Any]
    random: Random
    count: int = 0

    def tell(self, moment: datetime, kind: str, *segments: str) -> Told:
        """One message, with the next control id."""
        self.count += 1
        control = f"{self.hospital.facility}{self.count:08d}"
        return moment, kind, self.hospital.message(control, kind, moment, *segments)

    def number(self, prefix: str) -> str:
        """A number nobody else has in this hospital."""
        self.count += 1
        return f"{prefix}{self.hospital.facility}{self.count:07d}"

    def doctor(self) -> str:
        """An XCN of one of the hospital's doctors."""
        index = self.random.randrange(len(self.medicine["doctors"]))
        return f"{self.hospital.facility}D{index:03d}^{self.medicine['doctors'][index]}^^^^^^^{self.hospital.facility}"

    def place(self, resident: Resident, moment: datetime, icd: str = "", bed: str = "") -> str:
        """A PL: the department that treats this at this age, and a bed for inpatients."""
        found = self._department(resident, moment, icd)
        return f"{found['code']}^{'101' if bed else ''}^{bed}^{self.hospital.facility}^^^^^{found['name']}"

    def _department(self, resident: Resident, moment: datetime, icd: str) -> Mapping[str, Any]:
        general, children, *special = self.medicine["departments"]
        if (moment.date() - resident.birth).days < 365 * self.medicine["child_until"]:
            return dict(children)
        return dict(next((one for one in special if icd.startswith(tuple(one["for"]))), general))

    def panel(self) -> Mapping[str, Any]:
        """A panel that is often ordered."""
        found: Mapping[str, Any] = self.medicine["panels"][self.random.choice(self.medicine["common_panels"])]
        return found

    # ---- stories

    def outpatient(
        self,
        resident: Resident,
        moment: datetime,
        diagnosis: Mapping[str, Any],
        kind: str = "outpatient",
        tests: Sequence[tuple[Mapping[str, Any], Values]] | None = None,
    ) -> Iterator[Told]:
        """Registration, diagnosis, perhaps tests (`tests` says which), usually drugs."""
        pid, visit = self.hospital.patient(resident), self.number("V")
        pv1 = self.hospital.visit(
            visit, kind, self.place(resident, moment, diagnosis["code"]), self.doctor(), admitted=moment
        )
        allergies = self.hospital.allergies(resident)
        yield self.tell(moment, "ADT^A04", self.hospital.event("A04", moment), pid, pv1, *allergies)
        if tests is None:
            tests = [(self.panel(), {})] if self.random.random() < 0.7 else []
        for number, (panel, values) in enumerate(tests):
            yield from self.laboratory(pid, pv1, moment + timedelta(minutes=10 + number), panel, values)
        seen = moment + timedelta(minutes=35)
        dg1 = self.hospital.diagnosis(1, diagnosis, seen)
        yield self.tell(seen, "ADT^A08", self.hospital.event("A08", seen), pid, pv1, *allergies, dg1)
        if found := diagnosis.get("test"):
            yield from self.finding(pid, pv1, seen, found)
        yield from self.pharmacy(pid, pv1, moment + timedelta(minutes=50), diagnosis)

    def inpatient(
        self,
        resident: Resident,
        moment: datetime,
        days: int,
        diagnosis: Mapping[str, Any],
        now: datetime,
        tests: Sequence[tuple[Mapping[str, Any], Values]] | None = None,
    ) -> Iterator[Told]:
        """Admission, transfer perhaps, tests, drugs, discharge with its summary; what lies ahead is not told."""
        pid, visit, doctor = self.hospital.patient(resident), self.number("V"), self.doctor()
        bed = f"{self.random.randint(1, 60):02d}"
        place = self.place(resident, moment, diagnosis["code"], bed)
        pv1 = self.hospital.visit(visit, "inpatient", place, doctor, admitted=moment)
        dg1 = self.hospital.diagnosis(1, diagnosis, moment)
        allergies = self.hospital.allergies(resident)
        told = [self.tell(moment, "ADT^A01", self.hospital.event("A01", moment), pid, pv1, *allergies, dg1)]
        for number, (panel, values) in enumerate(tests or [(self.panel(), {})]):
            told += self.laboratory(pid, pv1, moment + timedelta(hours=2, minutes=number), panel, values)
        if self.random.random() < 0.2:
            moved, place = moment + timedelta(days=1), self.place(resident, moment, diagnosis["code"], "61")
            pv1 = self.hospital.visit(visit, "inpatient", place, doctor, admitted=moment)
            told.append(self.tell(moved, "ADT^A02", self.hospital.event("A02", moved), pid, pv1))
        told += self.pharmacy(pid, pv1, moment + timedelta(hours=5), diagnosis)
        end = moment + timedelta(days=days)
        out = self.hospital.visit(visit, "inpatient", place, doctor, admitted=moment, discharged=end)
        told.append(self.tell(end, "ADT^A03", self.hospital.event("A03", end), pid, out, dg1))
        told.append(self.summary(pid, out, end + timedelta(minutes=30), diagnosis, days))
        yield from (one for one in told if one[0] <= now)

    def laboratory(
        self, pid: str, pv1: str, moment: datetime, panel: Mapping[str, Any], values: Values | None = None
    ) -> list[Told]:
        """The order, and its final result an hour later; `values` by code where they are part of a story."""
        results = [
            self._result(number, test, moment + timedelta(hours=1), (values or {}).get(test["code"]))
            for number, test in enumerate(panel["tests"], 1)
        ]
        return self._ordered(pid, pv1, moment, panel, "LAB", results)

    def finding(self, pid: str, pv1: str, moment: datetime, test: Mapping[str, Any]) -> list[Told]:
        """A test that found its agent."""
        found = segment("OBX", {
            1: "1", 2: "ST", 3: f"{test['code']}^{test['name']}^LN", 5: "阳性", 7: "阴性", 8: "A", 11: "F",
            14: stamp(moment + timedelta(hours=1)),
        })  # fmt: skip
        return self._ordered(pid, pv1, moment, test, "LAB", [found])

    def imaging(self, pid: str, pv1: str, moment: datetime, study: Mapping[str, Any]) -> list[Told]:
        """An examination with its findings and impression in words."""
        parts = (("59776-5^检查所见^LN", study["find"]), ("19005-8^检查结论^LN", study["say"]))
        texts = [
            segment("OBX", {1: str(number), 2: "TX", 3: code, 5: escape(text), 11: "F"})
            for number, (code, text) in enumerate(parts, 1)
        ]
        return self._ordered(pid, pv1, moment, study, "RAD", texts)

    def _ordered(
        self, pid: str, pv1: str, moment: datetime, what: Mapping[str, Any], section: str, results: Sequence[str]
    ) -> list[Told]:
        placer, filler = self.number("P"), self.number("L")
        service, doctor = f"{what['code']}^{what['name']}^LN", self.doctor()
        orc = segment("ORC", {1: "NW", 2: placer, 9: stamp(moment), 12: doctor})
        request = segment("OBR", {1: "1", 2: placer, 4: service, 7: stamp(moment), 16: doctor})
        reported = moment + timedelta(hours=1)
        report = segment("OBR", {
            1: "1", 2: placer, 3: filler, 4: service, 7: stamp(moment), 16: doctor, 22: stamp(reported), 24: section,
            25: "F",
        })  # fmt: skip
        answered = segment("ORC", {1: "RE", 2: placer, 3: filler})
        return [
            self.tell(moment, "ORM^O01", pid, pv1, orc, request),
            self.tell(reported, "ORU^R01", pid, pv1, answered, report, *results),
        ]

    def _result(self, number: int, test: Mapping[str, Any], moment: datetime, value: float | None) -> str:
        value = max(0.1, self.random.gauss(test["mean"], test["sd"])) if value is None else value
        shown = f"{value:.{test['digits']}f}"
        flag = "L" if float(shown) < float(test["low"]) else "H" if float(shown) > float(test["high"]) else "N"
        return segment("OBX", {
            1: str(number), 2: "NM", 3: f"{test['code']}^{test['name']}^LN", 5: shown,
            6: escape(test["unit"]), 7: f"{test['low']}-{test['high']}", 8: flag, 11: "F", 14: stamp(moment),
        })  # fmt: skip

    def pharmacy(self, pid: str, pv1: str, moment: datetime, diagnosis: Mapping[str, Any]) -> Iterator[Told]:
        """Prescription and dispensing of the drugs that fit the diagnosis."""
        for drug in fitting(self.medicine["drugs"], diagnosis["code"])[:2]:
            order, dispense, doctor = self.number("R"), self.number("D"), self.doctor()
            code = self.hospital.drug(drug)
            yield self.tell(moment, "RDE^O11", pid, pv1, *prescription(drug, code, order, moment, doctor))
            handed = moment + timedelta(minutes=15)
            yield self.tell(handed, "RDS^O13", pid, pv1, *dispensing(drug, code, order, dispense, handed))

    def summary(self, pid: str, pv1: str, moment: datetime, diagnosis: Mapping[str, Any], days: int) -> Told:
        """The discharge summary (出院小结, C0053)."""
        document = self.number("T")
        txa = segment("TXA", {
            1: "1", 2: "DS^出院小结", 4: stamp(moment), 5: self.doctor(), 12: document, 17: "AU", 19: "AV",
        })  # fmt: skip
        text = escape(f"诊断：{diagnosis['name']}。住院{days}天，病情好转出院。请按时服药，如有不适及时就诊。")
        obx = segment("OBX", {1: "1", 2: "TX", 3: "18842-5^出院小结^LN", 5: text, 11: "F"})
        return self.tell(moment, "MDM^T02", self.hospital.event("T02", moment), pid, pv1, txa, obx)

    def vaccination(self, resident: Resident, moment: datetime, vaccine: Mapping[str, Any]) -> Told:
        """One dose given."""
        orc = segment("ORC", {1: "RE", 3: self.number("I")})
        rxa = segment("RXA", {
            1: "0", 2: "1", 3: stamp(moment), 5: f"{vaccine['code']}^{vaccine['name']}^CVX",
            6: "0.5", 7: "mL", 9: "00^New immunization record^NIP001", 15: f"LOT{self.random.randint(1000, 9999)}",
            20: "CP", 21: "A",
        })  # fmt: skip
        return self.tell(moment, "VXU^V04", self.hospital.patient(resident), orc, rxa)

    def appointment(self, resident: Resident, moment: datetime, ahead: timedelta) -> Iterator[Told]:
        """Booked; one in six is cancelled."""
        number, slot = self.number("A"), moment + ahead
        begin, end = stamp(slot), stamp(slot + timedelta(minutes=15))
        timing = f"^^15^{begin}^{end}"
        parts = [
            segment("SCH", {1: number, 2: number, 6: "ROUTINE", 7: "门诊复诊", 9: "15", 10: "min", 11: timing,
                            16: self.doctor(), 25: "Booked"}),
            self.hospital.patient(resident),
            segment("RGS", {1: "1", 2: "A"}),
            segment("AIP", {1: "1", 2: "A", 3: self.doctor(), 6: begin, 9: "15", 10: "min"}),
        ]  # fmt: skip
        yield self.tell(moment, "SIU^S12", *parts)
        if self.random.random() < 1 / 6:
            yield self.tell(moment + timedelta(hours=3), "SIU^S15", *parts)

    def second_registration(self, resident: Resident, moment: datetime) -> Iterator[Told]:
        """Registered twice at the same hospital, then merged by the clerk (A40)."""
        twice = self.hospital.patient(resident, card=1, with_id=False)
        yield self.tell(moment, "ADT^A28", self.hospital.event("A28", moment), twice, segment("PV1", {1: "1", 2: "N"}))
        later = moment + timedelta(hours=5)
        mrg = segment("MRG", {1: f"{self.hospital.local_id(resident, 1)}^^^{self.hospital.facility}^PI"})
        yield self.tell(later, "ADT^A40", self.hospital.event("A40", later), self.hospital.patient(resident), mrg)


def in_order(told: Sequence[Told]) -> list[Told]:
    """By time; equal times keep the order of telling."""
    return sorted(told, key=lambda one: one[0])
