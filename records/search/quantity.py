"""
quantity: a number with a unit; UCUM units are compared by what they measure, others as written.

https://hl7.org/fhir/R4/search.html#quantity
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from decimal import Decimal
from functools import lru_cache

from records.errors import UnknownParameter
from records.search import number, ranges
from records.search.extract import Value
from records.search.key import TAIL, Condition, either, ending
from records.search.units import UCUM, canonical
from records.search.values import plain, split
from records.stored import Json

ANY, BASE = "*|", "@|"
CURRENCIES = "urn:iso:std:iso:4217"
# Of these a value has two ends.
RANGED = frozenset({"Range", "SampledData"})


def forms(found: Value) -> Sequence[str]:
    """
    Every way in which a quantity may be asked for, without the parameter's name.

    The number with what it is said to be behind it, `unit`, `system|code`; and what it is in base units.
    """
    if not isinstance(found.value, dict) or isinstance(value := found.value.get("value"), bool) or value is None:
        return ()
    return _forms(str(value), *_unit(found.value))


@lru_cache(maxsize=4096)
def _forms(number_text: str, system: str, code: str, said: str) -> Sequence[str]:
    # One value is looked at by several parameters, alone and behind its code.
    value = number.decimal(number_text)
    if value is None:
        return ()
    made = [f"{ANY}{number.encode(value)}{said}"]
    if system == UCUM and code and (known := canonical(code)):
        made.append(f"{BASE}{known[0]}|{number.encode(_rounded(value * known[1]))}")
    return tuple(made)


def _unit(value: Json) -> tuple[str, str, str]:
    """System, code and the end of a key, `unit` and `system|code`; an amount of money is in a currency."""
    system, code = str(value.get("system", "")), str(value.get("code", ""))
    if not code and (code := str(value.get("currency", ""))):
        system = CURRENCIES
    return system, code, f"{TAIL}{value.get('unit') or code}{TAIL}{system}|{code}{TAIL}"


def _ranged(name: str, low: Json | None, high: Json | None) -> Iterator[str]:
    """The keys of a value with two ends, each a Quantity; the unit of one is the unit of both."""
    system, code, said = _unit(low or high or {})
    bounds = [number.decimal(one.get("value")) if one else None for one in (low, high)]
    if bounds == [None, None]:
        return
    yield from (key[:-1] + said for key in ranges.keys(_of_ranges(name + ANY), *_encoded(bounds)))
    if system == UCUM and code and (known := canonical(code)):
        based = [None if one is None else _rounded(one * known[1]) for one in bounds]
        yield from ranges.keys(_of_ranges(f"{name}{BASE}{known[0]}|"), *_encoded(based))


def _encoded(bounds: Sequence[Decimal | None]) -> tuple[str, str]:
    low, high = bounds
    return "" if low is None else number.encode(low), ranges.UNBOUNDED if high is None else number.encode(high)


def sampled(value: Json) -> tuple[Json | None, Json | None]:
    """The bounds of what was sampled, in the unit of its origin."""
    origin: Json = value.get("origin", {})
    zero, factor = number.decimal(origin.get("value")) or Decimal(0), number.decimal(value.get("factor")) or Decimal(1)
    limits = {"L": number.decimal(value.get("lowerLimit")), "U": number.decimal(value.get("upperLimit"))}
    raw = (limits.get(one, number.decimal(one)) for one in str(value.get("data", "")).split())
    taken = [zero + factor * one for one in raw if one is not None]
    return (origin | {"value": min(taken)}, origin | {"value": max(taken)}) if taken else (None, None)


def _rounded(value: Decimal) -> Decimal:
    # Factors are floating point inside: twelve digits are what two units of one amount agree in.
    return Decimal(f"{value:.12g}")


def keys(name: str, found: Value) -> list[str]:
    """The keys of one value."""
    if not isinstance(found.value, dict):
        return []
    if "origin" in found.value:
        return list(_ranged(name, *sampled(found.value)))
    if "low" in found.value or "high" in found.value:
        return list(_ranged(name, found.value.get("low"), found.value.get("high")))
    return [name + form for form in forms(found)]


def sort_value(found: Value) -> str | None:
    """The number, whatever its unit."""
    value = number.decimal(found.value.get("value")) if isinstance(found.value, dict) else None
    return None if value is None else number.encode(value)


def query(name: str, modifier: str, value: str, *, ranged: bool = False) -> Condition:
    """
    The condition of one alternative: `5.4`, `5.4|system|code`, `5.4||unit`, each with a prefix.

    `ranged`: the value may be a Range or sampled.
    """
    if modifier:
        raise UnknownParameter(f"The modifier :{modifier[:32]} is not for quantities.")
    parts = [plain(part) for part in split(value, "|")]
    if len(parts) not in (1, 3) or (len(parts) == 3 and not parts[2]):
        raise UnknownParameter("A quantity is number, number|system|code or number||unit.")
    wanted = number.asked(parts[0])
    if len(parts) == 1:
        return _compared(name + ANY, wanted, ranged=ranged)
    if parts[1] == UCUM and (known := canonical(parts[2])):
        return _compared(f"{name}{BASE}{known[0]}|", wanted.times(known[1]), ranged=ranged)
    unit = re.escape(parts[2])
    said = f"{TAIL}{re.escape(parts[1])}\\|{unit}{TAIL}" if parts[1] else f"(?:{TAIL}|\\|){unit}{TAIL}"
    return ending(_compared(name + ANY, wanted, ranged=ranged), said + r"[\s\S]*")


def _compared(name: str, wanted: number.Wanted, *, ranged: bool) -> Condition:
    found = number.compare(name, wanted)
    return either([found, number.compare_ranges(_of_ranges(name), wanted)]) if ranged else found


def _of_ranges(name: str) -> str:
    """Beside the keys of single numbers, not among them."""
    return name.removesuffix("|")
