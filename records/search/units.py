"""
UCUM: a unit as a factor of its base units, so that 5.4 g is found by 5400 mg.

https://ucum.org/ucum
"""

from __future__ import annotations

from decimal import Decimal
from functools import lru_cache
from typing import Any

UCUM = "http://unitsofmeasure.org"


@lru_cache(maxsize=1)
def _registry() -> Any:
    # Costs most of a second: loaded when the first quantity with a UCUM unit comes.
    from ucumvert import PintUcumRegistry

    return PintUcumRegistry()


@lru_cache(maxsize=4096)
def canonical(code: str) -> tuple[str, Decimal] | None:
    """(base units, factor) of a UCUM code, None where it has none: `mg` is ("kilogram", 1E-6)."""
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
