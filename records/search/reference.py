"""
reference: to a resource by type and id, by id alone, by address, or by the identifier that a reference carries.

https://hl7.org/fhir/R4/search.html#reference
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence

from records.errors import UnknownParameter
from records.search import token
from records.search.extract import Value
from records.search.key import EXACT, IDENTIFIER, Condition, equals
from records.search.values import plain

_LITERAL = re.compile(r"^(?P<base>https?://.+/)?(?P<type>[A-Z][A-Za-z]+)/(?P<id>[A-Za-z0-9\-.]{1,64})(?:/_history/.+)?$")


def target(reference: str) -> str:
    """`Patient/1/_history/2` to `Patient/1`; an address or URN of elsewhere stays as it is."""
    found = _LITERAL.match(reference)
    return f"{found['type']}/{found['id']}" if found and not found["base"] else reference


def targets(found: Value) -> Iterator[str]:
    """What a Reference or canonical points at; what is contained is not found by it."""
    literal = found.value.get("reference") if isinstance(found.value, dict) else found.value
    if isinstance(literal, str) and literal and not literal.startswith("#"):
        yield target(literal)


def keys(name: str, found: Value) -> list[str]:
    """The keys of one value."""
    literal = isinstance(found.value, dict)
    made = []
    for reference in targets(found):
        made.append(f"{name}{EXACT}{reference}")
        if not literal and "|" in reference:
            made.append(f"{name}{EXACT}{reference.partition('|')[0]}")
    if literal and isinstance(identifier := found.value.get("identifier"), dict):
        made += [f"{name}{IDENTIFIER}{form}" for form in token.forms(Value("Identifier", identifier))]
    return made


def sort_value(found: Value) -> str | None:
    """The reference."""
    return next(targets(found), None)


def query(name: str, modifier: str, value: str, allowed: Sequence[str], base: str = "") -> Condition:
    """The condition of one alternative; `allowed` are the types it may be of where only an id is given."""
    if modifier == "identifier":
        return token.coded(name + IDENTIFIER, value)
    wanted = plain(value)
    if not wanted:
        raise UnknownParameter("A reference is empty.")
    if base and wanted.startswith(base + "/"):
        wanted = wanted[len(base) + 1 :]
    if modifier:
        return equals([f"{name}{EXACT}{wanted if '/' in wanted else f'{modifier}/{wanted}'}"])
    if "/" in wanted or ":" in wanted:
        return equals([f"{name}{EXACT}{target(wanted)}"])
    return equals([f"{name}{EXACT}{one}/{wanted}" for one in allowed] or [f"{name}{EXACT}{wanted}"])
