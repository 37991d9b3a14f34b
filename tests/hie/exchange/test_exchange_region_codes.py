"""The region's coding beside a sender's own."""

from __future__ import annotations

import pytest

from hie.exchange.region_codes import mapper
from terminology.concepts import CodeSystem, Concept, ConceptMap, Edition, Target
from terminology.service import ICD_10, Terminology

LOCAL, REGION = "urn:local", "urn:region"


def edition(url: str) -> Edition:
    return Edition(url, "表", "table", "1", "test", verified=False)


def words() -> Terminology:
    icd = CodeSystem(edition(ICD_10), "prefix", {"I10": Concept("I10", "高血压", "hypertension")})
    region = CodeSystem(edition(REGION), "none", {"A": Concept("A", "甲", "a"), "B": Concept("B", "乙", "b")})
    targets = {
        "1": (Target(REGION, "A", "equivalent"),),
        "2": (Target(REGION, "B", "wider"),),
        "3": (Target(REGION, "A", "narrower"),),
        "4": (Target(REGION, "unheard-of", "equal"),),
    }
    local = ConceptMap(edition("urn:map"), LOCAL, targets)
    return Terminology({ICD_10: icd, REGION: region}, {}, {"urn:map": local})


class TestMapper:
    async def test_once_for_all(self) -> None:
        """All codes of a message are answered at once; what nobody knows is left out."""
        found = await mapper(words())("site", [(LOCAL, "1"), ("urn:x", "9"), ("urn:oid:2.16.840.1.113883.6.3", "I10")])

        assert found == {
            (LOCAL, "1"): {"system": REGION, "code": "A", "display": "甲"},
            ("urn:oid:2.16.840.1.113883.6.3", "I10"): {"system": ICD_10, "code": "I10", "display": "高血压"},
        }

    @pytest.mark.parametrize(("code", "target"), [("2", "B"), ("3", None), ("4", None)])
    async def test_equivalence(self, code: str, target: str | None) -> None:
        """A wider meaning is faithful, a narrower one would add to what was said; an unknown target is none."""
        found = await mapper(words())("site", [(LOCAL, code)])
        assert [coding["code"] for coding in found.values()] == ([target] if target else [])

    async def test_finer_code(self) -> None:
        """A code finer than ours keeps itself, and does not take its ancestor's name."""
        found = await mapper(words())("site", [("http://hl7.org/fhir/sid/icd-10-cn", "I10.x02")])
        assert list(found.values()) == [{"system": ICD_10, "code": "I10.x02"}]
