"""Each item of the checklist of HL7 v2 converters has a test file that names it; `MISSING` says which have none."""

from __future__ import annotations

import ast
from pathlib import Path

import pytest

ITEMS = range(1, 34)
# Shrink this list with the file that you add; the tests hold it to the truth.
MISSING: frozenset[int] = frozenset()


def files(item: int) -> list[Path]:
    """The test files of an item."""
    return sorted(Path(__file__).parent.glob(f"test_hl7v2_item_{item:02}_*.py"))


class TestChecklist:
    @pytest.mark.parametrize("item", ITEMS)
    def test_item(self, item: int) -> None:
        """An item has a test file that says what it asks (29 has two), or is listed as missing, and never both."""
        found = files(item)
        if item in MISSING:
            assert not found, f"item {item:02} is there now: take it from MISSING"
        else:
            assert found, f"item {item:02} has no test file"
            for one in found:
                assert ast.get_docstring(ast.parse(one.read_text(encoding="utf-8"))), f"{one.name} says nothing"
