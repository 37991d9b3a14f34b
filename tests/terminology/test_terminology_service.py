"""The dictionary answers in Chinese and English and never invents a code."""

from __future__ import annotations

import pytest

from terminology import loading
from terminology.concepts import Edition, Include, ValueSet
from terminology.service import ATC, DRUG, ICD_10, LOINC, NOTIFIABLE, build, terminology

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


class TestReleases:
    def test_older(self) -> None:
        """A table is asked for at the release that held then: avian influenza had its own name before 2025."""
        words = terminology()

        assert words.display(f"{NOTIFIABLE}|2023-09", "2901") == "人感染H7N9禽流感"
        assert words.lookup(NOTIFIABLE, "2901") is None
        assert words.lookup(f"{NOTIFIABLE}|2025-09", "2900") == words.lookup(NOTIFIABLE, "2900")

    def test_no_such_release(self) -> None:
        """A release that is not loaded answers nothing, and never by another one."""
        assert terminology().code_system(f"{NOTIFIABLE}|1989") is None
        assert not terminology().member("urn:hie:valueset:hypertension|1989", ICD_10, "I10")
        assert not terminology().validate_code(f"{NOTIFIABLE}|1989", "0100").result

    def test_alias_with_release(self) -> None:
        """Another name of a code system leads to its releases, too."""
        release = terminology().code_systems[ICD_10].edition.release

        assert terminology().lookup(f"urn:oid:2.16.156.10011.2.3.3.11|{release}", "I10") is not None

    def test_pinned(self) -> None:
        """A value set may be made of an older release, and its members say their system without it."""
        systems = loading.code_systems()
        part = Include(f"{NOTIFIABLE}|2023-09", properties={"class": "甲"})
        pinned = ValueSet(Edition("urn:test", "试", "test", "1", "-", False), (part,))
        found = build(systems, [pinned], []).expand("urn:test")

        assert {(item.system, item.concept.code) for item in found} == {(NOTIFIABLE, "0100"), (NOTIFIABLE, "0200")}


class TestWholeSystem:
    def test_no_filter(self) -> None:
        """A value set that names a system and nothing else holds all of it, and nothing that it does not hold."""
        whole = ValueSet(Edition("urn:test", "试", "test", "1", "-", False), (Include(SEX),))
        words = build(loading.code_systems(), [whole], [])

        assert len(words.expand("urn:test")) == len(words.code_systems[SEX].concepts)
        assert not words.member("urn:test", SEX, "7")

    def test_codes_and_below(self) -> None:
        """One part may name codes and ancestors together."""
        both = ValueSet(Edition("urn:test", "试", "test", "1", "-", False), (Include(ICD_10, ("I10",), ("A15",)),))
        words = build(loading.code_systems(), [both], [])

        assert {item.concept.code for item in words.expand("urn:test")} >= {"I10", "A15", "A15.0"}


class TestValidateMember:
    @pytest.mark.parametrize(
        ("code", "display", "result"),
        [("I10", None, True), ("I10", "糖尿病", False), ("I10.x02", "高血压病2级", True), ("I20", None, False)],
    )
    def test_answers(self, code: str, display: str | None, result: bool) -> None:
        """Membership and name are judged; a finer code's name is its own."""
        found = terminology().validate_member("urn:hie:valueset:hypertension", ICD_10, code, display)

        assert found.result is result

    def test_no_such_set(self) -> None:
        """An unknown value set is an error."""
        with pytest.raises(KeyError):
            terminology().validate_member("urn:nowhere", ICD_10, "I10")


class TestMaps:
    def test_between(self) -> None:
        """Maps are found by what they lead from and to."""
        assert [found.edition.url for found in terminology().maps(DRUG, ATC)] == ["urn:hie:map:drug-to-atc"]
        assert terminology().maps(DRUG, LOINC) == ()


class TestNotifiable:
    def test_diagnoses(self) -> None:
        """The value set of diagnoses holds exactly the categories of the list in force."""
        diseases = terminology().code_systems[NOTIFIABLE].concepts.values()
        parts = terminology().value_sets["urn:hie:valueset:notifiable-icd-10"].include
        listed = {code for disease in diseases for code in disease.properties["icd10"]}
        tops = {code for part in parts for code in part.is_a}

        assert listed == tops
        assert all(terminology().display(ICD_10, code) for code in listed)

    def test_sensitive(self) -> None:
        """What is sensitive carries its label, so that a card about it can be hidden as well."""
        labels = {
            code: found.properties["label"]
            for code, found in terminology().code_systems[NOTIFIABLE].concepts.items()
            if "label" in found.properties
        }

        assert labels == {"0600": "HIV", "0700": "STD", "0800": "STD"}
