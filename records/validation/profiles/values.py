"""
Comparing values with what a profile says: exactly (fixed), at least (pattern), not below or above (min, max).

https://hl7.org/fhir/R4/elementdefinition-definitions.html#ElementDefinition.fixed_x_
"""

from __future__ import annotations

from decimal import Decimal
from typing import Any

from records.validation.laws.asking import in_order


def same(value: Any, fixed: Any) -> bool:
    """The same in every member, and nothing besides; 1.0 and 1.00 are one number."""
    if isinstance(fixed, dict):
        return (
            isinstance(value, dict)
            and value.keys() == fixed.keys()
            and all(same(value[name], one) for name, one in fixed.items())
        )
    if isinstance(fixed, list):
        pairs = zip(value, fixed, strict=False) if isinstance(value, list) else ()
        return isinstance(value, list) and len(value) == len(fixed) and all(same(one, two) for one, two in pairs)
    if isinstance(fixed, bool) or isinstance(value, bool):
        return value is fixed
    if isinstance(fixed, int | float | Decimal) and isinstance(value, int | float | Decimal):
        return _number(value) == _number(fixed)
    return bool(value == fixed)


def fits(value: Any, pattern: Any) -> bool:
    """Everything of the pattern is there; more may be. Of a list, each entry is met by some entry."""
    if isinstance(pattern, dict):
        return isinstance(value, dict) and all(
            name in value and fits(value[name], one) for name, one in pattern.items()
        )
    if isinstance(pattern, list):
        return isinstance(value, list) and all(any(fits(one, part) for one in value) for part in pattern)
    return same(value, pattern)


def ordered(low: Any, high: Any) -> bool | None:
    """Whether one is not above the other; None where they cannot be compared."""
    if isinstance(low, dict) and isinstance(high, dict):
        units = [(one.get("system"), one.get("code", one.get("unit"))) for one in (low, high)]
        return ordered(low.get("value"), high.get("value")) if units[0] == units[1] else None
    if isinstance(low, str) and isinstance(high, str):
        return in_order(low, high)
    if any(isinstance(one, bool) or not isinstance(one, int | float | Decimal) for one in (low, high)):
        return None
    return _number(low) <= _number(high)


def _number(value: Any) -> Decimal:
    return value if isinstance(value, Decimal) else Decimal(str(value))
