"""
The tests of `_filter` as conditions on the keys: an operator means something for each type of parameter, or nothing.

An operator is true where one value of the resource meets it. What the keys cannot answer is refused, with the reason.
https://hl7.org/fhir/R4/search_filter.html#ops
"""

from __future__ import annotations

import re
from collections.abc import Callable

from records.errors import UnknownParameter
from records.search import date, number, quantity, ranges, token
from records.search.key import (
    ANY_SYSTEM,
    END,
    EXACT,
    HIGHEST,
    START,
    SYSTEM_CODE,
    TAIL,
    TEXT,
    Condition,
    begins,
    between,
    both,
    contains,
)
from records.search.text import normal
from records.search.units import UCUM
from records.search.values import split

ORDERED = frozenset({"eq", "ne", "gt", "lt", "ge", "le", "sa", "eb", "ap"})
# Written in place of their addresses.
NAMED_SYSTEMS = {
    "loinc": "http://loinc.org", "snomed": "http://snomed.info/sct", "ucum": UCUM,
    "rxnorm": "http://www.nlm.nih.gov/research/umls/rxnorm",
}  # fmt: skip
# The operators on codes that are modifiers elsewhere.
MEANINGS = {"ss": "below", "sb": "above", "in": "in"}
Ask = Callable[[str, str], Condition]


def string_test(name: str, operator: str, value: str) -> Condition:
    """Without case, accents and punctuation, as always."""
    prefix, wanted = name + TEXT, normal(value)
    match operator:
        case "eq":
            return begins(f"{prefix}{wanted}{TAIL}")
        case "ne":
            return _other(prefix, f"{prefix}{wanted}{TAIL}")
        case "co":
            return contains(prefix, wanted)
        case "sw":
            return begins(prefix + wanted)
        case "ew":
            return {"k": {"$regex": f"^{re.escape(prefix)}[^{TAIL}]*{re.escape(wanted)}{TAIL}"}}
        case "gt" | "ge":
            return between(prefix, wanted, None, above=operator == "gt")
        case "lt" | "le":
            return between(prefix, None, wanted, below=operator == "lt")
    raise not_for(operator, "strings", "eq ne co sw ew gt lt ge le pr")


def number_test(name: str, operator: str, value: str, *, ranged: bool) -> Condition:
    """As with prefixes; the precision in which a value was written is not in the keys."""
    if operator not in ORDERED:
        raise not_for(operator, "numbers", "eq ne gt lt ge le sa eb ap pr")
    return number.query(name, "", operator + value, ranged=ranged)


def quantity_test(name: str, operator: str, value: str, *, ranged: bool) -> Condition:
    """As with prefixes."""
    if operator not in ORDERED:
        raise not_for(operator, "quantities", "eq ne gt lt ge le sa eb ap pr")
    return quantity.query(name, "", operator + system_named(value, at=1), ranged=ranged)


def date_test(name: str, operator: str, value: str, *, repeats: bool) -> Condition:
    """As with prefixes; `co`: the value's span holds the one asked for; `po`: they have time in common."""
    if operator in ORDERED:
        return date.query(name, "", operator + value, repeats=repeats)
    if operator not in ("co", "po"):
        raise not_for(operator, "dates", "eq ne co gt lt ge le sa eb ap po pr")
    _, wanted = date.asked("eq" + value)
    if operator == "po" and repeats:
        return ranges.overlapping(name, wanted.start, wanted.end)
    if operator == "po":
        return date.compare(name + START, name + END, "ap", wanted)
    if repeats:
        return ranges.around(name, wanted.start, wanted.end)
    return both([between(name + START, None, wanted.start), between(name + END, wanted.end, None)])


def token_test(name: str, operator: str, value: str, ask: Ask) -> Condition:
    """`ask` is the condition of a token with a modifier."""
    value = system_named(value, at=0)
    match operator:
        case "eq":
            return ask("", value)
        case "ne":
            system, code = token.asked(value)
            if system is None:
                return _other(name + ANY_SYSTEM, f"{name}{ANY_SYSTEM}{code}", whole=True)
            return _other(name + SYSTEM_CODE, f"{name}{SYSTEM_CODE}{system}|{code}", whole=bool(code))
    raise not_for(operator, "tokens", "eq ne ss sb in ni pr")


def uri_test(name: str, operator: str, value: str, ask: Ask) -> Condition:
    """Addresses are compared as written."""
    match operator:
        case "eq":
            return ask("", value)
        case "ne":
            return _other(name + EXACT, f"{name}{EXACT}{value}", whole=True)
        case "sw":
            return begins(f"{name}{EXACT}{value}")
    raise not_for(operator, "addresses", "eq ne sw pr")


def reference_test(operator: str, value: str, ask: Ask) -> Condition:
    """`re` alone."""
    if operator != "re":
        raise not_for(operator, "references", "re pr")
    return ask("", value)


def not_for(operator: str, kind: str, offered: str) -> UnknownParameter:
    """The refusal of an operator."""
    return UnknownParameter(f"_filter: the operator {operator} is not for {kind}; they have {offered}.")


def _other(prefix: str, key: str, *, whole: bool = False) -> Condition:
    """A document with a key behind `prefix` that is not this one, or does not begin so."""
    unlike = {"$ne": key} if whole else {"$not": {"$regex": "^" + re.escape(key)}}
    return {"k": {"$elemMatch": {"$gte": prefix, "$lte": prefix + HIGHEST, **unlike}}}


def system_named(value: str, at: int) -> str:
    """`loinc|1234-5` with the system's address."""
    parts = split(value, "|")
    if len(parts) > at + 1 and parts[at] in NAMED_SYSTEMS:
        parts[at] = NAMED_SYSTEMS[parts[at]]
    return "|".join(parts)
