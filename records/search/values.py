"""
The value of a search parameter as it stands in an address: alternatives, escapes, prefixes.

https://hl7.org/fhir/R4/search.html#escaping, https://hl7.org/fhir/R4/search.html#prefix
"""

from __future__ import annotations

import re

from records.errors import UnknownParameter

PREFIXES = ("eq", "ne", "gt", "lt", "ge", "le", "sa", "eb", "ap")
_PART = {separator: re.compile(rf"(?<!\\)((?:\\\\)*){re.escape(separator)}") for separator in ",$|"}
_ESCAPED = re.compile(r"\\(.?)", re.DOTALL)
_ESCAPABLE = frozenset("\\,$|")
_RESERVED = re.compile(r"[\\,$|]")


def split(value: str, separator: str) -> list[str]:
    """Split at separators that no backslash escapes; the parts keep their escapes."""
    if separator not in value:
        return [value]
    parts, start = [], 0
    for found in _PART[separator].finditer(value):
        parts.append(value[start : found.end() - 1])
        start = found.end()
    return [*parts, value[start:]]


def plain(value: str) -> str:
    """Without escapes: `a\\,b` becomes `a,b`."""
    return _ESCAPED.sub(_unescaped, value) if "\\" in value else value


def escaped(text: str) -> str:
    """A text as a value that asks for it and nothing else; the inverse of `plain`."""
    return _RESERVED.sub(r"\\\g<0>", text)


def _unescaped(found: re.Match[str]) -> str:
    if found[1] not in _ESCAPABLE:
        raise UnknownParameter("A backslash stands before a comma, a dollar sign, a bar or another backslash alone.")
    return found[1]


def prefixed(value: str) -> tuple[str, str]:
    """`ge2024` to ("ge", "2024"); eq where there is no prefix."""
    head = value[:2]
    if head in PREFIXES:
        return head, value[2:]
    if head[:1].isalpha():
        raise UnknownParameter(f"A prefix is one of {', '.join(PREFIXES)}.")
    return "eq", value
