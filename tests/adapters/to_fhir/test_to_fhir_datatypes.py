"""Identifiers, names, contacts and quantities."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest
from to_fhir_world import SITE, _field

from adapters.hl7v2.message import Value
from adapters.hl7v2.site import Site
from adapters.hl7v2.to_fhir.contacts import address, contact_point
from adapters.hl7v2.to_fhir.draft import prune
from adapters.hl7v2.to_fhir.identifiers import RESIDENT_ID, cx, ei, is_resident_id, primary, system_of
from adapters.hl7v2.to_fhir.names import human_name, split_han
from adapters.hl7v2.to_fhir.quantities import decimal, reference_range, structured, unit_of
from adapters.hl7v2.to_fhir.times import Times

TIMES = Times.of("", "Asia/Shanghai")


def value(text: str) -> Value:
    return Value(_field(text)[0])


class TestSystem:
    """Every identifier gets a system."""

    @pytest.mark.parametrize(
        ("hd", "system"),
        [
            ("X^1.2.3^ISO", "urn:oid:1.2.3"),
            ("^6D1C0C5E-61A4-4A0E-9B53-1251CA5E0001^UUID", "urn:uuid:6d1c0c5e-61a4-4a0e-9b53-1251ca5e0001"),
            ("^https://h.cn/mrn^URI", "https://h.cn/mrn"),
            ("HIS", "urn:hie:authority:HIS"),
            ("KNOWN", "urn:known"),
            ("", "urn:hie:authority:A"),
        ],
    )
    def test_system_of(self, hd: str, system: str) -> None:
        """OID, UUID and URI as such, a namespace by the site's map, nothing as the site's own authority."""
        site = Site("s", authority="urn:hie:authority:A", authorities={"KNOWN": "urn:known"})

        assert system_of(value(hd) if hd else Value(), site) == system

    def test_bare_universal_id(self) -> None:
        """A document number in EI-3 alone is a number too."""
        assert ei(value("^^1.2.840.1"), SITE)["value"] == "urn:oid:1.2.840.1"


class TestResidentId:
    """GB 11643."""

    def test_check_digit(self) -> None:
        """A wrong check digit or an impossible date is no resident number."""
        assert is_resident_id("370303198506120428")
        assert not is_resident_id("370303198506120429")
        assert not is_resident_id("370303198513120428")
        assert not is_resident_id("123456")

    def test_recognised_without_type(self) -> None:
        """A valid number is recognised whatever the sender calls it."""
        assert cx(value("370303198506120428^^^HIS^MR"), SITE, TIMES)["system"] == RESIDENT_ID

    def test_primary_is_local(self) -> None:
        """The record number names the source's patient, in whichever order identifiers come."""
        local, national = cx(value("A1^^^HIS^MR"), SITE, TIMES), cx(value("370303198506120428^^^^NI"), SITE, TIMES)

        assert primary([national, local])["value"] == primary([local, national])["value"] == "A1"


class TestNames:
    """Names stay as written."""

    @pytest.mark.parametrize(
        ("sent", "text", "family", "given"),
        [
            ("王晓梅", "王晓梅", "王", ["晓梅"]),
            ("欧阳娜娜", "欧阳娜娜", "欧阳", ["娜娜"]),
            ("王^晓梅", "王晓梅", "王", ["晓梅"]),
            ("𠮷野太郎^^", "𠮷野太郎", "𠮷", ["野太郎"]),
            ("买买提·艾力", "买买提·艾力", "买买提·艾力", None),
            ("于", "于", "于", None),
        ],
    )
    def test_chinese(self, sent: str, text: str, family: str, given: Any) -> None:
        """The text is what was sent; surname and given name divide where Chinese names do."""
        name = prune(human_name(value(sent), TIMES))

        assert (name["text"], name["family"], name.get("given")) == (text, family, given)

    def test_variants_are_kept(self) -> None:
        """尚昇 is not 尚升."""
        assert human_name(value("尚昇"), TIMES)["text"] == "尚昇"

    def test_western(self) -> None:
        """Family, given, middle, prefix, suffix, use."""
        name = prune(human_name(value("EVERYMAN&&&&Aniston^ADAM^A^III^Dr.^MD^L"), TIMES))

        assert name == {
            "family": "EVERYMAN",
            "given": ["ADAM", "A"],
            "prefix": ["Dr."],
            "suffix": ["III", "MD"],
            "use": "official",
        }

    def test_compound(self) -> None:
        """A compound surname needs a given name beside it."""
        assert split_han("司马") == ("司", "马")
        assert split_han("司马光") == ("司马", "光")


class TestContacts:
    """Addresses and numbers."""

    def test_address_in_one_line(self) -> None:
        """A Chinese address in one component is line and text."""
        place = prune(address(value("山东省淄博市张店区柳泉路1号"), TIMES))

        assert place == {"line": ["山东省淄博市张店区柳泉路1号"], "text": "山东省淄博市张店区柳泉路1号"}

    def test_phone(self) -> None:
        """Old and new forms of XTN."""
        assert prune(contact_point(value("13800000000^PRN^CP"))) == {
            "system": "phone",
            "value": "13800000000",
            "use": "mobile",
        }
        assert contact_point(value("^PRN^PH^^^810^4502369"))["value"] == "810 4502369"
        assert contact_point(value("^NET^Internet^a@b.cn"))["system"] == "email"


class TestQuantities:
    """Numbers as sent."""

    def test_precision(self) -> None:
        """1.50 stays 1.50."""
        assert str(decimal("1.50")) == "1.50"
        assert decimal("1,5") is None
        assert decimal("NaN") is None
        assert decimal("+.5") == Decimal("0.5")

    @pytest.mark.parametrize(
        ("sent", "code"),
        [
            ("10^9/L", "10*9/L"),
            ("mmol/L", "mmol/L"),
            ("g/l", "g/L"),
            ("%", "%"),
            ("次/分", "/min"),
            ("mm[Hg]", "mm[Hg]"),
            ("单位", None),
        ],
    )
    def test_units(self, sent: str, code: str | None) -> None:
        """UCUM where known; the text always."""
        unit = unit_of(Value(((sent,),)))

        assert unit["unit"] == sent
        assert unit.get("code") == code

    @pytest.mark.parametrize(
        ("sent", "choice"),
        [
            ("<^5", "Quantity"),
            (">=^5", "Quantity"),
            ("^1^:^128", "Ratio"),
            ("^1^-^2", "Range"),
            ("^2^+", ""),
            ("^182", "Quantity"),
        ],
    )
    def test_structured(self, sent: str, choice: str) -> None:
        """SN is a quantity, ratio or range, or stays text."""
        assert structured(value(sent), {})[0] == choice

    @pytest.mark.parametrize(
        ("sent", "low", "high"),
        [("3.5-5.5", "3.5", "5.5"), ("3.5～5.5", "3.5", "5.5"), ("<5", None, "5"), ("阴性", None, None)],
    )
    def test_ranges(self, sent: str, low: str | None, high: str | None) -> None:
        """Limits where they can be read, the text always."""
        found = reference_range(sent, {})

        assert found["text"] == sent
        assert str(found.get("low", {}).get("value", "")) == (low or "")
        assert str(found.get("high", {}).get("value", "")) == (high or "")
