"""ORU: values, versions, reports, attachments."""

from __future__ import annotations

import base64
from typing import Any

import pytest
from to_fhir_world import SITE, Store, run

from adapters.hl7v2.to_fhir import attachments

PID = "PID|1||P1^^^HIS^MR||王晓梅"


def oru(
    *results: str,
    status: str = "F",
    reported: str = "20240305120000",
    filler: str = "F1",
    placer: str = "O1",
    pid: str = PID,
    obr: str = "",
) -> str:
    """An ORU of one report; `reported` is OBR-22."""
    return "\r".join(
        [
            f"MSH|^~\\&|LIS|H1|HIE|ZB|{reported}||ORU^R01|{reported}{status}|P|2.4",
            pid,
            f"OBR|1|{placer}|{filler}|GLU^血糖^LIS|||20240305090000|||||||||||||||{reported}||LAB|{status}{obr}",
            *results,
        ]
    )


def obx(
    kind: str,
    value: str,
    *,
    code: str = "2345-7^葡萄糖^LN",
    unit: str = "",
    sub: str = "",
    status: str = "F",
    more: str = "",
) -> str:
    return f"OBX|1|{kind}|{code}|{sub}|{value}|{unit}|{more}||||{status}"


def value_of(line: str) -> dict[str, Any]:
    return next(f.resource for f in run(oru(line)).facts if f.type == "Observation")


@pytest.fixture
def store() -> Store:
    return Store()


class TestValues:
    """OBX-5 by OBX-2."""

    def test_number(self) -> None:
        """Exactly as sent, with unit, range and interpretation."""
        found = value_of("OBX|1|NM|2345-7^葡萄糖^LN||7.10|mmol/L|3.9-6.1|↑|||F")

        assert str(found["valueQuantity"]["value"]) == "7.10"
        assert found["valueQuantity"]["code"] == "mmol/L"
        assert found["interpretation"][0]["coding"][0]["code"] == "H"
        assert found["interpretation"][0]["text"] == "↑"
        assert str(found["referenceRange"][0]["high"]["value"]) == "6.1"
        assert found["category"][0]["coding"][0]["code"] == "laboratory"
        assert found["effectiveDateTime"] == "2024-03-05T09:00:00+08:00"

    def test_number_that_is_none(self) -> None:
        """Kept as text and counted, never guessed."""
        translation = run(oru(obx("NM", "溶血")))
        found = next(f.resource for f in translation.facts if f.type == "Observation")

        assert found["valueString"] == "溶血"
        assert ("field", "OBX-5") in {(u.kind, u.location) for u in translation.unmapped}
        assert "溶血" not in str(translation.unmapped)

    def test_below_the_limit(self) -> None:
        """`<0.01` declared as a number is a quantity with a comparator."""
        found = value_of(obx("NM", "<0.01", unit="ng/mL"))["valueQuantity"]

        assert (found["comparator"], str(found["value"])) == ("<", "0.01")

    def test_number_sent_as_text(self) -> None:
        """ST with a unit and a number is a measurement; without a unit it is text."""
        assert "valueQuantity" in value_of(obx("ST", "5.6", unit="mmol/L"))
        assert value_of(obx("ST", "5.6"))["valueString"] == "5.6"

    @pytest.mark.parametrize(
        ("kind", "sent", "element"),
        [
            ("SN", "^1^:^128", "valueRatio"),
            ("CE", "POS^阳性^L", "valueCodeableConcept"),
            ("CWE", "260385009^Negative^SCT", "valueCodeableConcept"),
            ("DT", "20240301", "valueDateTime"),
            ("TM", "1030", "valueTime"),
            ("NR", "1^2", "valueRange"),
            ("CQ", "5^mg&&UCUM", "valueQuantity"),
            ("NA", "1^2^3", "valueSampledData"),
            ("DR", "20240101^20240102", "valuePeriod"),
            ("TX", "未见异常", "valueString"),
            ("XPN", "王^晓梅", "valueString"),
        ],
    )
    def test_types(self, kind: str, sent: str, element: str) -> None:
        """Each type of OBX-2 has its value element."""
        assert element in value_of(obx(kind, sent))

    def test_text_lines(self, store: Store) -> None:
        """A report sent line by line is one observation; a stray ^ is text."""
        store.file(oru(obx("TX", "双肺^纹理"), obx("TX", "未见异常")))

        assert store.one("Observation")["valueString"] == "双肺^纹理\n未见异常"

    def test_nothing(self) -> None:
        """No value says why."""
        assert value_of(obx("NM", "", status="X"))["dataAbsentReason"]["coding"][0]["code"] == "not-performed"

    def test_several_codes(self) -> None:
        """Several answers are components."""
        assert len(value_of(obx("CE", "A^甲^L~B^乙^L"))["component"]) == 2

    def test_local_code_is_counted(self) -> None:
        """A local code stays, in the site's own system, and waits for a terminologist."""
        translation = run(oru(obx("NM", "1", code="GLU01^葡萄糖^LIS")))
        found = next(f.resource for f in translation.facts if f.type == "Observation")

        assert found["code"]["coding"] == [
            {"system": "urn:hie:code-system:site-a:LIS", "code": "GLU01", "display": "葡萄糖"}
        ]
        assert ("code", "OBX-3", "GLU01") in {(u.kind, u.location, u.code) for u in translation.unmapped}

    def test_site_map(self) -> None:
        """A site's code map puts the shared coding before the sender's."""
        site = type(SITE)("site-a", code_maps={"LIS": {"GLU01": ("http://loinc.org", "2345-7", "Glucose")}})
        translation = run(oru(obx("NM", "1", code="GLU01^葡萄糖^LIS")), site)
        found = next(f.resource for f in translation.facts if f.type == "Observation")

        assert [c["code"] for c in found["code"]["coding"]] == ["2345-7", "GLU01"]
        assert "GLU01" not in {u.code for u in translation.unmapped}

    def test_notes(self, store: Store) -> None:
        """NTE after OBX belongs to the value, NTE after OBR to the report."""
        store.file(oru("NTE|1||标本轻度溶血", obx("NM", "5"), "NTE|1||复查"))

        assert store.one("DiagnosticReport")["conclusion"] == "标本轻度溶血"
        assert store.one("Observation")["note"] == [{"text": "复查"}]


class TestVersions:
    """One report through preliminary, final, corrected."""

    def test_forward(self, store: Store) -> None:
        """P, F, C are versions of the same resources."""
        for status, value in (("P", "5.0"), ("F", "5.1"), ("C", "5.2")):
            store.file(oru(obx("NM", value, status=status), status=status))

        assert store.one("DiagnosticReport")["status"] == "corrected"
        assert str(store.one("Observation")["valueQuantity"]["value"]) == "5.2"

    def test_never_back(self, store: Store) -> None:
        """A preliminary result after the final one changes nothing, even with a later time."""
        store.file(oru(obx("NM", "5.1")))
        store.file(oru(obx("NM", "4.0", status="P"), status="P", reported="20240305130000"))

        assert store.one("DiagnosticReport")["status"] == "final"
        assert str(store.one("Observation")["valueQuantity"]["value"]) == "5.1"

    def test_tie_by_report_time(self, store: Store) -> None:
        """Of two finals the one reported later stands, whichever comes first."""
        store.file(oru(obx("NM", "5.2"), reported="20240305130000"))
        store.file(oru(obx("NM", "5.1"), reported="20240305120000"))

        assert str(store.one("Observation")["valueQuantity"]["value"]) == "5.2"

    def test_results_accumulate(self, store: Store) -> None:
        """Parts sent later join the report."""
        store.file(oru(obx("NM", "5"), status="P"))
        store.file(oru(obx("NM", "6", code="718-7^血红蛋白^LN")))

        assert len(store.one("DiagnosticReport")["result"]) == 2

    def test_deleted(self, store: Store) -> None:
        """OBX-11 D marks, and keeps what was deleted."""
        store.file(oru(obx("NM", "5.1")))
        store.file(oru(obx("NM", "5.1", status="D"), status="C"))
        found = store.one("Observation")

        assert found["status"] == "entered-in-error"
        assert found["subject"]

    def test_wrong_patient(self, store: Store) -> None:
        """OBX-11 W is taken out of the patient's record."""
        store.file(oru(obx("NM", "5.1")))
        store.file(oru(obx("NM", "5.1", status="W"), status="C"))
        found = store.one("Observation")

        assert found["status"] == "entered-in-error"
        assert "subject" not in found

    def test_number_used_again(self, store: Store) -> None:
        """A laboratory number used again for somebody else never moves a result between records."""
        store.file(oru(obx("NM", "5.1")))
        store.file(oru(obx("NM", "9.9"), pid="PID|1||P2^^^HIS^MR||李四"))

        assert len({o["subject"]["reference"] for o in store.of("Observation")}) == 2

    def test_without_status(self, store: Store) -> None:
        """Without OBR-25 the results say how far the report is."""
        store.file(oru(obx("NM", "5"), obx("NM", "6", code="718-7^Hb^LN", status="P"), status=""))

        assert store.one("DiagnosticReport")["status"] == "preliminary"


class TestReport:
    """The parts of a report."""

    def test_repeated_observation(self, store: Store) -> None:
        """The same code twice in one report is two observations, always the same two."""
        message = oru(obx("NM", "5"), obx("NM", "6"))
        store.file(message)
        store.file(message)

        assert len(store.of("Observation")) == 2

    def test_sub_ids(self, store: Store) -> None:
        """OBX-4 keeps isolates apart."""
        store.file(oru(obx("CE", "A^甲^L", sub="1"), obx("CE", "B^乙^L", sub="2")))

        assert len(store.of("Observation")) == 2

    def test_parent(self, store: Store) -> None:
        """Susceptibilities derive from the culture that OBR-26 and OBR-29 name."""
        store.file(oru(obx("CE", "ECO^大肠埃希菌^L", code="600-7^培养^LN", sub="1")))
        culture = store.one("Observation")["id"]
        store.file(
            oru(
                obx("NM", "2", code="18908-4^头孢^LN"),
                filler="F2",
                obr="|600-7&培养&LN^1|||O1^F1",
            )
        )
        child = next(o for o in store.of("Observation") if o["id"] != culture)

        assert child["derivedFrom"] == [{"reference": f"Observation/{culture}"}]

    def test_result_before_order(self, store: Store) -> None:
        """A result makes its order known, completed; the late order fills it in and does not reopen it."""
        store.file(oru(obx("NM", "5")))
        assert store.one("ServiceRequest")["status"] == "completed"

        store.file(
            f"MSH|^~\\&|HIS|H1|HIE|ZB|20240305080000||ORM^O01|7|P|2.4\r{PID}\rORC|NW|O1||||||||||D1^张医生\rOBR|1|O1||GLU^血糖^LIS"
        )
        request = store.one("ServiceRequest")
        assert request["status"] == "completed"
        assert request["requester"]["display"] == "张医生"
        assert store.one("DiagnosticReport")["basedOn"][0]["reference"] == f"ServiceRequest/{request['id']}"

    def test_several_patients(self) -> None:
        """Each PATIENT_RESULT has its own patient."""
        message = (
            oru(obx("NM", "5")) + "\r" + "\r".join(oru(obx("NM", "6"), pid="PID|1||P2^^^HIS^MR||李四").split("\r")[1:])
        )

        assert len(run(message).subjects) == 2

    def test_specimen(self, store: Store) -> None:
        """SPM is linked from report, order and result."""
        store.file(
            oru(obx("NM", "5"), "SPM|1|S1&LIS^S2&LIS||BLD^血液^HL70487|||||||||||||20240305085500|20240305090500")
        )
        specimen = store.one("Specimen")

        assert specimen["collection"]["collectedDateTime"] == "2024-03-05T08:55:00+08:00"
        assert store.one("Observation")["specimen"]["reference"] == f"Specimen/{specimen['id']}"
        assert store.one("DiagnosticReport")["specimen"][0]["reference"] == f"Specimen/{specimen['id']}"


class TestAttachments:
    """Documents inside results."""

    PDF = base64.b64encode(b"%PDF-1.4 report").decode()

    def test_inline(self, store: Store) -> None:
        """A small document is the report's presented form."""
        store.file(oru(obx("ED", f"LIS^AP^PDF^Base64^{self.PDF}")))
        form = store.one("DiagnosticReport")["presentedForm"][0]

        assert (form["contentType"], form["data"]) == ("application/pdf", self.PDF)
        assert not store.of("Observation")

    def test_large(self, store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
        """A large one is a Binary of its own, under the patient's protection."""
        monkeypatch.setattr(attachments, "INLINE_BYTES", 4)
        store.file(oru(obx("ED", f"LIS^AP^PDF^Base64^{self.PDF}")))
        binary = store.one("Binary")

        assert store.one("DiagnosticReport")["presentedForm"][0]["url"] == f"Binary/{binary['id']}"
        assert binary["securityContext"]["reference"].startswith("Patient/")

    def test_broken(self) -> None:
        """What is no base64 is counted, not stored."""
        translation = run(oru(obx("ED", "LIS^AP^PDF^Base64^???")))

        assert translation.remarks == ("OBX-5 is no valid base64",)

    def test_pointer(self, store: Store) -> None:
        """RP is an address."""
        store.file(oru(obx("RP", "https://pacs/1^^IM^JPEG")))

        assert store.one("DiagnosticReport")["presentedForm"][0]["url"] == "https://pacs/1"


class TestUntidySenders:
    """What laboratories really send."""

    def test_repeated_header(self, store: Store) -> None:
        """The same OBR before every OBX is one report with all results."""
        obr = oru(obx("NM", "5")).split("\r")[2]
        store.file(oru(obx("NM", "5"), obr, obx("NM", "6", code="718-7^Hb^LN"), obr, obx("NM", "7")))

        assert len(store.one("DiagnosticReport")["result"]) == len(store.of("Observation")) == 3

    def test_value_without_a_name(self, store: Store) -> None:
        """A value without OBX-3 is kept."""
        store.file(oru(obx("NM", "5", code="")))

        assert store.one("Observation")["valueQuantity"]["value"] == 5

    def test_values_without_a_report(self, store: Store) -> None:
        """OBX without OBR are kept too."""
        store.file(f"MSH|^~\\&|LIS|H1|HIE|ZB|20240305100000||ORU^R01|1|P|2.4\r{PID}\r{obx('NM', '5')}")

        assert len(store.of("Observation")) == 1

    def test_partial_report(self, store: Store) -> None:
        """A partial report's results without a status of their own are preliminary: observations know no partial."""
        store.file(oru(obx("NM", "5", status=""), status="A"))

        assert store.one("Observation")["status"] == "preliminary"

    def test_no_trigger(self) -> None:
        """A message of version 2.2 that says only ORU is an R01."""
        assert run(oru(obx("NM", "5")).replace("ORU^R01", "ORU")).translated

    def test_unread_fields_are_counted(self) -> None:
        """A valued field that nobody reads is named once, without its content."""
        translation = run(oru(obx("NM", "5") + "||20240101|AN1", obx("NM", "6") + "||20240101|AN1"))

        assert [u.location for u in translation.unmapped if u.kind == "field"].count("OBX-13") == 1
