"""Primitive types, by what the specification's own page says of each."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest

from records.definitions import definitions
from records.validation.primitives import TESTS

GOOD: dict[str, list[Any]] = {
    "base64Binary": ["AAAA", "YQ==", "YWI=", "YWJj\r\n YWJj"],
    "boolean": [True, False],
    "canonical": ["http://example.org/a|1.0#b", "#contained"],
    "code": ["final", "two words", "高"],
    "date": ["1980", "1980-02", "2024-02-29", "0001-01-01"],
    "dateTime": ["1980", "1980-02", "1980-02-03", "2024-05-01T08:00:00Z", "2016-12-31T23:59:60.123456789+14:00"],
    "decimal": [Decimal("1.50"), Decimal("-1E-7"), 0, 7, 1.5],
    "id": ["a", "A-1.b", "x" * 64],
    "instant": ["2024-05-01T08:00:00.000+08:00", "2024-05-01T08:00:00Z"],
    "integer": [0, -5, 2147483647, -2147483648],
    "markdown": ["# a\n\nb", "　"],
    "oid": ["urn:oid:1.2.156.112635", "urn:oid:0.0"],
    "positiveInt": [1, 2147483647],
    "string": ["a", "张　伟", " ", "a\tb\r\nc", "😀"],
    "time": ["08:00:00", "23:59:59.5"],
    "unsignedInt": [0, 1],
    "uri": ["urn:x", "http://example.org/中文", "a"],
    "url": ["mailto:a@example.org"],
    "uuid": ["urn:uuid:c757873d-ec9a-4326-a141-556f43239520"],
}
BAD: dict[str, list[Any]] = {
    "base64Binary": ["", "A", "AA", "AAA", "A===", "AA=A", "ÄÄÄÄ", 1],
    "boolean": ["true", 1, 0, None],
    "canonical": ["a b", "", 1],
    "code": ["", " a", "a ", "a  b", "a\n\nb", 1],
    "date": ["80", "1980-1", "1980-13", "2023-02-29", "2024-04-31", "0000", "1980-02-03T00:00:00Z", "19800203", 1980],
    "dateTime": [
        "2024-05-01T08:00",
        "2024-05-01T08:00:00",
        "2024-05-01T24:00:00Z",
        "2024-02-30T08:00:00Z",
        "2024-05-01 08:00:00Z",
        "2024-05-01T08:00:00+15:00",
        "2024-05-01T08:00:00z",
    ],
    "decimal": ["1", True, None, float("nan"), float("inf"), Decimal("NaN"), Decimal("Infinity")],
    "id": ["", "x" * 65, "a_b", "a/b", "张", 1],
    "instant": ["2024", "2024-05-01", "2024-05-01T08:00:00", "2024-02-30T08:00:00Z"],
    "integer": [1.0, Decimal("1"), Decimal("1.0"), True, "1", 2147483648, -2147483649],
    "markdown": ["", 1, None],
    "oid": ["1.2.3", "urn:oid:3.1", "urn:oid:1.02", "urn:oid:1"],
    "positiveInt": [0, -1, True, 1.0],
    "string": ["", 1, True, None, "a\x00b", "a\x1fb", "x" * (1024 * 1024 + 1)],
    "time": ["8:00:00", "24:00:00", "08:00", "08:00:00Z"],
    "unsignedInt": [-1, True, 0.0],
    "uri": ["", "a b", "a\nb", 1],
    "url": ["", "a b"],
    "uuid": ["c757873d-ec9a-4326-a141-556f43239520", "urn:uuid:C757873D-EC9A-4326-A141-556F43239520", "urn:uuid:1"],
}


class TestPrimitives:
    def test_all_of_them(self) -> None:
        """Every primitive of R4 has a test; the narrative has its own."""
        known = {name for name, one in definitions()._structures.items() if one["kind"] == "primitive-type"}

        assert set(TESTS) == known - {"xhtml"} == set(GOOD) == set(BAD)

    @pytest.mark.parametrize(("kind", "value"), [(kind, value) for kind, values in GOOD.items() for value in values])
    def test_good(self, kind: str, value: Any) -> None:
        """What the type is for."""
        assert TESTS[kind](value)

    @pytest.mark.parametrize(("kind", "value"), [(kind, value) for kind, values in BAD.items() for value in values])
    def test_bad(self, kind: str, value: Any) -> None:
        """What looks like it and is not."""
        assert not TESTS[kind](value)

    @pytest.mark.parametrize("kind", sorted(TESTS))
    @pytest.mark.parametrize("value", [None, [], {}, ["a"], {"a": 1}, [[]]], ids=repr)
    def test_never_another_shape(self, kind: str, value: Any) -> None:
        """Null, lists and objects are no primitives, and break nothing."""
        assert not TESTS[kind](value)

    @pytest.mark.parametrize("kind", sorted(TESTS))
    @pytest.mark.parametrize("text", ["a " * 5000 + "\x00", " " * 20000 + "é", "A" * 20001, "1." * 10000, "0" * 20000])
    def test_hostile_length(self, kind: str, text: str) -> None:
        """No pattern takes more than a moment, whatever is sent."""
        assert TESTS[kind](text) in (True, False)
