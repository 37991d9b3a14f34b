"""
number: decimals as texts that sort like the numbers, compared with the precision in which a search was written.

https://hl7.org/fhir/R4/search.html#number
"""

from __future__ import annotations

from collections.abc import Iterator
from decimal import Decimal, InvalidOperation
from functools import lru_cache
from typing import Any, NamedTuple

from records.errors import UnknownParameter
from records.search import ranges
from records.search.extract import Value
from records.search.key import NUMBER, Condition, between, either
from records.search.values import plain, prefixed
from records.stored import Json

_OFFSET = 5000
_NINES = str.maketrans("0123456789", "9876543210")


@lru_cache(maxsize=8192)
def encode(value: Decimal) -> str:
    """A text for a decimal, so that texts compare as the decimals do: `1.5` before `10`, `-2` before `-1`."""
    if not value:
        return "1"
    _, digits, _ = value.normalize().as_tuple()
    mantissa = "".join(map(str, digits))
    order = value.adjusted() + _OFFSET
    if value > 0:
        return f"2{order:05d}{mantissa}"
    # Smaller for larger magnitudes; the tail makes -1.51 come before -1.5.
    return f"0{99999 - order:05d}{mantissa.translate(_NINES)}~"


def decimal(value: Any) -> Decimal | None:
    """A number of JSON, or a text that is one."""
    if isinstance(value, bool) or value is None:
        return None
    try:
        found = Decimal(str(value))
    except InvalidOperation:
        return None
    return found if found.is_finite() and abs(found.adjusted()) < _OFFSET else None


class Wanted(NamedTuple):
    """A search value: its prefix, the number, and the span that its written precision stands for."""

    prefix: str
    value: Decimal
    low: Decimal
    high: Decimal

    def times(self, factor: Decimal) -> Wanted:
        """The same in another unit."""
        return Wanted(self.prefix, self.value * factor, self.low * factor, self.high * factor)


def asked(text: str) -> Wanted:
    """`ge5.4` to prefix, 5.4 and 5.35..5.45."""
    prefix, number = prefixed(text) if text[:1].isalpha() else ("eq", text)
    found = decimal(number)
    if found is None:
        raise UnknownParameter("A number is digits, with a decimal point where needed.")
    exponent = found.as_tuple().exponent
    half = Decimal(1).scaleb(int(exponent)) / 2
    if prefix == "ap":
        half = max(half, abs(found) / 10)
    return Wanted(prefix, found, found - half, found + half)


def compare(prefix: str, wanted: Wanted) -> Condition:
    """Compare numbers whose keys are behind `prefix`; a value that repeats is unequal where one of it is."""
    value, low, high = encode(wanted.value), encode(wanted.low), encode(wanted.high)
    equal = between(prefix, low, high, below=wanted.prefix != "ap")
    match wanted.prefix:
        case "eq" | "ap":
            return equal
        case "ne":
            return either([between(prefix, None, low, below=True), between(prefix, high, None)])
        case "gt" | "sa":
            return between(prefix, value, None, above=True)
        case "lt" | "eb":
            return between(prefix, None, value, below=True)
        case "ge":
            return between(prefix, value, None)
        case _:
            return between(prefix, None, value)


def compare_ranges(name: str, wanted: Wanted) -> Condition:
    """Compare values with two ends."""
    return ranges.compare(name, wanted.prefix, encode(wanted.value), encode(wanted.low), encode(wanted.high))


def pattern(wanted: Wanted) -> str:
    """A regular expression of the encoded numbers that are asked for."""
    return ranges.matching(wanted.prefix, encode(wanted.value), encode(wanted.low), encode(wanted.high))


def keys(name: str, found: Value) -> list[str]:
    """The keys of one value; a Range has keys of its own."""
    if isinstance(found.value, dict):
        low, high = ends(found.value)
        return ranges.keys(name, low, high) if low or high != ranges.UNBOUNDED else []
    return [f"{name}{NUMBER}{encode(one)}" for one in numbers(found)]


def ends(value: Json) -> tuple[str, str]:
    """The ends of a Range, encoded."""
    low, high = (decimal(value.get(end, {}).get("value")) for end in ("low", "high"))
    return "" if low is None else encode(low), ranges.UNBOUNDED if high is None else encode(high)


def numbers(found: Value) -> Iterator[Decimal]:
    """The numbers in a value; a Range is sorted by the first end that it has."""
    if isinstance(found.value, dict):
        for end in ("low", "high"):
            if (one := decimal(found.value.get(end, {}).get("value"))) is not None:
                yield one
    elif (one := decimal(found.value)) is not None:
        yield one


def sort_value(found: Value) -> str | None:
    """The number."""
    return next((encode(one) for one in numbers(found)), None)


def query(name: str, modifier: str, value: str, *, ranged: bool = False) -> Condition:
    """The condition of one alternative; `ranged`: the value may be a Range."""
    if modifier:
        raise UnknownParameter(f"The modifier :{modifier[:32]} is not for numbers.")
    wanted = asked(plain(value))
    found = compare(f"{name}{NUMBER}", wanted)
    return either([found, compare_ranges(name, wanted)]) if ranged else found
