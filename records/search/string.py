"""
string: begins with, `:exact`, `:contains`, without case and accents.

https://hl7.org/fhir/R4/search.html#string
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

from records.errors import UnknownParameter
from records.search.extract import Value
from records.search.key import TAIL, TEXT, Condition, begins, contains, equals
from records.search.text import LONGEST, normal, sortable
from records.search.values import plain

PARTS = {
    "HumanName": ("text", "family", "given", "prefix", "suffix"),
    "Address": ("text", "line", "city", "district", "state", "postalCode", "country"),
}
MODIFIERS = frozenset({"exact", "contains", "text"})
_BETWEEN_PARTS = re.compile(r"[\s\-]+(?=\S)")


def texts(found: Value) -> Iterator[str]:
    """The strings that a value is found by."""
    if isinstance(found.value, str):
        yield found.value
    elif isinstance(found.value, dict):
        for part in PARTS.get(found.type, ("text", "display", "value")):
            value: Any = found.value.get(part)
            yield from (one for one in (value if isinstance(value, list) else [value]) if isinstance(one, str))
        if found.type == "HumanName":
            yield from family_parts(str(found.value.get("family", "")))
        if found.type == "HumanName" and not found.value.get("text"):
            # A Chinese name is asked for whole, whether or not the source wrote it so.
            yield "".join((str(found.value.get("family", "")), *map(str, found.value.get("given", ()))))


def keys(name: str, found: Value) -> list[str]:
    """The keys of one value."""
    if name == "family" and isinstance(found.value, str):
        return [_key(name, text) for text in (found.value, *family_parts(found.value))]
    return [_key(name, text) for text in texts(found)]


def family_parts(name: str) -> list[str]:
    """`Quinones` of `Carreno Quinones`: each part of a family name is searched by itself."""
    return _BETWEEN_PARTS.split(name)[1:]


def _key(name: str, text: str) -> str:
    return f"{name}{TEXT}{normal(text)}{TAIL}{text[:LONGEST]}"


def sort_value(found: Value) -> str | None:
    """What a sort by this parameter compares."""
    return next((sortable(text) for text in texts(found)), None)


def query(name: str, modifier: str, value: str) -> Condition:
    """The condition of one alternative."""
    wanted = plain(value)
    match modifier:
        case "exact":
            return equals([_key(name, wanted)])
        case "contains":
            return contains(f"{name}{TEXT}", normal(wanted))
        case "" | "text":
            return begins(f"{name}{TEXT}{normal(wanted)}")
        case _:
            raise UnknownParameter(f"The modifier :{modifier[:32]} is not for strings.")
