"""
The two sides of a message: each field as sent, and beside it the element that it went to as it stands in the stores.

Read with the sight of whoever looks: of a record that he may not see he sees neither the message nor what it became.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from hie.applications.administration.original import Original, Translated, pretty
from hie.workbench.desk import Visit
from records.resource_store import ResourceStore
from records.stored import EVERYTHING, Json, encode

LONGEST = 300


@dataclass(frozen=True, slots=True)
class Now:
    """A resource of the message as it is now; `version` 0: it is not in the stores, or not for this reader."""

    translated: Translated
    version: int = 0
    text: str = ""


@dataclass(frozen=True, slots=True)
class Beside:
    """What the message became. `withheld`: it is about somebody whose record this reader may not see."""

    resources: Sequence[Now] = ()
    withheld: bool = False
    current: Mapping[str, Sequence[Json]] = field(default_factory=dict)

    def value(self, element: str) -> str:
        """What an element ("Patient.name") holds now, where one resource of the message is of that type; else ""."""
        kind, _, path = element.partition(".")
        found = self.current.get(kind, ())
        return shown(found[0], path) if len(found) == 1 else ""

    def count(self, element: str) -> int:
        """How many resources of the message have that element."""
        kind, _, path = element.partition(".")
        return sum(1 for one in self.current.get(kind, ()) if shown(one, path))


async def beside(visit: Visit, store: ResourceStore, original: Original) -> Beside:
    """Read what the message became, as far as the reader may see it."""
    if await _withheld(visit, store, original.subjects):
        return Beside(withheld=True)
    ids: dict[str, list[str]] = {}
    for one in original.resources:
        ids.setdefault(one.type, []).append(one.id)
    current = {kind: await visit.reader.named(kind, listed) for kind, listed in ids.items()}
    now = [_now(visit, one, current[one.type].get(one.id)) for one in original.resources]
    return Beside(now, current={kind: list(found.values()) for kind, found in current.items()})


async def _withheld(visit: Visit, store: ResourceStore, subjects: Sequence[str]) -> bool:
    stored = await store.read_many([f"Patient/{one}" for one in subjects], visibility=EVERYTHING)
    known = [reference.partition("/")[2] for reference in stored]
    return bool(set(known) - set(await visit.reader.named("Patient", known)))


def _now(visit: Visit, one: Translated, resource: Json | None) -> Now:
    if resource is None:
        return Now(one, text=one.text)
    return Now(one, visit.reader.seen[one.reference].version, pretty(resource))


def shown(resource: Json, path: str) -> str:
    """An element as text, without the braces of a single value; "" where it is not there."""
    found = _at(resource, path)
    if found in (None, [], {}):
        return ""
    text = found if isinstance(found, str) else encode({"v": found}).decode()[5:-1]
    return text if len(text) <= LONGEST else f"{text[:LONGEST]}…"


def _at(value: Any, path: str) -> Any:
    if path.startswith("extension("):
        ending = path.removeprefix("extension(").removesuffix(")")
        return [one for one in value.get("extension", ()) if str(one.get("url", "")).endswith(ending)]
    for name in path.split("."):
        if isinstance(value, list):
            value = [inner for one in value if isinstance(one, dict) and (inner := _named(one, name)) is not None]
        elif isinstance(value, dict):
            value = _named(value, name)
        else:
            return None
    return value


def _named(value: Json, name: str) -> Any:
    """An element; a choice (`value`) is found by what it begins with."""
    if name in value:
        return value[name]
    rest = len(name)
    chosen = (one for key, one in value.items() if key.startswith(name) and key[rest : rest + 1].isupper())
    return next(chosen, None)
