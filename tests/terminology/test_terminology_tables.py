"""
Tables compiled for questions: what is listed and what is asked about one by one agree; text is found by its index.

https://hl7.org/fhir/R4/terminology-module.html
"""

from __future__ import annotations

from typing import Any

import pytest

from terminology.service import terminology
from terminology.tables import hl7, reading
from terminology.tables.filters import Filter, select
from terminology.tables.finer import sought
from terminology.tables.library import Library, Region, Versions
from terminology.tables.members import members
from terminology.tables.membership import Membership
from terminology.tables.naming import is_named, speaks
from terminology.tables.system import System
from terminology.tables.undecided import Contradicted, Endless, NotOffered, Undecided, UnknownSystem
from terminology.tables.value_set import ValueSet
from terminology.tables.words import Words

Json = dict[str, Any]
LIBRARY = Library(Region(terminology()))


def system(*concepts: Json, **elements: Any) -> System:
    """A code system of these concepts."""
    return reading.code_system({"url": "urn:s", "content": "complete", "concept": list(concepts), **elements}, "s")


def value_set(*include: Json, **compose: Any) -> ValueSet:
    """A value set of these parts."""
    return reading.value_set({"url": "urn:v", "compose": {"include": list(include), **compose}}, "v")


def held(*systems: System) -> Library:
    """A library that has these systems stored."""
    return Library(Region(terminology()), {one.url: [one] for one in systems})


class TestWords:
    @pytest.mark.parametrize(
        ("asked", "found"),
        [("ard", [0, 2]), ("内科", [1, 2]), ("心内", [2]), ("科 心", [2]), ("ＣＡＲＤ", [0, 2]),
         ("c", [0, 2, 3]), ("x", []),
         ("", [0, 1, 2, 3]), ("cafe", [3]), ("ard cardx", [])],
    )  # fmt: skip
    def test_having(self, asked: str, found: list[int]) -> None:
        """Every word at any place, in Chinese and in Latin letters, without case, width and accents."""
        words = Words(["Cardiac ward", "内科", "CARDIO 心内科", "Café"])

        assert list(words.having(asked)) == found

    def test_rare_and_common(self) -> None:
        """A rare pair of letters narrows what a common one would bring; only what is left is looked at."""
        words = Words([f"ward {number:05}" for number in range(5_000)] + ["ward zebra"])

        assert words.having("ward zebra") == [5_000]
        assert len(words._candidates(["ward", "zebra"])) == 1


class TestBuiltIn:
    def test_listed_is_member(self) -> None:
        """Every code of every expansion is a member, and none of the other codes of its system is."""
        listed = 0
        for url in (*terminology().value_sets, *hl7.index("ValueSet")):
            found = LIBRARY.value_set(url)
            assert found is not None
            try:
                rows = members(LIBRARY, found)
            except Undecided:
                continue
            listed += 1
            asks = Membership(LIBRARY)
            assert all(asks.holds(found, one.url, one.code) for one in rows.rows), url
            for used in rows.used:
                others = [one for one in used.entries if (used.url, one) not in rows.keys]
                assert not any(asks.holds(found, used.url, one) for one in others[:50]), url

        assert listed > 1_150

    def test_region(self) -> None:
        """The compiled dictionary lists what the dictionary itself lists."""
        for url in terminology().value_sets:
            found = LIBRARY.value_set(url)
            assert found is not None
            expected = {(one.system, one.concept.code) for one in terminology().expand(url, count=10_000)}

            assert members(LIBRARY, found).keys == expected

    def test_no_codes_of_others(self) -> None:
        """No table of the archive has codes of LOINC, SNOMED CT or DICOM: they are not ours to hand on."""
        foreign = ("http://loinc.org", "http://snomed.info/sct", "http://dicom.nema.org/resources/ontology/DCM")

        assert not {*hl7.index("CodeSystem")} & {*foreign}
        for url in hl7.index("ValueSet"):
            found = hl7.value_set(url)
            assert found is not None
            assert not any(part.system in foreign[:2] and part.listed for part in found.parts), url

    def test_fragment_and_whole(self) -> None:
        """What HL7 holds whole and the region in part is whole, with the region's names."""
        found = LIBRARY.system("http://terminology.hl7.org/CodeSystem/v3-MaritalStatus")

        assert found is not None
        assert found.content == "complete"
        assert "已婚" in {one.value for one in found.entries["M"].designations}

    def test_older(self) -> None:
        """A release that is not in force is found by its version, and by a request's wish."""
        url = "urn:hie:notifiable-disease"
        wish = Library(Region(terminology()), versions=Versions({url: "2023-09"}))
        sure = Library(Region(terminology()), versions=Versions(checked={url: "2023-09"}))

        assert [(one.system(url) or system()).version for one in (LIBRARY, wish)] == ["2025-09", "2023-09"]
        assert (wish.system(f"{url}|2025-09") or system()).version == "2025-09"
        with pytest.raises(Contradicted):
            sure.system(url)


    def test_blanks(self) -> None:
        """A release with blanks in its name is found as it is written in a uri, too."""
        url = "http://hl7.org/fhir/sid/icd-10"
        found = LIBRARY.system(url)
        assert found is not None

        assert " " in found.version
        assert LIBRARY.system(found.canonical) is LIBRARY.system(found.canonical.replace(" ", "%20")) is found


class TestSystems:
    def test_parents(self) -> None:
        """Several parents, told by nesting, by `parent` and by `child`; a circle ends."""
        found = system(
            {"code": "a", "concept": [{"code": "b"}]},
            {"code": "c", "property": [{"code": "child", "valueCode": "b"}]},
            {"code": "d", "property": [{"code": "parent", "valueCode": "e"}]},
            {"code": "e", "property": [{"code": "parent", "valueCode": "d"}]},
        )  # fmt: skip

        assert found.above("b") == {"a", "c"}
        assert found.below("c") == {"b"}
        assert found.below("d") == {"e"}

    def test_flags(self) -> None:
        """Concepts that are only for grouping, or no longer to be used, in the ways that say so."""
        ways = [("notSelectable", {"valueBoolean": True}), ("inactive", {"valueBoolean": True}),
                ("status", {"valueCode": "retired"}), ("status", {"valueCode": "active"})]  # fmt: skip
        found = system(*({"code": str(n), "property": [{"code": code} | said]} for n, (code, said) in enumerate(ways)))

        assert [(one.abstract, one.inactive) for one in found.entries.values()] == [
            (True, False), (False, True), (False, True), (False, False),
        ]  # fmt: skip

    def test_kept(self) -> None:
        """A filter is worked out once."""
        found, asked = system({"code": "a", "concept": [{"code": "b"}]}), Filter("concept", "is-a", "a")

        assert select(found, asked) is select(found, asked)

    def test_not_evaluated(self) -> None:
        """Operators and properties that mean nothing here."""
        with pytest.raises(NotOffered):
            select(system({"code": "a"}), Filter("concept", "child-of", "a"))
        with pytest.raises(NotOffered):
            select(system({"code": "a"}), Filter("colour", "=", "red"))

    def test_patience(self, monkeypatch: pytest.MonkeyPatch) -> None:
        """A search by expression that takes too long is given up."""
        monkeypatch.setattr("terminology.tables.filters.PATIENCE", 0.0)
        with pytest.raises(Endless):
            select(system({"code": "a"}, {"code": "b"}), Filter("code", "regex", ".*"))


class TestMembership:
    def test_doubt(self) -> None:
        """Where one part cannot say, no is not said; where another says yes, that is the answer."""
        library = held(system({"code": "a"}))
        unknown, own = {"system": "urn:unknown"}, {"system": "urn:s", "concept": [{"code": "a"}]}
        asks = Membership(library)

        assert asks.holds(value_set(own, unknown), "urn:s", "a") is True
        assert asks.holds(value_set(own, unknown), "urn:s", "b") is False
        assert asks.holds(value_set(own, unknown), None, "b") is None
        assert [type(one) for one in asks.doubts] == [UnknownSystem]

    def test_nothing_said(self) -> None:
        """A value set that neither defines nor lists anything is not taken for empty."""
        empty = reading.value_set({"url": "urn:v"}, "v")
        asks = Membership(LIBRARY)

        assert asks.holds(empty, "urn:s", "a") is None
        with pytest.raises(NotOffered):
            members(LIBRARY, empty)

    def test_circle(self) -> None:
        """A set that includes itself ends."""
        itself = value_set({"valueSet": ["urn:v"]})
        library = Library(Region(terminology()), value_sets={"urn:v": [itself]})

        assert Membership(library).holds(itself, "urn:s", "a") is None
        with pytest.raises(NotOffered):
            members(library, itself)

    def test_inactive(self) -> None:
        """A set without inactive codes has none."""
        library = held(system({"code": "a", "property": [{"code": "inactive", "valueBoolean": True}]}))
        found = value_set({"system": "urn:s"}, inactive=False)

        assert Membership(library).holds(found, "urn:s", "a") is False
        assert members(library, found).rows == ()


class TestSought:
    def test_tops(self) -> None:
        """A search asks for what begins so where all below is meant, each beginning once."""
        found = LIBRARY.value_set("urn:hie:valueset:hypertension")
        assert found is not None

        assert [(one.code, one.finer) for one in sought(LIBRARY, found)] == [
            (code, True) for code in ("I10", "I11", "I12", "I13", "I15")
        ]

    def test_listed(self) -> None:
        """Codes that are listed are asked for as they are."""
        found = LIBRARY.value_set("urn:hie:valueset:blood-pressure")
        assert found is not None

        assert not any(one.finer for one in sought(LIBRARY, found))


class TestNames:
    @pytest.mark.parametrize(
        ("language", "asked", "will_do"),
        [("zh-CN", "zh", True), ("en", "en-GB", True), ("en-US", "en-GB", False), ("", "en", False),
         ("DE", "de", True)],
    )  # fmt: skip
    def test_speaks(self, language: str, asked: str, will_do: bool) -> None:
        """A region of a language will do for the language, and the other way round."""
        assert speaks(language, asked) is will_do

    def test_is_named(self) -> None:
        """Case, width and blanks make no difference; a part of a name is none."""
        assert is_named(["High  blood pressure"], "high blood PRESSURE")
        assert not is_named(["High blood pressure"], "High blood")
