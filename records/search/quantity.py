"""
quantity: a number with a unit; UCUM units are compared by what they measure, others as written.

https://hl7.org/fhir/R4/search.html#quantity
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from decimal import Decimal

from records.errors import UnknownParameter
from records.search import number
from records.search.extract import Value
from records.search.key import TAIL, Condition, ending
from records.search.units import UCUM, canonical
from records.search.values import plain, split

ANY, BASE = "*|", "@|"


def forms(found: Value) -> Iterator[str]:
    """
    Every way in which a quantity may be asked for, without the parameter's name.

    The number with what it is said to be behind it, `unit`, `system|code`; and what it is in base units.
    """
    if not isinstance(found.value, dict):
        return
    if "low" in found.value or "high" in found.value:
        for end in ("low", "high"):
            yield from forms(Value("Quantity", found.value.get(end)))
        return
    value = number.decimal(found.value.get("value"))
    if value is None:
        return
    encoded = number.encode(value)
    system, code = str(found.value.get("system", "")), str(found.value.get("code") or found.value.get("currency", ""))
    yield f"{ANY}{encoded}{TAIL}{found.value.get('unit') or code}{TAIL}{system}|{code}{TAIL}"
    if code:
        yield from _base(system, code, value)


def _base(system: str, code: str, value: Decimal) -> Iterator[str]:
    if system == UCUM and (known := canonical(code)):
        yield f"{BASE}{known[0]}|{number.encode(_rounded(value * known[1]))}"


def _rounded(value: Decimal) -> Decimal:
    # Factors are floating point inside: twelve digits are what two units of one amount agree in.
    return Decimal(f"{value:.12g}")


def keys(name: str, found: Value) -> list[str]:
    """The keys of one value."""
    return [name + form for form in forms(found)]


def sort_value(found: Value) -> str | None:
    """The number, whatever its unit."""
    value = number.decimal(found.value.get("value")) if isinstance(found.value, dict) else None
    return None if value is None else number.encode(value)


def query(name: str, modifier: str, value: str) -> Condition:
    """The condition of one alternative: `5.4`, `5.4|system|code`, `5.4||unit`, each with a prefix."""
    if modifier:
        raise UnknownParameter(f"The modifier :{modifier} is not for quantities.")
    parts = [plain(part) for part in split(value, "|")]
    if len(parts) not in (1, 3):
        raise UnknownParameter("A quantity is number, number|system|code or number||unit.")
    wanted = number.asked(parts[0])
    if len(parts) == 1 or not parts[2]:
        return number.compare(name + ANY, wanted)
    if parts[1] == UCUM and (known := canonical(parts[2])):
        return number.compare(f"{name}{BASE}{known[0]}|", wanted.times(known[1]))
    unit = re.escape(parts[2])
    said = f"{TAIL}{re.escape(parts[1])}\\|{unit}{TAIL}" if parts[1] else f"(?:{TAIL}|\\|){unit}{TAIL}"
    return ending(number.compare(name + ANY, wanted), said + r"[\s\S]*")
