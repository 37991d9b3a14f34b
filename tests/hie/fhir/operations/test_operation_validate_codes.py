"""Whether a code is of a value set, by what is stored and by the dictionary: yes, no, or not to be said."""

from __future__ import annotations

from typing import Any

import pytest

from hie.fhir.operations.terminology.grammars import GRAMMARS
from hie.fhir.operations.terminology.shelf import region
from hie.fhir.operations.validate.vocabulary import RegionVocabulary
from terminology.tables import reading
from terminology.tables.library import Library

Json = dict[str, Any]
ICD, OWN, ELSEWHERE = "http://hl7.org/fhir/sid/icd-10", "http://example.org/cs", "http://example.org/elsewhere"
SET = "http://example.org/vs"


def holds(value_set: Json, system: str | None, code: str, *others: Json) -> bool | None:
    """The answer where these are stored, with a code system of a, b and a1 below a."""
    concepts = [{"code": "a", "concept": [{"code": "a1"}]}, {"code": "b"}]
    systems = [
        reading.code_system({"url": url, "content": content, "concept": concepts}, url)
        for url, content in ((OWN, "complete"), (ELSEWHERE, "fragment"))
    ]
    sets = [reading.value_set(one, str(one["url"])) for one in (value_set | {"url": SET}, *others)]
    by_url = {one.url: [one] for one in sets}
    library = Library(region(), {one.url: [one] for one in systems}, value_sets=by_url, grammars=GRAMMARS)
    return RegionVocabulary(library).holds(f"{SET}|1.0", system, code)


def composed(*include: Json, exclude: tuple[Json, ...] = ()) -> Json:
    """A value set of these parts."""
    return {"compose": {"include": list(include), **({"exclude": list(exclude)} if exclude else {})}}


class TestParts:
    @pytest.mark.parametrize(
        ("part", "system", "code", "expected"),
        [
            ({"system": OWN, "concept": [{"code": "a"}]}, OWN, "a", True),
            ({"system": OWN, "concept": [{"code": "a"}]}, OWN, "b", False),
            ({"system": OWN, "concept": [{"code": "a"}]}, ICD, "a", False),
            ({"system": OWN, "concept": [{"code": "a"}]}, None, "a", True),
            ({"system": OWN}, OWN, "a1", True),
            ({"system": OWN}, OWN, "c", False),
            ({"system": ELSEWHERE}, ELSEWHERE, "a", True),
            ({"system": ELSEWHERE}, ELSEWHERE, "z", None),
            ({"system": ELSEWHERE}, OWN, "a", False),
            ({"system": ICD}, ICD, "I10", True),
            ({"system": ICD}, ICD, "no code", None),
            ({"system": ICD, "filter": [{"property": "concept", "op": "is-a", "value": "I10"}]}, ICD, "I10.x", True),
            ({"system": ICD, "filter": [{"property": "concept", "op": "is-a", "value": "I10"}]}, ICD, "J45", False),
            ({"system": ICD, "filter": [{"property": "concept", "op": "descendent-of", "value": "I10"}]}, ICD, "I10",
             False),
            ({"system": ICD, "filter": [{"property": "chapter", "op": "=", "value": "9"}]}, ICD, "I10", None),
        ],
    )  # fmt: skip
    def test_one(self, part: Json, system: str | None, code: str, expected: bool | None) -> None:
        """A list, a whole system, a filter; what only another could decide is not decided."""
        assert holds(composed(part), system, code) is expected

    def test_several(self) -> None:
        """One part that has it is enough; where one cannot say, no is not said either."""
        listed, open_ = {"system": OWN, "concept": [{"code": "a"}]}, {"system": ELSEWHERE}

        assert holds(composed(open_, listed), OWN, "a") is True
        assert holds(composed(open_, listed), OWN, "b") is False
        assert holds(composed(open_, listed), None, "c") is None

    def test_excluded(self) -> None:
        """What is taken out is not of the set."""
        found = composed({"system": OWN}, exclude=({"system": OWN, "concept": [{"code": "b"}]},))

        assert [holds(found, OWN, one) for one in ("a", "b")] == [True, False]
        assert holds(composed({"system": OWN}, exclude=({"system": OWN, "valueSet": ["urn:x"]},)), OWN, "a") is None

    def test_included_sets(self) -> None:
        """A set in a set: stored, of the dictionary, of R4, or of nobody."""
        inner = composed({"system": OWN, "concept": [{"code": "a"}]}) | {"url": "http://example.org/inner"}
        gender = "http://hl7.org/fhir/ValueSet/administrative-gender"

        assert holds(composed({"valueSet": [inner["url"]]}), OWN, "a", inner) is True
        assert holds(composed({"valueSet": [inner["url"]], "system": OWN}), OWN, "b", inner) is False
        assert holds(composed({"valueSet": ["urn:hie:valueset:hypertension"]}), ICD, "I10") is True
        assert holds(composed({"valueSet": [gender]}), "http://hl7.org/fhir/administrative-gender", "male") is True
        assert holds(composed({"valueSet": ["http://example.org/none"]}), OWN, "a") is None

    def test_circle(self) -> None:
        """A set that includes itself ends."""
        assert holds(composed({"valueSet": [SET]}), OWN, "a") is None


class TestExpansion:
    def test_whole(self) -> None:
        """An expansion alone, where it is all of it."""
        contains = [{"system": OWN, "code": "a", "contains": [{"system": OWN, "code": "a1"}]}]
        whole, part = ({"expansion": {"contains": contains, "total": total}} for total in (2, 9))

        assert [holds(whole, OWN, one) for one in ("a", "a1", "b")] == [True, True, False]
        assert [holds(part, OWN, one) for one in ("a", "b")] == [True, None]
        assert holds({}, OWN, "a") is None
