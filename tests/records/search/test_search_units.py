"""Units: what they are in base units, from the table and by the grammar."""

from __future__ import annotations

import pytest

from records.definitions.load import read
from records.search.units import canonical, computed


class TestCanonical:
    @pytest.mark.parametrize("code", ["mg/dL", "mm[Hg]", "g/L", "10*9/L", "kg/m2", "mmol/L", "Cel", "%"])
    def test_table(self, code: str) -> None:
        """The table says what the grammar says."""
        assert code in read("units")
        assert canonical(code) == computed(code)

    def test_beyond(self) -> None:
        """A unit that is not a common one is computed; nonsense has no base."""
        assert canonical("mg/{weekly}.dL") is not None
        assert canonical("no such unit") is None
