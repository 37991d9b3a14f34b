"""
Pieces of an event that differ in one text alone: encoded and indexed once, the text put in where it stands.

https://hl7.org/fhir/R4/auditevent.html
"""

from __future__ import annotations

import re
import secrets
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

import msgspec

from records.search import index
from records.stored import Json, encode

# Stands where the text comes; no caller can know it. It has the form of an id, and is found as one.
MARK = secrets.token_hex(16)
# Taken over into search keys as it is; anything else is indexed by itself.
_PLAIN = re.compile(r"[a-z0-9\-]{1,64}")
_ID = re.compile(r"[A-Za-z0-9\-.]{1,64}")

Make = Callable[[str], Json]


@dataclass(frozen=True, slots=True)
class Piece:
    """One entity of an event: `own` keys name what it is, those in `kind` say only of which kind it is."""

    text: bytes = b""
    own: tuple[str, ...] = ()
    kind: tuple[str, ...] = ()
    sort: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Template:
    """An entity with a place for one text; `exact`: keys keep the case of what is put in."""

    make: Make
    before: bytes
    after: bytes
    keys: tuple[tuple[str, str], ...]
    kind: tuple[str, ...]
    sort: tuple[tuple[str, str], ...]
    exact: bool

    def fill(self, value: str, behind: str = "") -> Piece:
        """The entity of a value; `behind` stands behind it in the text and is not looked for."""
        if self.keys and not (_ID if self.exact else _PLAIN).fullmatch(value):
            return piece(self.make(value + behind), self.kind)
        text = self.before + msgspec.json.encode(value + behind)[1:-1] + self.after
        own = tuple([f"{before}{value}{after}" for before, after in self.keys])
        return Piece(text, own, self.kind, {code: one.replace(MARK, value) for code, one in self.sort})


def piece(entity: Json, kind: tuple[str, ...]) -> Piece:
    """The piece of one entity without a template; of `kind` are the keys that others have as well."""
    found = index({"resourceType": "AuditEvent", "entity": [entity]})
    own = tuple(key for key in found.keys if key not in kind)
    return Piece(encode(entity), own, tuple(key for key in found.keys if key in kind), found.sort)


def template(make: Make, *, exact: bool, behind: str = "") -> Template:
    """The template of everything that `make` makes; `behind` is such as `fill` will have."""
    before, _, after = encode(make(MARK)).partition(MARK.encode("ascii"))
    found = piece(make(MARK + behind), ())
    marked = tuple((one.partition(MARK)[0], one.partition(MARK)[2]) for one in found.own if MARK in one)
    kind = tuple(one for one in found.own if MARK not in one)
    return Template(make, before, after, marked, kind, tuple(found.sort.items()), exact)
