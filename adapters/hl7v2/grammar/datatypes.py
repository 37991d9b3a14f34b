"""
Primitive data types: what well-formed text of each looks like.

HL7 v2 chapter 2.A; HL7 table 0357 for the conditions
"""

from __future__ import annotations

import re
from collections.abc import Callable

from adapters.hl7v2.grammar.model import Leaf

WRONG_FORM = "102"
NOT_IN_TABLE = "103"

_MONTH, _DAY, _HOUR, _SIXTY = r"(?:0[1-9]|1[0-2])", r"(?:0[1-9]|[12]\d|3[01])", r"(?:[01]\d|2[0-4])", r"[0-5]\d"
_ZONE = r"(?:[+-]\d{4})?"
_CLOCK = rf"{_HOUR}(?:{_SIXTY}(?:{_SIXTY}(?:\.\d{{1,4}})?)?)?"
_MOMENT = rf"\d{{4}}(?:{_MONTH}(?:{_DAY}(?:{_CLOCK})?)?)?{_ZONE}"
_FORMS = {
    "NM": r"[+-]?(?:\d+\.?\d*|\.\d+)",
    "SI": r"\d{1,9}",
    "DT": rf"\d{{4}}(?:{_MONTH}(?:{_DAY})?)?",
    "TM": rf"{_CLOCK}{_ZONE}",
    "TS": _MOMENT,
    "DTM": _MOMENT,
}
FORMS: dict[str, Leaf] = {name: Leaf(WRONG_FORM, re.compile(form).fullmatch) for name, form in _FORMS.items()}


def leaf_of(name: str, values: frozenset[str] | None) -> Leaf | None:
    """The check of a primitive, with the values of its table when it is an ID; None when any text will do."""
    if name == "ID" and values:
        return Leaf(NOT_IN_TABLE, _among(values))
    return FORMS.get(name)


def _among(values: frozenset[str]) -> Callable[[str], bool]:
    return values.__contains__
