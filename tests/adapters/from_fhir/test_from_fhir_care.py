"""Reports, orders, documents, appointments and vaccinations as messages: valid, and the same facts when read again."""

from __future__ import annotations

import base64
from dataclasses import replace

import pytest
from from_fhir_world import ENVELOPE, RECEIVER, Facts, check, differences, facts, header, message, read

from adapters.facts import Json
from adapters.hl7v2.from_fhir.families import mdm, orders, oru, siu, vxu
from adapters.hl7v2.from_fhir.receiver import Receiver

PID = "PID|1||L1^^^H01^MR||王^晓梅||19850612|F"
PV1 = "PV1|1|I|W1^R2^B1||||||||||||||||VL1^^^H01^VN"
DOCTOR = "D1^李^医^^^^^^&1.2.3&ISO"
PDF = base64.b64encode(b"%PDF-1.4 small").decode()
VERSIONS = ("2.3.1", "2.4", "2.5.1", "2.6", "2.7")
RESULTS = message(
    header("ORU^R01^ORU_R01"), PID, PV1,
    f"ORC|RE|P1^HIS|F1^LIS|||||||||{DOCTOR}",
    f"OBR|1|P1^HIS|F1^LIS|58410-2^CBC panel^LN|||20261124080000+0800|||||||||{DOCTOR}"
    "||||||20261124090000+0800||LAB|F||||||R50^Fever^I10",
    "NTE|1||whole noted",
    "OBX|1|NM|718-7^Haemoglobin^LN||1.50|g/L^g/L^UCUM|120-160|L|||F|||20261124083000+0800",
    "NTE|1||first line", "NTE|2||second line",
    "OBX|2|SN|26515-7^Platelets^LN||<^5|10*9/L^10*9/L^UCUM||LL|||F|||20261124083000+0800",
    "OBX|3|SN|20447-9^Ratio^LN||^1^:^128|||A|||C|||20261124083000+0800",
    "OBX|4|CWE|883-9^ABO group^LN||A^Group A^99L|||N|||P|||20261124083000+0800",
    r"OBX|5|TX|8251-1^Comment^LN||a \F\ b \T\ c\.br\d|||N|||F|||20261124083000+0800",
    "OBX|6|TS|8665-2^Date^LN||20261101|||N|||F|||20261124083000+0800",
    "OBX|7|ST|664-3^Gram^LN||阴性|||NEG|||F|||20261124083000+0800",
    "OBX|8|NM|2345-7^Glucose^LN|||||N|||X|||20261124083000+0800",
    f"OBX|9|ED|PDF^报告^L||^AP^PDF^Base64^{PDF}||||||F",
    "SPM|1|S1&HIS^S2&LIS||BLD^Blood^HL70487|||VEN^Venipuncture^HL70488|||||||||20261124080000+0800|20261124081500+0800",
)  # fmt: skip
ORDER = message(
    header("OML^O21^OML_O21"), PID, PV1, f"ORC|NW|P2^HIS||G1^HIS|||||20261124080000+0800|||{DOCTOR}",
    "TQ1|1||||||20261125080000+0800||S||fasting",
    f"OBR|1|P2^HIS||24323-8^Metabolic panel^LN||||||||||||{DOCTOR}|||||||||||||||R50^Fever^I10", "NTE|1||please soon",
)  # fmt: skip
DOCUMENT = message(
    header("MDM^T02^MDM_T02"), "EVN||20261124080000+0800", PID, PV1,
    f"TXA|1|DS|TX|20261124070000+0800||20261124073000+0800|||{DOCTOR}|||DOC1^HIS|||||AU||AV",
    "OBX|1|TX|DS||first line of it||||||F", "OBX|2|ED|PDF^x^L||^AP^PDF^Base64^" + PDF + "||||||F",
)  # fmt: skip
BOOKING = message(
    header("SIU^S12^SIU_S12"),
    "SCH|P3^HIS|F3^BOOK||||BOOK^booking^L|CHK^Check-up^L|NORMAL^Normal^HL70277|30|min^minutes^ISO+|^^M30^20261201080000+0800"
    "^20261201083000+0800|||||^HIE||||^HIE|||||Booked^^HL70278",
    "TQ1|1||||||20261201080000+0800|20261201083000+0800", "NTE|1||bring papers", PID, "RGS|1",
    "AIS|1||SVC1^Consultation^L|20261201080000+0800|||30|min^minutes^ISO+", "AIL|1||W9^R1",
    f"AIP|1||{DOCTOR}|^person||20261201080000+0800|||30|min^minutes^ISO+",
)  # fmt: skip
VACCINE = message(
    header("VXU^V04^VXU_V04"), PID, f"ORC|RE||V1^CLINIC|||||||||{DOCTOR}",
    "RXA|0|1|20261124+0800||08^Hep B^CVX|0.5|mL^mL^UCUM||00^New immunization record^NIP001|" + DOCTOR
    + "|^^^站点||||LOT1|20280101|MSD^Merck^MVX|||CP|A",
    "RXR|IM^Intramuscular^HL70162|LD^Left deltoid^HL70163",
    "OBX|1|NM|30973-2^Dose number in series^LN|1|2||||||F", "NTE|1||calm",
)  # fmt: skip


def subject(found: Facts) -> Json:
    return found.one("Patient")


def result(found: Facts, receiver: Receiver = RECEIVER) -> bytes:
    return oru.report(receiver, ENVELOPE, subject(found), found.one("DiagnosticReport"), found.resources)


def order(found: Facts, code: str = "OML", receiver: Receiver = RECEIVER, *, new: bool = True) -> bytes:
    one = found.one("ServiceRequest")
    return orders.service(receiver, ENVELOPE, code, subject(found), one, found.resources, new=new)


def document(found: Facts, trigger: str = "T02", receiver: Receiver = RECEIVER) -> bytes:
    one = found.one("DocumentReference")
    return mdm.document(receiver, ENVELOPE, trigger, subject(found), one, found.resources)


def booking(found: Facts, trigger: str = "S12", receiver: Receiver = RECEIVER) -> bytes:
    return siu.schedule(receiver, ENVELOPE, trigger, subject(found), found.one("Appointment"), found.resources)


def vaccination(found: Facts, receiver: Receiver = RECEIVER) -> bytes:
    return vxu.update(receiver, ENVELOPE, subject(found), found.one("Immunization"), found.resources)


class TestRoundTrip:
    def test_report(self) -> None:
        """Numbers to the digit, comparators, ratios, codes, text with separators, notes, specimen, document."""
        found = facts(RESULTS)

        assert differences(found, facts(result(found))) == []

    def test_order(self) -> None:
        """Numbers, time, priority, reason, note of an order."""
        found = facts(ORDER)

        assert differences(found, facts(order(found))) == []

    def test_document(self) -> None:
        """Number, times, author, state, text and file of a document."""
        found = facts(DOCUMENT)

        assert differences(found, facts(document(found))) == []

    def test_appointment(self) -> None:
        """Numbers, span, service, place and person of an appointment."""
        found = facts(BOOKING)

        assert differences(found, facts(booking(found))) == []

    def test_vaccination(self) -> None:
        """Vaccine, dose, lot, maker, site, route, who gave it, number in the series."""
        found = facts(VACCINE)

        assert differences(found, facts(vaccination(found))) == []


class TestValid:
    @pytest.mark.parametrize("version", VERSIONS)
    def test_report(self, version: str) -> None:
        """A report in every version."""
        assert check(result(facts(RESULTS), _of(version))).type == "ORU^R01"

    @pytest.mark.parametrize("version", VERSIONS)
    def test_order(self, version: str) -> None:
        """Orders as ORM where a version has it, and as OML from 2.4 on."""
        if version < "2.7":
            assert check(order(facts(ORDER), "ORM", _of(version))).type == "ORM^O01"
        if version >= "2.4":
            assert check(order(facts(ORDER), "OML", _of(version))).type == "OML^O21"

    @pytest.mark.parametrize("version", VERSIONS)
    @pytest.mark.parametrize("trigger", ["T02", "T06", "T08", "T10", "T11"])
    def test_document(self, version: str, trigger: str) -> None:
        """Documents, additions, edits, replacements, cancellations."""
        assert check(document(facts(DOCUMENT), trigger, _of(version))).trigger == trigger

    @pytest.mark.parametrize("version", VERSIONS)
    @pytest.mark.parametrize("trigger", ["S12", "S13", "S14", "S15", "S17", "S26"])
    def test_appointment(self, version: str, trigger: str) -> None:
        """Appointments, moved, changed, cancelled, deleted, missed."""
        assert check(booking(facts(BOOKING), trigger, _of(version))).trigger == trigger

    @pytest.mark.parametrize("version", VERSIONS)
    def test_vaccination(self, version: str) -> None:
        """Vaccinations."""
        assert check(vaccination(facts(VACCINE), _of(version))).type == "VXU^V04"


def _of(version: str) -> Receiver:
    return replace(RECEIVER, version=version, charset="UNICODE UTF-8" if version >= "2.5" else "UNICODE")


class TestSpecials:
    def test_panel(self) -> None:
        """Blood pressure of two components: an OBX each, kept together by OBX-4."""
        systolic, diastolic = (
            {"code": {"coding": [{"system": "http://loinc.org", "code": code}]}, "valueQuantity": {"value": value}}
            for code, value in (("8480-6", 120), ("8462-4", 80))
        )
        pressure = {
            "resourceType": "Observation", "status": "final", "component": [systolic, diastolic],
            "code": {"coding": [{"system": "http://loinc.org", "code": "85354-9"}]},
        }  # fmt: skip
        found = Facts({
            "Observation/o": pressure, "Patient/p": {"resourceType": "Patient", "identifier": [{"value": "1"}]},
            "DiagnosticReport/d": {"resourceType": "DiagnosticReport", "id": "d", "status": "final",
                                   "code": {"text": "BP"}, "result": [{"reference": "Observation/o"}]},
        })  # fmt: skip
        listed = read(result(found)).all("OBX")

        assert [(one.text(3), one.text(4), one.text(5)) for one in listed] == [
            ("8480-6", "1.1", "120"), ("8462-4", "1.2", "80"),
        ]  # fmt: skip

    def test_same_code_twice(self) -> None:
        """Two results of one code are told apart."""
        found = facts(RESULTS)
        report = found.one("DiagnosticReport")
        report["result"] = [report["result"][0]] * 2

        assert [one.text(4) for one in read(result(found)).all("OBX")][:2] == ["1", "2"]

    @pytest.mark.parametrize(
        ("status", "new", "expected"),
        [("active", True, ("NW", "")), ("active", False, ("XO", "IP")), ("revoked", False, ("CA", "CA")),
         ("on-hold", False, ("HD", "HD")), ("completed", False, ("SC", "CM"))],
    )  # fmt: skip
    def test_order_control(self, status: str, new: bool, expected: tuple[str, str]) -> None:
        """ORC-1 and ORC-5 say what became of an order."""
        assert orders.control({"status": status}, new=new) == expected

    def test_documents_by_relation(self) -> None:
        """New, added to, replaced, edited, withdrawn; the one that is replaced says nothing itself."""
        one: Json = {"status": "current", "description": "a"}

        assert mdm.event(one, None) == "T02"
        assert mdm.event({**one, "relatesTo": [{"code": "appends"}]}, None) == "T06"
        assert mdm.event({**one, "relatesTo": [{"code": "replaces"}]}, None) == "T10"
        assert mdm.event({**one, "description": "b"}, one) == "T08"
        assert mdm.event({**one, "status": "entered-in-error"}, one) == "T11"
        assert mdm.event({**one, "status": "superseded"}, one) == ""

    def test_appointments_by_change(self) -> None:
        """Booked, moved, changed, cancelled, missed, deleted, booked again."""
        one: Json = {"status": "booked", "start": "2026-12-01T08:00:00+08:00"}

        assert siu.event(one, None) == "S12"
        assert siu.event({**one, "start": "2026-12-02T08:00:00+08:00"}, one) == "S13"
        assert siu.event({**one, "comment": "x"}, one) == "S14"
        for status, event in (("cancelled", "S15"), ("noshow", "S26"), ("entered-in-error", "S17")):
            assert siu.event({**one, "status": status}, one) == event
            assert siu.event({**one, "status": status}, {**one, "status": status}) == ""
            assert siu.event(one, {**one, "status": status}) == "S12"
