"""
UCUM: a unit as a factor of its base units, so that 5.4 g is found by 5400 mg.

https://ucum.org/ucum
"""

from __future__ import annotations

from decimal import Decimal
from functools import cache, lru_cache
from typing import Any

from records.definitions.load import read

UCUM = "http://unitsofmeasure.org"


Canonical = tuple[str, Decimal]


@lru_cache(maxsize=1)
def _registry() -> Any:
    # Costs most of a second: loaded when the first unit comes that is not a common one.
    from ucumvert import PintUcumRegistry

    return PintUcumRegistry()


def canonical(code: str) -> Canonical | None:
    """(base units, factor) of a UCUM code, None where it has none: `mg` is ("kg", 1E-6)."""
    known = _common()
    return known[code] if code in known else computed(code)


@cache
def _common() -> dict[str, Canonical | None]:
    """What was computed when the definitions were built, for the units that HL7 calls common."""
    return {code: found and (found[0], Decimal(found[1])) for code, found in read("units").items()}


@lru_cache(maxsize=4096)
def computed(code: str) -> Canonical | None:
    """The same by the grammar of UCUM, for any code."""
    try:
        unit = _registry().from_ucum(code)
        one, two = (1 * unit).to_base_units(), (2 * unit).to_base_units()
    except Exception:
        # The parser knows no common base of its errors; a unit it cannot read, or a scale with an offset such as
        # degrees Celsius, is compared as written.
        return None
    if not one.magnitude or abs(two.magnitude / one.magnitude - 2) > 1e-9:
        return None
    return f"{one.units:~}", Decimal(f"{one.magnitude:.12g}")
