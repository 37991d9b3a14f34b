"""Units: what they are in base units, from the tables, and as a library of UCUM has them."""

from __future__ import annotations

import subprocess
import sys
from decimal import Decimal

import pytest

from records.definitions.load import read
from records.definitions.units import by_library, exponents, units
from records.search.units import canonical, computed

BEYOND = [
    "mL/min/{1.73_m2}", "{T-score}", "(score)", "10*3/uL", "m2/(s.kg)", "/min", "2.54.cm", "10^3", "10*-3", "m-1",
    "kg.m/s2", "mm[Hg]", "[in_i]", "m[H2O]", "[iU]/mL", "k[iU]/L", "Cel", "d", "a", "mo", "1", "mg{dry}", "/m[IU]",
    "W.sr", "[pH]", "cm[H2O]", "U/L", "meq/L", "osm", "umol/L", "{x}/d", "1/{x}", "/{x}", "mg/{x}", "{x}.mg",
    "mg{x}2", "mg2{x}", "a.b/c", "()", "((m))", "m/", ".", "m..s", "mg/mg", "ab%c", "5", "xyz", "mmHg", "Oe", "G",
    "dag", "Kibit", "KiBy", "mg/(kg.(8.h))", "u[IU]/mL",
]  # fmt: skip


class TestCanonical:
    """`canonical` and `computed`."""

    def test_common(self) -> None:
        """By the grammar, every common unit is what the library made of it."""
        common = read("units")["common"]
        assert len(common) > 1300
        for code, found in common.items():
            known = found and (found[0], Decimal(found[1]))
            assert canonical(code) == known
            assert computed(code) == known, code

    @pytest.mark.parametrize("code", BEYOND)
    def test_library(self, code: str) -> None:
        """So is any other."""
        assert computed(code) == by_library(code)

    def test_beyond(self) -> None:
        """A unit that is not a common one is computed; nonsense has no base."""
        assert canonical("mg/{weekly}.dL") is not None
        assert canonical("no such unit") is None

    @pytest.mark.parametrize(
        "code", ["", "(" * 5000, "/" * 5000, "(" * 30 + "m" + ")" * 30, "10*" + "9" * 4000, "m" * 9999]
    )
    def test_hostile(self, code: str) -> None:
        """What is meant to exhaust a reader has no base."""
        assert computed(code) is None

    def test_light(self) -> None:
        """Nobody who searches or stores waits for the library."""
        program = (
            "import sys; from records.search.units import canonical; canonical('mL/min/{1.73_m2}'); canonical('(x)'); "
            "print('pint' in sys.modules)"
        )
        done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
        assert done.stdout.strip() == "False"


class TestTables:
    """How the tables are made."""

    def test_atoms(self) -> None:
        """The atoms in the repository are those of UCUM."""
        made = units({"compose": {"include": [{"concept": [{"code": "mg"}]}]}})
        kept = read("units")
        assert {code: list(found) for code, found in made["atoms"].items()} == kept["atoms"]
        assert made["prefixes"] == kept["prefixes"]

    def test_exponents(self) -> None:
        """Base units as they are written, read."""
        assert exponents("kg * m ** 2 / s ** 3") == {"kg": 1, "m": 2, "s": -3}
        assert exponents("1 / m ** 0.5") == {"m": -0.5}
        assert exponents("") == {}
