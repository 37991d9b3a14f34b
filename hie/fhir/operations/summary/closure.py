"""
A document stands by itself: what its resources point at comes along, and no literal reference leads nowhere.

https://hl7.org/fhir/R4/documents.html#content, https://hl7.org/fhir/R4/bundle.html#references
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from hie.fhir.operations.sights import Sights
from hie.fhir.operations.summary.gathering import Item
from records.errors import TooCostly
from records.stored import Json, encode

URI = "urn:ietf:rfc:3986"
_LITERAL = re.compile(r"(?P<to>[A-Z][A-Za-z]+/[A-Za-z0-9\-.]{1,64})(?:/_history/(?P<version>[A-Za-z0-9\-.]{1,64}))?")


@dataclass(frozen=True, slots=True)
class Target:
    """What a literal reference names at this server: `Type/id`, perhaps one version of it."""

    to: str
    version: str = ""


def target(literal: str, base: str) -> Target | None:
    """Relative, or absolute below our own base; None for everything else."""
    found = _LITERAL.fullmatch(literal.removeprefix(f"{base}/"))
    return Target(found["to"], found["version"] or "") if found else None


def references(value: Any) -> Iterator[Json]:
    """Every Reference with a literal, also in contained resources and extensions."""
    if isinstance(value, dict):
        if isinstance(value.get("reference"), str):
            yield value
        for inner in value.values():
            yield from references(inner)
    elif isinstance(value, list):
        for inner in value:
            yield from references(inner)


async def supporting(
    sights: Sights, items: Sequence[Item], kinds: Iterable[str], *, depth: int, most: int
) -> list[Item]:
    """What these point at, of some types, step by step; only what the caller may see."""
    wanted, known = frozenset(kinds), {item.reference for item in items}
    fresh, found = list(items), list[Item]()
    for _ in range(depth):
        asked = _pointed_at(fresh, wanted, sights.call.base) - known
        if not asked:
            break
        known |= asked
        rows = await sights.read_many(sorted(asked))
        fresh = [Item(row, row.resource()) for row in rows.values()]
        found += fresh
        if len(items) + len(found) > most:
            raise TooCostly(f"A summary may have {most} resources.", status=422)
    return found


def _pointed_at(items: Iterable[Item], kinds: frozenset[str], base: str) -> set[str]:
    found = (target(one["reference"], base) for item in items for one in references(item.resource))
    return {one.to for one in found if one is not None and one.to.partition("/")[0] in kinds}


@dataclass(frozen=True, slots=True)
class Closing:
    """
    Makes each resource's references lead to an entry of the document.

    `versions` are the entries by reference; `same` maps the other source Patients of the human to the subject, for a
    summary has one Patient. What has no entry becomes a logical reference to its address.
    """

    base: str
    versions: Mapping[str, str]
    same: Mapping[str, str]

    def text(self, item: Item, complete: Callable[[Json], Json] = lambda resource: resource) -> bytes:
        """The stored text, or where something had to change a copy of it; decimals stay as they were written."""
        closed = complete(self._closed(item.resource, own=item.reference))
        return item.row.text if closed is item.resource else encode(closed)

    def _closed(self, value: Any, *, own: str) -> Any:
        if isinstance(value, list):
            inner = [self._closed(one, own=own) for one in value]
            return value if all(a is b for a, b in zip(inner, value, strict=True)) else inner
        if not isinstance(value, dict):
            return value
        closed = {name: self._closed(one, own=own) for name, one in value.items()}
        changed = closed if any(closed[name] is not value[name] for name in value) else value
        return self._reference(changed, own) if isinstance(value.get("reference"), str) else changed

    def _reference(self, value: Json, own: str) -> Json:
        literal = value["reference"]
        named = target(literal, self.base)
        if named is None:
            return value if literal.startswith("#") else self._logical(value, literal, "")
        to = self.same.get(named.to, named.to)
        # A record's link to another record of the same human would point at itself.
        itself = to == own and named.to != own
        if itself or to not in self.versions or named.version not in ("", self.versions[to]):
            return self._logical(value, f"{self.base}/{named.to}", named.to.partition("/")[0])
        return value if to == named.to else {**value, "reference": to}

    def _logical(self, value: Json, address: str, kind: str) -> Json:
        rest = {name: one for name, one in value.items() if name not in ("reference", "_reference")}
        if kind:
            rest.setdefault("type", kind)
        return rest if "identifier" in rest else {**rest, "identifier": {"system": URI, "value": address}}
