"""
Item 22: OBX-5 is read by its type OBX-2, and a value that is not of its type is kept as text and flagged.

Numbers, structured numerics with every comparator, ratios and ranges, codes, text with its repetitions, dates and
times, documents in base64 within limits, addresses, arrays of numbers, and no value with the reason why.
"""

from __future__ import annotations

import base64
from decimal import Decimal
from typing import Any

import pytest
from hl7v2_world import Hl7World
from order_messages import obx, result

from adapters.hl7v2.to_fhir import attachments

Json = dict[str, Any]
PDF = b"%PDF-1.4 report"


async def values(hl7: Hl7World, *lines: str) -> list[Json]:
    """The Observations of OBX lines, in their order, each under a code of its own."""
    coded = [line.replace("2345-7^葡萄糖^LN", f"T{at:02}^项目^L", 1) for at, line in enumerate(lines)]
    await hl7.tell(result(*coded))
    return sorted(await hl7.find("Observation"), key=lambda one: str(one["code"]["coding"][0]["code"]))


class TestNumbers:
    async def test_number(self, hl7: Hl7World) -> None:
        """NM keeps its digits; a comparator in front is read; what is none is text, flagged and counted."""
        exact, below, text = await values(
            hl7, obx("NM", "7.10", unit="mmol/L"), obx("NM", "<0.01", unit="ng/mL"), obx("NM", "溶血", unit="mmol/L")
        )

        assert exact["valueQuantity"] == {
            "value": Decimal("7.10"), "unit": "mmol/L", "system": "http://unitsofmeasure.org", "code": "mmol/L"
        }  # fmt: skip
        assert (below["valueQuantity"]["comparator"], below["valueQuantity"]["value"]) == ("<", Decimal("0.01"))
        assert text["valueString"] == "溶血"
        assert any("OBX-5 is not of the type" in remark for remark in await hl7.remarks())
        assert "OBX-5" in {one["location"] for one in await hl7.unmapped()}
        raw = await hl7.fhir.get("/Observation?code=T00", account="system")
        assert '"value":7.10' in raw.text.replace(" ", "")

    @pytest.mark.parametrize(
        ("sent", "element", "expected"),
        [
            ("<^10", "valueQuantity", {"comparator": "<", "value": 10, "unit": "mg"}),
            ("<=^10", "valueQuantity", {"comparator": "<=", "value": 10, "unit": "mg"}),
            (">^10", "valueQuantity", {"comparator": ">", "value": 10, "unit": "mg"}),
            (">=^10", "valueQuantity", {"comparator": ">=", "value": 10, "unit": "mg"}),
            ("=^10", "valueQuantity", {"value": 10, "unit": "mg"}),
            ("^10", "valueQuantity", {"value": 10, "unit": "mg"}),
            ("^1^-^2", "valueRange", {"low": {"value": 1, "unit": "mg"}, "high": {"value": 2, "unit": "mg"}}),
            ("^1^:^128", "valueRatio", {"numerator": {"value": 1}, "denominator": {"value": 128}}),
            ("<^1^:^16", "valueRatio", {"numerator": {"value": 1, "comparator": "<"}, "denominator": {"value": 16}}),
            ("^1^/^8", "valueRatio", {"numerator": {"value": 1}, "denominator": {"value": 8}}),
            ("^2^+", "valueString", "2+"),
            ("<>^10", "valueString", "<>10"),
        ],
    )
    async def test_structured(self, hl7: Hl7World, sent: str, element: str, expected: object) -> None:
        """SN with each comparator, a range, a ratio, a grade, and what FHIR has no word for."""
        (found,) = await values(hl7, obx("SN", sent, unit="mg"))

        told = found[element]
        kept = {"value", "unit", "comparator"}
        if element == "valueQuantity":
            told = {key: value for key, value in told.items() if key in kept}
        elif element == "valueRange":
            told = {side: {k: v for k, v in limit.items() if k in kept} for side, limit in told.items()}
        assert told == expected

    async def test_repeated(self, hl7: Hl7World) -> None:
        """Further repetitions of a number or a code are components: none is lost."""
        numbers, codes = await values(hl7, obx("NM", "60~120", unit="mg"), obx("CWE", "A^甲^L~B^乙^L"))

        assert [c["valueQuantity"]["value"] for c in numbers["component"]] == [60, 120]
        assert [c["valueCodeableConcept"]["text"] for c in codes["component"]] == ["甲", "乙"]

    async def test_arrays(self, hl7: Hl7World) -> None:
        """NA is one row, MA a row a repetition, sampled together."""
        row, rows = await values(hl7, obx("NA", "1^2^3"), obx("MA", "1^2~3^4"))

        assert (row["valueSampledData"]["dimensions"], row["valueSampledData"]["data"]) == (1, "1 2 3")
        assert (rows["valueSampledData"]["dimensions"], rows["valueSampledData"]["data"]) == (2, "1 3 2 4")


class TestWords:
    async def test_codes(self, hl7: Hl7World) -> None:
        """CE, CWE and CNE keep the coding and the text."""
        found = await values(hl7, *(obx(kind, "260385009^Negative^SCT^N^阴性^L") for kind in ("CE", "CWE", "CNE")))

        assert len(found) == 3
        for one in found:
            codings = one["valueCodeableConcept"]["coding"]
            assert (codings[0]["system"], codings[0]["code"]) == ("http://snomed.info/sct", "260385009")
            assert codings[1]["code"] == "N"

    async def test_text(self, hl7: Hl7World) -> None:
        """Repetitions of TX, FT and ST are lines; a stray ^ or & is text."""
        found = await values(hl7, *(obx(kind, "双肺^纹理&增多~未见异常") for kind in ("TX", "FT", "ST")))

        assert [one["valueString"] for one in found] == ["双肺^纹理&增多\n未见异常"] * 3

    async def test_times(self, hl7: Hl7World) -> None:
        """DT, TM, TS and DTM as precisely as they were sent."""
        found = await values(
            hl7, obx("DT", "20260301"), obx("TM", "1030"), obx("TS", "202603011030"), obx("DTM", "20260301103015")
        )

        assert found[0]["valueDateTime"] == "2026-03-01"
        assert found[1]["valueTime"] == "10:30:00"
        assert found[2]["valueDateTime"].startswith("2026-03-01T10:30")
        assert found[3]["valueDateTime"] == "2026-03-01T10:30:15+08:00"

    async def test_other_types(self, hl7: Hl7World) -> None:
        """CQ, NR and DR have their elements; a type that nobody reads is kept as text."""
        quantity, limits, span, name = await values(
            hl7, obx("CQ", "5^mg&&UCUM"), obx("NR", "1^2"), obx("DR", "20260101^20260102"), obx("XPN", "王^晓梅")
        )

        assert quantity["valueQuantity"]["code"] == "mg"
        assert limits["valueRange"]["high"]["value"] == 2
        assert span["valuePeriod"] == {"start": "2026-01-01", "end": "2026-01-02"}
        assert name["valueString"] == "王^晓梅"

    async def test_absent(self, hl7: Hl7World) -> None:
        """No value and X was not performed; no value and F is unknown: a reason either way."""
        not_done, silent = await values(hl7, obx("NM", "", status="X"), obx("NM", ""))

        assert not_done["dataAbsentReason"]["coding"][0]["code"] == "not-performed"
        assert silent["dataAbsentReason"]["coding"][0]["code"] == "unknown"
        assert not [key for key in (*not_done, *silent) if key.startswith("value")]


class TestDocuments:
    async def test_document(self, hl7: Hl7World) -> None:
        """ED in base64 is the report's presented form, with size and hash; it is no observation."""
        await hl7.tell(result(obx("ED", f"LIS^AP^PDF^Base64^{base64.b64encode(PDF).decode()}")))

        (form,) = (await hl7.one("DiagnosticReport"))["presentedForm"]
        assert (form["contentType"], base64.b64decode(form["data"]), form["size"]) == ("application/pdf", PDF, len(PDF))
        assert not await hl7.find("Observation")

    async def test_broken(self, hl7: Hl7World) -> None:
        """What is no base64 is not stored, and told."""
        await hl7.tell(result(obx("ED", "LIS^AP^PDF^Base64^???")))

        assert "presentedForm" not in await hl7.one("DiagnosticReport")
        assert "OBX-5 is no valid base64" in await hl7.remarks()
        assert "OBX-5" in {one["location"] for one in await hl7.unmapped()}

    async def test_large(self, hl7: Hl7World) -> None:
        """Beyond what a report should carry, the document is a Binary of its own, in the patient's protection."""
        data = b"%PDF" + bytes(attachments.INLINE_BYTES)
        await hl7.tell(result(obx("ED", f"LIS^AP^PDF^Base64^{base64.b64encode(data).decode()}")))

        (form,) = (await hl7.one("DiagnosticReport"))["presentedForm"]
        assert ("data" in form, form["size"]) == (False, len(data))
        answer = await hl7.fhir.get(f"/{form['url']}", account="system")
        assert base64.b64decode(answer.json()["data"]) == data
        patient = (await hl7.one("Patient"))["id"]
        assert answer.json()["securityContext"] == {"reference": f"Patient/{patient}"}

    async def test_pointer(self, hl7: Hl7World) -> None:
        """RP is an address."""
        await hl7.tell(result(obx("RP", "https://pacs.example/1^^IM^JPEG")))

        (form,) = (await hl7.one("DiagnosticReport"))["presentedForm"]
        assert (form["url"], form["contentType"]) == ("https://pacs.example/1", "image/jpeg")
