"""
Item 23: what stands around a value: unit, reference range, interpretation, groups, notes, times, performers, specimen.

OBX-6 becomes UCUM, OBX-7 limits, OBX-8 a code of table 0078; OBX-4 groups the parts of a blood pressure; a note belongs
to what it follows; OBX-14, else OBR-7, is when it was true.
"""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest
from hl7v2_world import Hl7World
from order_messages import message, obr, obx, result

Json = dict[str, Any]
SAME = (
    "L H LL HH < > N A AA U D B W S R I POS NEG IND DET ND AC QCF TOX RR WR NR HU LU HX LX IE EX UNE NCL NS SDD "
    "SYN-R SYN-S CAR HM E"
)
FLAGS = {**{code: code for code in SAME.split()}, "MS": "S", "VS": "S"}
USUAL = (Decimal("3.5"), Decimal("5.5"))
SYSTOLIC, DIASTOLIC = "8480-6^收缩压^LN", "8462-4^舒张压^LN"


class TestAround:
    @pytest.mark.parametrize(
        ("sent", "code"),
        [("mmol/L", "mmol/L"), ("umol/l", "umol/L"), ("10^9/L", "10*9/L"), ("次/分", "/min"), ("℃", "Cel"),
         ("L^升^L^mmol/L^毫摩尔每升^UCUM", "mmol/L"), ("mg/dL^^UCUM", "mg/dL")],
    )  # fmt: skip
    async def test_units(self, hl7: Hl7World, sent: str, code: str) -> None:
        """A unit as laboratories write it has its UCUM code; its text stays."""
        escaped = sent if sent.count("^") > 1 else sent.replace("^", "\\S\\")
        await hl7.tell(result(obx("NM", "5", unit=escaped)))

        found = (await hl7.one("Observation"))["valueQuantity"]
        assert (found["system"], found["code"]) == ("http://unitsofmeasure.org", code)
        assert found["unit"]

    @pytest.mark.parametrize(
        ("sent", "limits"),
        [
            ("3.5-5.5", USUAL), ("3.5 - 5.5 mmol/L", USUAL), ("3.5--5.5", USUAL),
            ("3.5~5.5", USUAL), ("(3.5-5.5)", USUAL), ("3.5～5.5", USUAL),
            ("<5", (None, 5)), ("≤5.0", (None, 5)),
            (">=10", (10, None)), (">10", (10, None)), ("-2-2", (-2, 2)), ("-2--1", (None, None)),
            ("5.5-3.5", (None, None)),
            ("阴性", (None, None)), ("男 3.5-5.5", (None, None)),
        ],
    )  # fmt: skip
    async def test_ranges(
        self, hl7: Hl7World, sent: str, limits: tuple[Decimal | int | None, Decimal | int | None]
    ) -> None:
        """A range that can be read has its limits; one that cannot, or could be two things, its text."""
        await hl7.tell(result(obx("NM", "5", unit="mmol/L", ranges=sent)))

        (found,) = (await hl7.one("Observation"))["referenceRange"]
        assert (found.get("low", {}).get("value"), found.get("high", {}).get("value")) == limits
        assert found["text"] == sent

    async def test_flags(self, hl7: Hl7World) -> None:
        """Each code of table 0078, and the arrows that analysers print; an unknown one keeps its word, counted."""
        sent = {**FLAGS, "↑": "H", "↓": "L", "QQ": ""}
        await hl7.tell(result(*(obx("NM", "5", code=f"{flag}^项目^L", flag=flag) for flag in sent)))

        found = {o["code"]["coding"][0]["code"]: o["interpretation"][0] for o in await hl7.find("Observation")}
        codes = {flag: one.get("coding", [{"code": ""}])[0]["code"] for flag, one in found.items()}
        assert codes == sent
        assert (found["↑"]["text"], found["QQ"]["text"]) == ("↑", "QQ")
        assert {(one["location"], one["code"]) for one in await hl7.unmapped()} >= {("OBX-8", "QQ")}

    async def test_notes(self, hl7: Hl7World) -> None:
        """NTE behind OBR is about the report, behind OBX about the result."""
        await hl7.tell(
            result("NTE|1||标本轻度溶血", obx("NM", "5"), "NTE|1||已复查", obx("NM", "6", code="718-7^Hb^LN"))
        )

        assert (await hl7.one("DiagnosticReport"))["conclusion"] == "标本轻度溶血"
        noted = await hl7.one("Observation?code=2345-7")
        assert noted["note"] == [{"text": "已复查"}]
        assert "note" not in await hl7.one("Observation?code=718-7")

    async def test_times(self, hl7: Hl7World) -> None:
        """OBX-14 is when it was true, else OBR-7; OBR-22 when it was issued."""
        await hl7.tell(result(obx("NM", "5", at="20260301073000"), obx("NM", "6", code="718-7^Hb^LN")))

        own, shared = await hl7.one("Observation?code=2345-7"), await hl7.one("Observation?code=718-7")
        assert own["effectiveDateTime"] == "2026-03-01T07:30:00+08:00"
        assert shared["effectiveDateTime"] == "2026-03-01T07:00:00+08:00"
        assert own["issued"] == "2026-03-01T12:00:00+08:00"

    async def test_performers(self, hl7: Hl7World) -> None:
        """OBX-16 who observed; OBX-23, 24 and 25 the laboratory, where it is, and who directs it; OBX-18 with what."""
        more = "||D1^李检验||E7^分析仪|20260301113000||||市检验中心^^^^^^^^^LAB1|柳泉路1号^^淄博|D9^^^^^^^^HIS"
        await hl7.tell(result(obx("NM", "5", more=more)))

        found = await hl7.one("Observation")
        laboratory, director = found["contained"]
        assert found["performer"][0]["display"] == "李检验"
        assert [one["reference"] for one in found["performer"][1:]] == ["#laboratory", "#director"]
        assert (laboratory["name"], laboratory["address"][0]["city"]) == ("市检验中心", "淄博")
        assert director["practitioner"]["reference"].startswith("Practitioner/")
        assert found["device"]["identifier"]["value"] == "E7"


class TestGroups:
    async def test_pressure(self, hl7: Hl7World) -> None:
        """Systolic and diastolic of one OBX-4 are one blood pressure, of the next OBX-4 another."""
        lines = [
            obx("NM", value, code=code, sub=sub, unit="mmHg")
            for sub, pair in (("1", ("120", "80")), ("2", ("140", "90")))
            for code, value in zip((SYSTOLIC, DIASTOLIC), pair, strict=True)
        ]
        await hl7.tell(result(*lines, obx("NM", "72", code="8867-4^心率^LN")))

        pressures = await hl7.find("Observation?code=85354-9")
        told = sorted([c["valueQuantity"]["value"] for c in one["component"]] for one in pressures)
        assert told == [[80, 120], [90, 140]] or told == [[120, 80], [140, 90]]
        assert all(one["category"][0]["coding"][0]["code"] == "vital-signs" for one in pressures)
        assert len(await hl7.find("Observation")) == 3
        assert len(await hl7.find("Observation?component-code=8480-6")) == 2

    async def test_corrected_part(self, hl7: Hl7World) -> None:
        """A correction of one part leaves the other as it was, in the same blood pressure."""
        parts = [obx("NM", "120", code=SYSTOLIC, sub="1"), obx("NM", "80", code=DIASTOLIC, sub="1")]
        await hl7.tell(result(*parts))
        corrected = obx("NM", "130", code=SYSTOLIC, sub="1", status="C")
        await hl7.tell(result(corrected, status="C", at="20260301130000"))

        found = await hl7.one("Observation")
        values = {c["code"]["coding"][0]["code"]: c["valueQuantity"]["value"] for c in found["component"]}
        assert (found["status"], values) == ("corrected", {"8480-6": 130, "8462-4": 80})


class TestSpecimens:
    async def test_spm(self, hl7: Hl7World) -> None:
        """SPM is linked from report and result, wherever it stands; its condition, time and numbers are kept."""
        spm = "SPM|1|S1&LIS^S2&LIS||BLD^血液^HL70487|||||||||||||20260301065500|20260301090500||||||HEM^溶血^HL70493"
        await hl7.tell(message("ORU^R01", obr(status="F", reported="20260301120000"), obx("NM", "5"), spm))

        specimen = await hl7.one("Specimen")
        assert specimen["collection"]["collectedDateTime"] == "2026-03-01T06:55:00+08:00"
        assert specimen["receivedTime"] == "2026-03-01T09:05:00+08:00"
        assert (specimen["type"]["text"], specimen["condition"][0]["text"]) == ("血液", "溶血")
        target = f"Specimen/{specimen['id']}"
        assert (await hl7.one("Observation"))["specimen"]["reference"] == target
        assert (await hl7.one("DiagnosticReport"))["specimen"] == [{"reference": target}]

    async def test_obr_15(self, hl7: Hl7World) -> None:
        """Older versions name the specimen in OBR-15, with its site."""
        await hl7.tell(
            message("ORU^R01", obr(status="F", specimen="SER&血清&HL70070^^^LA&左臂&HL70163"), obx("NM", "5"))
        )

        specimen = await hl7.one("Specimen")
        assert (specimen["type"]["text"], specimen["collection"]["bodySite"]["text"]) == ("血清", "左臂")

    @pytest.mark.parametrize("kind", ["OUL^R22", "OUL^R23", "OUL^R24"])
    async def test_specimen_oriented(self, hl7: Hl7World, kind: str) -> None:
        """OUL: by specimen, container or order, each report has its specimen, its order and its own results."""

        def told(number: str) -> list[str]:
            spm = f"SPM|1|^S{number}||BLD^血液^HL70487"
            head = obr(f"O{number}", f"F{number}", status="F")
            body = [f"ORC|SC|O{number}|F{number}", obx("NM", number)]
            seen, tube = obx("ST", "微溶血", code="HEM^溶血^L"), f"SAC|||C{number}"
            if kind == "OUL^R24":
                return [head, body[0], spm, seen, tube, body[1]]
            return [spm, seen, tube, head, *body]

        await hl7.tell(message(kind, *told("1"), *told("2")))

        for number in ("1", "2"):
            specimen = await hl7.one(f"Specimen?accession=S{number}")
            report = await hl7.one(f"DiagnosticReport?identifier=F{number}")
            (listed,) = report["result"]
            value = (await hl7.one(f"Observation?_id={listed['reference'].partition('/')[2]}"))["valueQuantity"][
                "value"
            ]
            assert value == int(number)
            assert report["specimen"] == [{"reference": f"Specimen/{specimen['id']}"}]
            assert specimen["container"][0]["identifier"][0]["value"] == f"C{number}"
        assert len(await hl7.find("ServiceRequest")) == 2
        # What was seen of the specimens themselves is in no report.
        assert len(await hl7.find("Observation?code=HEM")) == 2
