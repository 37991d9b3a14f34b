"""The dictionary answers in Chinese and English and never invents a code."""

from __future__ import annotations

import pytest

from terminology.service import ATC, DRUG, ICD_10, LOINC, NOTIFIABLE, terminology

SEX = "urn:oid:2.16.156.10011.2.3.3.4"
ALLERGEN = "urn:hie:ws364:CV05.01.038"


class TestDisplay:
    def test_han(self) -> None:
        """A code is shown in Chinese unless English is asked for."""
        names = (terminology().display(SEX, "2"), terminology().display(SEX, "2", "en"))

        assert names == ("女", "female")

    def test_finer_code(self) -> None:
        """A six-character code of the clinical edition takes the name of its category."""
        assert terminology().display(ICD_10, "I10.x02") == "特发性(原发性)高血压"

    def test_unknown(self) -> None:
        """What nobody knows has no name."""
        assert terminology().display("urn:nowhere", "1") is None
        assert terminology().display(SEX, "7") is None

    def test_alias(self) -> None:
        """ICD-10 by its Chinese OID is the same dictionary."""
        assert terminology().display("urn:oid:2.16.156.10011.2.3.3.11", "I10") is not None

    def test_plain(self) -> None:
        """A laboratory test comes with a sentence for the resident."""
        assert "血糖" in (terminology().plain(LOINC, "4548-4") or "")


class TestValidateCode:
    @pytest.mark.parametrize(
        ("system", "code", "display", "result"),
        [(SEX, "1", None, True), (SEX, "1", "男", True), (SEX, "1", "女", False), (SEX, "3", None, False)],
    )
    def test_answers(self, system: str, code: str, display: str | None, result: bool) -> None:
        """The code must exist, and its display be one of its names."""
        assert terminology().validate_code(system, code, display).result is result


class TestSubsumes:
    def test_prefix(self) -> None:
        """ICD-10 and ATC are hierarchies by prefix."""
        assert terminology().subsumes(ICD_10, "A15", "A15.0") == "subsumes"
        assert terminology().subsumes(ATC, "J01CA04", "J01") == "subsumed-by"
        assert terminology().subsumes(ICD_10, "I10", "I11") == "not-subsumed"

    def test_parent(self) -> None:
        """Allergens are a hierarchy by parent, where no prefix would tell."""
        assert terminology().subsumes(ALLERGEN, "1", "101") == "subsumes"
        assert terminology().subsumes(ALLERGEN, "1", "1") == "equivalent"


class TestValueSets:
    def test_member_below(self) -> None:
        """A code below a listed one belongs to the set even if the selection does not hold it."""
        assert terminology().member("urn:hie:valueset:hypertension", ICD_10, "I11.901")
        assert not terminology().member("urn:hie:valueset:hypertension", ICD_10, "I20")

    def test_expand_by_property(self) -> None:
        """Special-grade antibacterials are found by their level, and only these."""
        drugs = terminology().expand("urn:hie:valueset:special-antibacterials")

        assert drugs
        assert all(drug.concept.properties["antibiotic_level"] == 3 for drug in drugs)

    def test_expand_filter(self) -> None:
        """Expansion is narrowed by text and paged."""
        found = terminology().expand("urn:hie:valueset:antibacterials", "头孢")

        assert [item.concept.code for item in found] == sorted(item.concept.code for item in found)
        assert terminology().expand("urn:hie:valueset:antibacterials", "头孢", offset=1, count=1) == found[1:2]

    def test_no_such_set(self) -> None:
        """An unknown value set is an error, not an empty list."""
        with pytest.raises(KeyError):
            terminology().expand("urn:nowhere")


class TestTranslate:
    def test_drug(self) -> None:
        """A local drug leads to its ATC code."""
        assert [target.code for target in terminology().translate("urn:hie:map:drug-to-atc", "D0008")] == ["J01DD04"]

    def test_nothing(self) -> None:
        """A drug without ATC stays untranslated."""
        assert terminology().translate("urn:hie:map:drug-to-atc", "D0048") == ()


class TestTables:
    def test_every_table_says_where_it_is_from(self) -> None:
        """Each edition names release and source, and claims verification only for HL7's own lists."""
        for edition in terminology().editions():
            assert edition.release
            assert edition.source
            assert not edition.verified or "hl7.org" in edition.source

    def test_size_of_the_legal_list(self) -> None:
        """The law lists 2 diseases of class A, 27 of class B and 11 of class C; pulmonary anthrax is a part of one."""
        counts = {"甲": 0, "乙": 0, "丙": 0}
        for concept in terminology().code_systems[NOTIFIABLE].concepts.values():
            counts[concept.properties["class"]] += 1

        assert counts == {"甲": 2, "乙": 28, "丙": 11}

    def test_maps_lead_somewhere(self) -> None:
        """Every target of a concept map exists in its code system."""
        words = terminology()
        for concept_map in words.concept_maps.values():
            for targets in concept_map.targets.values():
                assert all(words.lookup(target.system, target.code) for target in targets)

    def test_ethnic_groups(self) -> None:
        """All 56 groups and the local remainder are there."""
        assert len(terminology().code_systems["urn:oid:2.16.156.10011.2.3.3.3"].concepts) == 57

    def test_drugs_with_ddd_have_a_level(self) -> None:
        """Every antibacterial has a grade above zero and a defined daily dose with its unit."""
        for concept in terminology().code_systems[DRUG].concepts.values():
            if concept.properties.get("atc", "").startswith("J01"):
                assert concept.properties["antibiotic_level"] in (1, 2, 3)
                assert float(concept.properties["ddd"]) > 0
