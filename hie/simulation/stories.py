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

Told = tuple[datetime, str, bytes]  # when, message type, bytes


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

    def place(self, bed: str = "") -> str:
        """A PL: department, and a bed for inpatients."""
        code, name = self.random.choice(self.medicine["departments"])
        return f"{code}^{'101' if bed else ''}^{bed}^{self.hospital.facility}^^^^^{name}"

    # ---- stories

    def outpatient(
        self, resident: Resident, moment: datetime, diagnosis: Mapping[str, Any], kind: str = "outpatient"
    ) -> Iterator[Told]:
        """Registration, diagnosis, perhaps tests, usually drugs."""
        pid, visit = self.hospital.patient(resident), self.number("V")
        pv1 = self.hospital.visit(resident, visit, kind, self.place(), self.doctor(), admitted=moment)
        yield self.tell(moment, "ADT^A04", self.hospital.event("A04", moment), pid, pv1)
        if self.random.random() < 0.7:
            panel = self.random.choice(list(self.medicine["panels"].values()))
            yield from self.laboratory(resident, pid, pv1, moment + timedelta(minutes=20), panel)
        seen = moment + timedelta(minutes=35)
        dg1 = self.hospital.diagnosis(1, diagnosis, seen)
        yield self.tell(seen, "ADT^A08", self.hospital.event("A08", seen), pid, pv1, dg1)
        yield from self.pharmacy(pid, pv1, moment + timedelta(minutes=50), diagnosis, doses=1)

    def inpatient(
        self, resident: Resident, moment: datetime, days: int, diagnosis: Mapping[str, Any], now: datetime
    ) -> Iterator[Told]:
        """Admission, transfer perhaps, tests, drugs, discharge with its summary; what lies ahead is not told."""
        pid, visit, doctor = self.hospital.patient(resident), self.number("V"), self.doctor()
        bed = f"{self.random.randint(1, 60):02d}"
        pv1 = self.hospital.visit(resident, visit, "inpatient", self.place(bed), doctor, admitted=moment)
        dg1 = self.hospital.diagnosis(1, diagnosis, moment)
        told = [self.tell(moment, "ADT^A01", self.hospital.event("A01", moment), pid, pv1, dg1)]
        panels = list(self.medicine["panels"].values())
        told += self.laboratory(resident, pid, pv1, moment + timedelta(hours=2), self.random.choice(panels))
        if self.random.random() < 0.2:
            moved = moment + timedelta(days=1)
            pv1 = self.hospital.visit(resident, visit, "inpatient", self.place("61"), doctor, admitted=moment)
            told.append(self.tell(moved, "ADT^A02", self.hospital.event("A02", moved), pid, pv1))
        told += self.pharmacy(pid, pv1, moment + timedelta(hours=5), diagnosis, doses=days)
        end = moment + timedelta(days=days)
        out = self.hospital.visit(
            resident, visit, "inpatient", self.place(bed), doctor, admitted=moment, discharged=end
        )
        told.append(self.tell(end, "ADT^A03", self.hospital.event("A03", end), pid, out, dg1))
        told.append(self.summary(pid, out, end + timedelta(minutes=30), diagnosis, days))
        yield from (one for one in told if one[0] <= now)

    def laboratory(
        self, resident: Resident, pid: str, pv1: str, moment: datetime, panel: Mapping[str, Any]
    ) -> list[Told]:
        """The order, and its final result an hour later."""
        placer, filler = self.number("P"), self.number("L")
        service = f"{panel['code']}^{panel['name']}^LN"
        orc = segment("ORC", {1: "NW", 2: placer, 9: stamp(moment)})
        request = segment("OBR", {1: "1", 2: placer, 4: service, 7: stamp(moment)})
        reported = moment + timedelta(hours=1)
        report = segment("OBR", {
            1: "1", 2: placer, 3: filler, 4: service, 7: stamp(moment), 22: stamp(reported), 24: "LAB", 25: "F",
        })  # fmt: skip
        results = [self._result(number, test, reported) for number, test in enumerate(panel["tests"], 1)]
        answered = segment("ORC", {1: "RE", 2: placer, 3: filler})
        return [
            self.tell(moment, "ORM^O01", pid, pv1, orc, request),
            self.tell(reported, "ORU^R01", pid, pv1, answered, report, *results),
        ]

    def _result(self, number: int, test: Mapping[str, Any], moment: datetime) -> str:
        value = max(0.1, self.random.gauss(test["mean"], test["sd"]))
        shown = f"{value:.{test['digits']}f}"
        flag = "L" if float(shown) < float(test["low"]) else "H" if float(shown) > float(test["high"]) else "N"
        return segment("OBX", {
            1: str(number), 2: "NM", 3: f"{test['code']}^{test['name']}^LN", 5: shown,
            6: escape(test["unit"]), 7: f"{test['low']}-{test['high']}", 8: flag, 11: "F", 14: stamp(moment),
        })  # fmt: skip

    def pharmacy(
        self, pid: str, pv1: str, moment: datetime, diagnosis: Mapping[str, Any], doses: int
    ) -> Iterator[Told]:
        """Prescription and dispensing of the drugs that fit the diagnosis."""
        for drug in [one for one in self.medicine["drugs"] if diagnosis["code"] in one["for"]][:2]:
            order, dispense = self.number("R"), self.number("D")
            code = f"{drug['code']}^{escape(drug['name'])}^ATC"
            amount = str(drug["quantity"] if doses == 1 else min(drug["quantity"], doses * 2))
            rxe = segment("RXE", {2: code, 3: drug["mg"], 5: "mg", 10: amount, 11: drug["unit"]})
            yield self.tell(moment, "RDE^O11", pid, pv1, segment("ORC", {1: "NW", 2: order, 9: stamp(moment)}), rxe)
            handed = moment + timedelta(minutes=15)
            rxd = segment("RXD", {
                1: "1", 2: code, 3: stamp(handed), 4: amount, 5: drug["unit"], 7: dispense, 16: f"{drug['mg']}^mg",
            })  # fmt: skip
            yield self.tell(handed, "RDS^O13", pid, pv1, segment("ORC", {1: "RE", 2: order, 3: dispense}), rxd)

    def summary(self, pid: str, pv1: str, moment: datetime, diagnosis: Mapping[str, Any], days: int) -> Told:
        """The discharge summary (出院小结, C0053)."""
        document = self.number("T")
        txa = segment("TXA", {
            1: "1", 2: "DS^出院小结", 4: stamp(moment), 5: self.doctor(), 12: document, 17: "AU", 19: "AV",
        })  # fmt: skip
        text = escape(f"诊断:{diagnosis['name']}。住院{days}天,病情好转出院。请按时服药,如有不适及时就诊。")
        obx = segment("OBX", {1: "1", 2: "TX", 3: "18842-5^出院小结^LN", 5: text, 11: "F"})
        return self.tell(moment, "MDM^T02", self.hospital.event("T02", moment), pid, pv1, txa, obx)

    def vaccination(self, resident: Resident, moment: datetime, vaccine: Mapping[str, Any]) -> Told:
        """One dose given."""
        orc = segment("ORC", {1: "RE", 3: self.number("I")})
        rxa = segment("RXA", {
            1: "0", 2: "1", 3: stamp(moment), 4: stamp(moment), 5: f"{vaccine['code']}^{vaccine['name']}^CVX",
            6: "0.5", 7: "mL", 9: "00^New immunization record^NIP001", 15: f"LOT{self.random.randint(1000, 9999)}",
            20: "CP", 21: "A",
        })  # fmt: skip
        return self.tell(moment, "VXU^V04", self.hospital.patient(resident), orc, rxa)

    def appointment(self, resident: Resident, moment: datetime, ahead: timedelta) -> Iterator[Told]:
        """Booked; one in six is cancelled, one in eight not kept."""
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
