"""
The tables of units: a step of building, by ucumvert, which reads UCUM's own list of atoms into pint.

https://ucum.org/ucum
"""

from __future__ import annotations

from decimal import Decimal
from functools import cache
from typing import Any

Json = dict[str, Any]


@cache
def _registry() -> Any:
    # Costs most of a second.
    from ucumvert import PintUcumRegistry

    return PintUcumRegistry()


def by_library(code: str, digits: int = 12) -> tuple[str, Decimal] | None:
    """(base units, factor) of a code; None where it is no unit, or a scale with an offset."""
    try:
        unit = _registry().from_ucum(code)
        one, two = (1 * unit).to_base_units(), (2 * unit).to_base_units()
    except Exception:
        # The parser knows no common base of its errors.
        return None
    if not one.magnitude or abs(two.magnitude / one.magnitude - 2) > 1e-9:
        return None
    return f"{one.units:~}", Decimal(f"{one.magnitude:.{digits}g}")


def units(common: Json) -> Json:
    """`common`: what HL7 calls common, by code. `atoms`: factor, base units, metric or not. `prefixes`: factors."""
    from ucumvert import xml_util

    codes = [one["code"] for include in common["compose"]["include"] for one in include.get("concept", ())]
    metric = {*xml_util.get_base_units(), *xml_util.get_metric_units()}
    atoms = sorted({*metric, *xml_util.get_non_metric_units()})
    known = {code: found for code in atoms if (found := by_library(code, 17)) is not None}
    return {
        "common": {code: (one := by_library(code)) and (one[0], str(one[1])) for code in codes},
        "atoms": {code: (str(factor), exponents(base), code in metric) for code, (base, factor) in known.items()},
        "prefixes": {prefix: str(_prefix(prefix)) for prefix in xml_util.get_prefixes()},
    }


def _prefix(prefix: str) -> Decimal:
    """By a unit that takes it: bits for powers of two, metres for the others."""
    unit = "bit" if prefix.endswith("i") else "m"
    with_it, without = by_library(prefix + unit, 17), by_library(unit, 17)
    assert with_it is not None
    assert without is not None
    return with_it[1] / without[1]


def exponents(base: str) -> dict[str, float]:
    """`kg / m ** 2` as {"kg": 1, "m": -2}; the oersted has halves."""
    found: dict[str, float] = {}
    for place, part in enumerate(base.split(" / ")):
        for factor in part.split(" * "):
            name, _, power = factor.partition(" ** ")
            if name not in ("", "1"):
                exponent = float(power or 1) * (-1 if place else 1)
                found[name] = int(exponent) if exponent.is_integer() else exponent
    return found
