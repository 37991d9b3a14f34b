"""Defined daily doses against the index, units and strengths, and what refuses to be counted."""

from __future__ import annotations

from datetime import date
from decimal import Decimal

import pytest

from hie.applications.drug_supervision.catalogue import identify
from hie.applications.drug_supervision.rules import (
    Drug,
    convert,
    ddds_on,
    doses,
    essential_target,
    is_antibacterial,
    rules_on,
)
from hie.applications.rule_data import rule_book
from terminology.service import DRUG, terminology

TODAY = date(2026, 11, 24)
RULES, INDEX = rules_on(TODAY), ddds_on(TODAY)
CAPSULE = Drug("a", "阿莫西林胶囊", "J01CA04", route="O", strength=Decimal("0.25"), strength_unit="g", form="粒")


def count(drug: Drug, quantity: str | None, unit: str) -> tuple[Decimal, str]:
    found = doses(drug, None if quantity is None else Decimal(quantity), unit, RULES, INDEX)
    return found.ddds, found.problem


class TestDoses:
    @pytest.mark.parametrize(
        ("quantity", "unit", "ddds"),
        [("24", "粒", "4"), ("24", "{capsule}", "4"), ("6", "g", "4"), ("6000", "mg", "4"), ("-6", "粒", "-1")],
    )
    def test_counted(self, quantity: str, unit: str, ddds: str) -> None:
        """24 capsules of 0.25 g are 6 g, four times the 1.5 g of the index; what came back is taken off."""
        assert count(CAPSULE, quantity, unit) == (Decimal(ddds), "")

    @pytest.mark.parametrize(
        ("drug", "quantity", "unit", "problem"),
        [
            (CAPSULE, None, "粒", "missing-quantity"),
            (CAPSULE, "2", "盒", "unit-mismatch"),
            (CAPSULE, "100", "mL", "unit-mismatch"),
            (CAPSULE, "2000", "粒", "unit-error"),
            (Drug("a", atc="J01CA04", route="O"), "24", "粒", "missing-strength"),
            (Drug("a", atc="J01XX99"), "24", "粒", "missing-ddd"),
            (Drug("a", atc="J01DD04", route="O"), "2", "g", "missing-ddd"),
            (Drug("a", atc="J01DC02"), "24", "g", "unknown-route"),
        ],
    )
    def test_not_counted(self, drug: Drug, quantity: str | None, unit: str, problem: str) -> None:
        """What cannot be counted says why, and counts nothing."""
        assert count(drug, quantity, unit) == (Decimal(0), problem)

    def test_routes_that_agree(self) -> None:
        """Levofloxacin has one dose for both routes, so that none need be known."""
        assert count(Drug("a", atc="J01MA12"), "5", "g") == (Decimal(10), "")

    def test_units_of_activity(self) -> None:
        """Six million units of benzylpenicillin are 3.6 g: one daily dose."""
        drug = Drug("a", atc="J01CE01", route="P", strength=Decimal(80), strength_unit="万U", form="支")

        assert count(drug, "7.5", "支") == (Decimal(1), "")
        assert convert(Decimal(1), "MU", "g") is None

    def test_edition(self) -> None:
        """The dose of meropenem rose from 2 to 3 g in 2019: older months keep the older one."""
        drug = Drug("a", atc="J01DH02", route="P")
        before = doses(drug, Decimal(6), "g", RULES, ddds_on(date(2018, 12, 31)))

        assert before.ddds == Decimal(3)
        assert count(drug, "6", "g") == (Decimal(2), "")


class TestIdentify:
    def test_catalogue(self) -> None:
        """A catalogue code brings ATC, grade, strength and form."""
        concept = {"coding": [{"system": DRUG, "code": "D0021"}], "text": "注射用美罗培南"}
        drug = identify({"medicationCodeableConcept": concept}, {}, terminology(), RULES)

        assert (drug.atc, drug.level, drug.strength, drug.form, drug.route) == (
            "J01DH02", 3, Decimal("0.5"), "支", "P",
        )  # fmt: skip

    @pytest.mark.parametrize(
        ("name", "instruction", "route"),
        [("头孢呋辛酯片", {}, "O"), ("头孢呋辛钠", {"text": "静脉滴注"}, "P"), ("头孢呋辛", {}, "")],
    )
    def test_atc(self, name: str, instruction: dict[str, str], route: str) -> None:
        """An ATC code alone takes its route from the instruction, else from the name, else from nowhere."""
        concept = {"coding": [{"system": "http://www.whocc.no/atc", "code": "J01DC02"}], "text": name}
        dispense = {"medicationCodeableConcept": concept, "dosageInstruction": [instruction] if instruction else []}

        assert identify(dispense, {}, terminology(), RULES).route == route

    def test_unmapped(self) -> None:
        """A local code is a variety of its own, and nobody knows more of it."""
        concept = {"coding": [{"system": "urn:hie:code-system:x", "code": "Y77"}], "text": "某药"}
        drug = identify({"medicationCodeableConcept": concept}, {}, terminology(), RULES)

        assert (drug.mapped, drug.essential, drug.key) == (False, None, "urn:hie:code-system:x|Y77")

    def test_stated_strength(self) -> None:
        """A Medication that states its strength is believed before the catalogue."""
        medication = {
            "code": {"coding": [{"system": DRUG, "code": "D0001"}]},
            "ingredient": [{"strength": {"numerator": {"value": 500, "code": "mg"}, "denominator": {"value": 1}}}],
        }
        drug = identify({}, medication, terminology(), RULES)

        assert (drug.strength, drug.strength_unit, drug.form) == (Decimal(500), "mg", "粒")


class TestTables:
    def test_catalogue_agrees_with_the_index(self) -> None:
        """Every antibacterial of the catalogue has a dose in the index in force, and the same one."""
        for concept in terminology().code_systems[DRUG].concepts.values():
            listed = concept.properties
            if listed.get("atc", "").startswith("J01"):
                rows = [row for row in INDEX["ddd"][listed["atc"]] if row["route"] == listed["route"]]
                assert [(row["value"], row["unit"]) for row in rows] == [(listed["ddd"], listed["ddd_unit"])]

    def test_limits(self) -> None:
        """The figures of MED-02 and MED-04: 90, 80 and 60 per cent, 40 DDDs."""
        assert [essential_target(level, RULES) for level in ("基层", "二级", "三级", "")] == [90, 80, 60, None]
        assert RULES["use_density_at_most"] == 40
        assert (RULES["unit_error_above_ddds"], RULES["small_sample_below_bed_days"]) == (200, 100)

    @pytest.mark.parametrize("name", ["supervision", "ddd"])
    def test_sources(self, name: str) -> None:
        """No version claims to be verified, and each says where it is from."""
        for version in rule_book("drug_supervision", name).versions:
            assert version.source
            assert version.verified is False

    def test_antibacterials(self) -> None:
        """By ATC J01, or by the grade of the catalogue; antivirals are none."""
        drugs = Drug("a", atc="J01CA04"), Drug("b", level=2), Drug("c", atc="J05AH02")

        assert [is_antibacterial(drug, RULES) for drug in drugs] == [True, True, False]
