"""
References inside a transaction: from the names its entries gave each other to the ids the server gave.

The text is changed in place, so that all the rest stays to the byte.
https://hl7.org/fhir/R4/http.html#trules, https://hl7.org/fhir/R4/bundle.html#references
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from itertools import repeat
from typing import Any

import msgspec

from hie.fhir.call import Call, split_url
from hie.fhir.conditions import matches
from records.definitions import Structure, definitions
from records.errors import PreconditionFailed

Resolve = Callable[[str], str | None]
# Types whose values are addresses; a canonical names a definition, and never an entry.
ADDRESSES = frozenset({"uri", "url", "oid", "uuid"})
# A value may have escapes: many writers of JSON put a backslash before every slash.
_STRING = rb'"(?:[^"\\]|\\.)*"'
_REFERENCE = re.compile(rb'("reference"\s*:\s*)(' + _STRING + rb")")
_CONDITIONAL = re.compile(rb'("reference"\s*:\s*)("[A-Z][A-Za-z]+\?(?:[^"\\]|\\.)+")')
_ADDRESS = re.compile(rb'"(?:urn:(?:uuid|oid):|https?:)(?:[^"\\]|\\.)*"')
_LITERAL = re.compile(rb"(" + _STRING + rb")(\s*:)?")
_NARRATIVE = re.compile(rb'("div"\s*:\s*)(' + _STRING + rb")")
_LINK = re.compile(r"""(<(?:a|img)\b[^<>]*?\s(?:href|src)\s*=\s*)(?:"([^"]*)"|'([^']*)')""")


@dataclass(frozen=True, slots=True)
class Names:
    """
    What the entries of a transaction are called, and the `Type/id` that each became.

    `full` has their full addresses; `relative` those of which only one is, for entries that have no address themselves.
    """

    full: Mapping[str, str] = field(default_factory=dict)
    relative: Mapping[str, str] = field(default_factory=dict)

    def within(self, full_url: str) -> Resolve:
        """How a reference is understood in the entry of this address: a relative one begins where its entry does."""
        root = root_of(full_url)

        def resolve(name: str) -> str | None:
            if (found := self.full.get(name)) is not None or ":" in name:
                return found
            return self.full.get(root + name) if root else None if full_url else self.relative.get(name)

        return resolve


def root_of(full_url: str) -> str:
    """`http://a/fhir/` of `http://a/fhir/Patient/1`; empty for a urn."""
    parts = full_url.rsplit("/", 2)
    return f"{parts[0]}/" if len(parts) == 3 and full_url.startswith("http") else ""


def rewrite(text: bytes, resolve: Resolve) -> bytes:
    """Replace every reference, address and link of a narrative that names an entry by `Type/id`."""

    def replaced(found: re.Match[bytes]) -> bytes:
        target = _target(msgspec.json.decode(found[2], type=str), resolve)
        return found[0] if target is None else found[1] + msgspec.json.encode(target)

    text = _REFERENCE.sub(replaced, text)
    if b"href" in text or b"src" in text:
        text = _NARRATIVE.sub(lambda found: found[1] + _relinked(found[2], resolve), text)
    if any(_target(msgspec.json.decode(found[0], type=str), resolve) for found in _ADDRESS.finditer(text)):
        text = _addresses(text, resolve)
    return text


def _target(name: str, resolve: Resolve) -> str | None:
    base, hash_sign, fragment = name.partition("#")
    found = resolve(base) if base else None
    return None if found is None else found + hash_sign + fragment


def _relinked(literal: bytes, resolve: Resolve) -> bytes:
    def replaced(found: re.Match[str]) -> str:
        target = _target(found[2] if found[2] is not None else found[3], resolve)
        return found[0] if target is None else f'{found[1]}"{target}"'

    narrative = msgspec.json.decode(literal, type=str)
    after = _LINK.sub(replaced, narrative)
    return literal if after == narrative else msgspec.json.encode(after)


def _addresses(text: bytes, resolve: Resolve) -> bytes:
    """The rare case: elements of the address types, told from strings and canonicals by the definitions."""
    found = msgspec.json.decode(text)
    # A patch has no types: what is set there and names an entry is a reference to it.
    typed = isinstance(found, dict) and "resourceType" in found
    flags = _values(_shape(found, "Resource", ""), found) if typed else repeat(True)

    def replaced(found: re.Match[bytes]) -> bytes:
        if found[2] is not None or not next(flags, False):
            return found[0]
        target = _target(msgspec.json.decode(found[1], type=str), resolve)
        return found[0] if target is None else msgspec.json.encode(target)

    return _LITERAL.sub(replaced, text)


def _values(structure: Structure | None, node: Mapping[str, Any]) -> Iterator[bool]:
    """For each string value in the order of the text: is it an address?"""
    for name, value in node.items():
        element = structure.elements.get(name) if structure is not None else None
        kind = element.type_of(name) if element is not None else "Element" if name.startswith("_") else ""
        shape = (element.reference or element.node) if element is not None else ""
        for one in value if isinstance(value, list) else (value,):
            if isinstance(one, str):
                yield kind in ADDRESSES
            elif isinstance(one, dict):
                yield from _values(_shape(one, kind, shape), one)


def _shape(node: Mapping[str, Any], kind: str, shape: str) -> Structure | None:
    name = shape or (str(node.get("resourceType")) if kind == "Resource" else kind)
    try:
        return definitions().structure(name) if name else None
    except KeyError:
        return None


def conditions_in(text: bytes) -> set[str]:
    """The references such as `Practitioner?identifier=a|b`."""
    return {msgspec.json.decode(found[2], type=str) for found in _CONDITIONAL.finditer(text)} if b"?" in text else set()


def settle(text: bytes, known: Mapping[str, str]) -> bytes:
    """Replace references by condition by what they select."""
    return _CONDITIONAL.sub(
        lambda found: found[1] + msgspec.json.encode(known[msgspec.json.decode(found[2], type=str)]), text
    )


async def select(call: Call, condition: str) -> str:
    """The one resource that a reference by condition selects; PreconditionFailed where it is not one."""
    path, query = split_url(condition)
    visibility = await call.visibility(path[0], "search")
    found = await matches(call, path[0], query, visibility)
    if len(found) != 1:
        raise PreconditionFailed(
            f"A conditional reference to {path[0]} selects {len(found) or 'no'} resources, not one."
        )
    return found[0].reference
