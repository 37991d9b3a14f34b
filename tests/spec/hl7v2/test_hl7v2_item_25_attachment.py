"""
Item 25: units of attachment: several OBR under one ORC, several PATIENT_RESULT in one ORU, an ORU without PV1.

What stands once holds for what stands behind it; what is not there is not made up; and the work grows with the message,
never with its square.
"""

from __future__ import annotations

import sys
from datetime import UTC, datetime
from types import CodeType, FrameType
from typing import Any

import pytest
from hl7v2_world import Hl7World, er7
from order_messages import PID, message, obr, obx, orc, result

from adapters.hl7v2.parser import parse
from adapters.hl7v2.site import Site
from adapters.hl7v2.to_fhir import translate

OTHER = "PID|1||P2^^^H01^MR||李^四||19700101|M"
SERVICES = ("GLU^血糖^L", "ALT^谷丙转氨酶^L")


class TestUnits:
    async def test_results_share_an_order(self, hl7: Hl7World) -> None:
        """Several OBR behind one ORC share its numbers: a report and an order for each service."""
        segments = [s for code in SERVICES for s in (obr("", "", code, status="F"), obx("NM", "5", code=code))]
        await hl7.tell(message("ORU^R01", orc("RE", "O1", "F1"), *segments))

        reports = await hl7.find("DiagnosticReport?identifier=F1")
        assert {r["code"]["text"] for r in reports} == {"血糖", "谷丙转氨酶"}
        orders = {o["id"]: o for o in await hl7.find("ServiceRequest?identifier=O1")}
        assert {o["code"]["text"] for o in orders.values()} == {"血糖", "谷丙转氨酶"}
        for report in reports:
            order = orders[report["basedOn"][0]["reference"].partition("/")[2]]
            assert order["code"] == report["code"]

    async def test_orders_share_a_number(self, hl7: Hl7World) -> None:
        """Several services ordered under one number stay apart, and an ORC with that number alone is about all."""
        await hl7.tell(message("ORM^O01", orc("NW", "O1"), *(obr("", "", code) for code in SERVICES)))
        assert {o["code"]["text"] for o in await hl7.find("ServiceRequest")} == {"血糖", "谷丙转氨酶"}

        done = message("ORU^R01", obr("O1", "F1", SERVICES[0], status="F"), obx("NM", "5"))
        await hl7.tell(done, message("ORM^O01", orc("CA", "O1"), at="20260301090000"))
        found = {o["code"]["text"]: o["status"] for o in await hl7.find("ServiceRequest")}
        assert found == {"血糖": "completed", "谷丙转氨酶": "revoked"}

    async def test_several_patients(self, hl7: Hl7World) -> None:
        """Each PATIENT_RESULT has its own patient, visit and results, though the numbers are the same."""
        head = obr(status="F", reported="20260301120000")
        more = [OTHER, "PV1|1|O|||||||||||||||||V2^^^H01", head, obx("NM", "6")]
        await hl7.tell(message("ORU^R01", "PV1|1|I|||||||||||||||||V1^^^H01", head, obx("NM", "5"), *more))

        for local, visit, value in (("P1", "V1", 5), ("P2", "V2", 6)):
            patient = (await hl7.one(f"Patient?identifier={local}"))["id"]
            found = await hl7.one(f"Observation?patient={patient}")
            encounter = await hl7.one(f"Encounter?identifier={visit}")
            assert found["valueQuantity"]["value"] == value
            assert found["encounter"] == {"reference": f"Encounter/{encounter['id']}"}

    async def test_without_visit(self, hl7: Hl7World) -> None:
        """An ORU without PV1 belongs to the patient, and to no visit."""
        await hl7.tell(result())

        assert "encounter" not in await hl7.one("Observation")
        assert "encounter" not in await hl7.one("DiagnosticReport")
        assert not await hl7.find("Encounter")

    async def test_without_patient(self, hl7: Hl7World) -> None:
        """An ORU whose PID names nobody is kept, asserts nothing, and is counted."""
        await hl7.tell(message("ORU^R01", obr(status="F"), obx("NM", "5"), pid="PID|1||||王^晓梅"))

        assert not await hl7.find("Observation")
        assert not await hl7.find("Patient")
        assert (await hl7.services.journal.counts())["kept"] == 1

    async def test_foreign_number(self, hl7: Hl7World) -> None:
        """A patient number of an authority that nobody knows is a patient of that authority, never a namesake's."""
        await hl7.tell(result(), result(pid="PID|1||P1^^^QQ^MR||赵^五", at="20260301130000"))

        assert len(await hl7.find("Patient?identifier=P1")) == 2
        assert len({o["subject"]["reference"] for o in await hl7.find("Observation")}) == 2

    async def test_one_reading(self, hl7: Hl7World) -> None:
        """A point-of-care device sends its order and its result together (R30), the same patient as everywhere."""
        await hl7.tell(message("ORU^R30", orc("NW", "O1", "F1"), obr(status="F"), obx("NM", "5"), "NTE|1||床旁"))

        found = await hl7.one("Observation")
        assert found["note"] == [{"text": "床旁"}]
        assert (await hl7.one("ServiceRequest"))["status"] == "completed"

    async def test_prior_results(self, hl7: Hl7World) -> None:
        """An OML carries earlier results of its patient along: they are results, and no new orders."""
        prior = [PID, obr("O0", "F0", status="F", reported="20260101120000"), obx("NM", "4.2")]
        await hl7.tell(message("OML^O21", orc("NW", "O1"), obr("O1", ""), *prior))

        report = await hl7.one("DiagnosticReport")
        assert report["identifier"][1]["value"] == "F0"
        found = {o["identifier"][0]["value"]: o["status"] for o in await hl7.find("ServiceRequest")}
        assert found == {"O1": "active", "O0": "completed"}

    @pytest.mark.parametrize("kind", ["OML^O33", "OML^O35"])
    async def test_orders_of_specimen(self, hl7: Hl7World, kind: str) -> None:
        """Orders behind a specimen (O33) or its container (O35) are orders on it; the next specimen has its own."""
        segments = []
        for number in ("1", "2"):
            segments += [f"SPM|1|S{number}||BLD^血液^HL70487", *([f"SAC|||C{number}"] if kind == "OML^O35" else [])]
            for service in SERVICES:
                placer = f"O{number}{service[:3]}"
                segments += [orc("NW", placer), obr(placer, "", service)]
        await hl7.tell(message(kind, *segments))

        assert len(await hl7.find("Specimen")) == 2
        for number in ("1", "2"):
            specimen = await hl7.one(f"Specimen?identifier=S{number}")
            listed = await hl7.find(f"ServiceRequest?specimen=Specimen/{specimen['id']}")
            assert {o["identifier"][0]["value"] for o in listed} == {f"O{number}GLU", f"O{number}ALT"}


class Calls:
    """Counts calls of Python functions of this project while it is set."""

    def __init__(self) -> None:
        self.count = 0

    def __call__(self, frame: FrameType, event: str, _argument: Any) -> None:
        code: CodeType = frame.f_code
        if event == "call" and "adapters" in code.co_filename:
            self.count += 1


def calls_for(text: str) -> int:
    """How many calls the reading and the translation of a message take."""
    site, counter = Site("site-a"), Calls()
    sys.setprofile(counter)
    try:
        translate(parse(er7(text), site=site), site=site, received=datetime.now(UTC), reference="r")
    finally:
        sys.setprofile(None)
    return counter.count


def panel(size: int, form: str) -> str:
    """An ORU of `size` results."""
    lines = [obx("NM", str(at), code=f"T{at}^项目^L", unit="mmol/L", ranges="1-9", flag="N") for at in range(size)]
    if form == "repeated header":
        head = obr(status="F", reported="20260301120000")
        return message("ORU^R01", *(segment for line in lines for segment in (head, line)))
    if form == "lines of text":
        return result(*(obx("TX", f"第{at}行", code="T^报告^L") for at in range(size)))
    if form == "notes":
        return result(lines[0], *(f"NTE|{at}||第{at}行" for at in range(size)))
    if form == "many reports":
        return message(
            "ORU^R01", *(s for at, line in enumerate(lines) for s in (obr(f"O{at}", f"F{at}", status="F"), line))
        )
    return result(*lines)


class TestLinear:
    @pytest.mark.parametrize("form", ["one header", "repeated header", "lines of text", "notes", "many reports"])
    def test_work(self, form: str) -> None:
        """Five times as many results take five times the calls, whatever their form; never the square."""
        calls_for(panel(2, form))  # grammars and tables are read once
        few, many = calls_for(panel(1_000, form)), calls_for(panel(5_000, form))

        assert many < 5.5 * few
