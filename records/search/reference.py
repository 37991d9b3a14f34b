"""
reference: to a resource by type and id, by id alone, by address, by the identifier or the words a reference carries.

https://hl7.org/fhir/R4/search.html#reference, https://hl7.org/fhir/R4/search.html#versions
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from functools import lru_cache

from records.errors import UnknownParameter
from records.search import token
from records.search.extract import Value
from records.search.key import EXACT, IDENTIFIER, TEXT, Condition, begins, either, equals
from records.search.text import normal
from records.search.values import plain

_LITERAL = re.compile(r"^(?P<base>https?://.+/)?(?P<type>[A-Z][A-Za-z]+)/(?P<id>[A-Za-z0-9\-.]{1,64})(?:/_history/.+)?$")


@lru_cache(maxsize=8192)
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
    made = []
    literal = isinstance(found.value, dict)
    for reference in targets(found):
        made.append(f"{name}{EXACT}{reference}")
        if not literal and "|" in reference:
            made.append(f"{name}{EXACT}{reference.partition('|')[0]}")
    if not literal:
        return made
    if isinstance(identifier := found.value.get("identifier"), dict):
        made += [f"{name}{IDENTIFIER}{form}" for form in token.forms(Value("Identifier", identifier))]
    if display := found.value.get("display"):
        made.append(f"{name}{TEXT}{normal(str(display))}")
    return made


def sort_value(found: Value) -> str | None:
    """The reference."""
    return next(targets(found), None)


def query(name: str, modifier: str, value: str, allowed: Sequence[str], base: str = "") -> Condition:
    """The condition of one alternative; `allowed` are the types it may be of where only an id is given."""
    match modifier:
        case "identifier":
            return token.coded(name + IDENTIFIER, value)
        case "text":
            return begins(f"{name}{TEXT}{normal(plain(value))}")
        case _:
            wanted = asked(value, modifier, allowed, base)
            return equals([f"{name}{EXACT}{one}" for one in wanted])


def asked(value: str, modifier: str, allowed: Sequence[str], base: str = "") -> list[str]:
    """The references that a value may mean: a local one relative and by this server's own address."""
    wanted = plain(value)
    if not wanted:
        raise UnknownParameter("A reference is empty.")
    if base and wanted.startswith(base + "/"):
        wanted = wanted[len(base) + 1 :]
    if modifier:
        wanted = _typed(wanted, modifier)
    if ":" in wanted:
        return [wanted]
    named = [target(wanted)] if "/" in wanted else [f"{one}/{wanted}" for one in allowed] or [wanted]
    return [*named, *(f"{base}/{one}" for one in named if base)]


def _typed(wanted: str, kind: str) -> str:
    if ":" in wanted:
        raise UnknownParameter(f"The modifier :{kind} is for resources of this server, not for addresses.")
    if "/" in wanted and not wanted.startswith(kind + "/"):
        raise UnknownParameter(f"{wanted.partition('/')[0][:64]!r} is not the type {kind} of the modifier.")
    return wanted if "/" in wanted else f"{kind}/{wanted}"


def versions(name: str, value: str) -> Condition:
    """`:below` of a canonical: any version of an address; with `|1` the versions 1, 1.0, 1.1."""
    wanted = plain(value)
    if "|" not in wanted:
        return either([equals([f"{name}{EXACT}{wanted}"]), begins(f"{name}{EXACT}{wanted}|")])
    top = f"{name}{EXACT}{wanted}"
    return either([equals([top]), begins(top + "."), begins(top + "-")])
