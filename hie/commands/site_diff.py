"""
The difference that a new profile makes: what one message becomes under the profile in force, and under the new one.

Resources and elements by name, never their values: those are the patients'.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

from adapters.facts import Fact, Json, Translation
from hie.commands.samples import Sample, unmapped

Kind = Literal["+", "-", "~"]
SHOWN = 40
_OWN = frozenset({"meta", "id", "resourceType"})


@dataclass(frozen=True, slots=True)
class Difference:
    """`+` comes, `-` goes, `~` is otherwise; `what` is a resource, an element or an unmapped part, as text."""

    kind: Kind
    what: str


@dataclass(frozen=True, slots=True)
class Change:
    """What is otherwise with one message."""

    type: str
    lines: tuple[Difference, ...]


def changed(before: Sample, after: Sample) -> Change:
    """Compare one message under both profiles."""
    kind = after.type or before.type or "not readable"
    if before.refused or after.refused:
        return Change(kind, tuple(_refused(before.refused, after.refused)))
    lines = [*_type(before, after), *_resources(before.translation, after.translation)]
    return Change(kind, (*lines, *_unmapped(before.translation, after.translation)))


def _refused(before: str, after: str) -> Iterator[Difference]:
    if before == after:
        return
    if before:
        yield Difference("-", f"refused: {before}")
    if after:
        yield Difference("+", f"refused: {after}")


def _type(before: Sample, after: Sample) -> Iterator[Difference]:
    if before.type != after.type:
        yield Difference("~", f"message type {before.type} is {after.type}")
    if before.translation.translated != after.translation.translated:
        yield Difference("+" if after.translation.translated else "-", "translated at all")


def _resources(before: Translation, after: Translation) -> Iterator[Difference]:
    old, new = _facts(before), _facts(after)
    for key in old.keys() | new.keys():
        one, other = old.get(key), new.get(key)
        if one is None or other is None:
            yield Difference("+" if one is None else "-", key[0])
            continue
        if one.id != other.id:
            yield Difference("~", f"{key[0]}: known by another identifier")
        yield from _elements(key[0], _plain(one.resource), _plain(other.resource))


def _facts(translation: Translation) -> Mapping[tuple[str, int], Fact]:
    """By type and place: an id may change with the identifiers, and the resource be the same."""
    numbers: Counter[str] = Counter()
    found = {}
    for fact in translation.facts:
        numbers[fact.type] += 1
        found[fact.type, numbers[fact.type]] = fact
    return found


def _plain(resource: Json) -> dict[str, Any]:
    """Elements below backbone elements by their own names; `extension` by its url."""
    found: dict[str, Any] = {}
    for name, value in resource.items():
        if name in _OWN:
            continue
        if name == "extension":
            found |= {f"extension({one['url'].rpartition('/')[2]})": one for one in value if "as-of" not in one["url"]}
        elif isinstance(value, dict) and not {"coding", "reference", "system"} & value.keys():
            found |= {f"{name}.{inner}": one for inner, one in value.items()}
        else:
            found[name] = value
    return found


def _elements(kind: str, before: Mapping[str, Any], after: Mapping[str, Any]) -> Iterator[Difference]:
    for name in before.keys() | after.keys():
        if name not in before:
            yield Difference("+", f"{kind}.{name}")
        elif name not in after:
            yield Difference("-", f"{kind}.{name}")
        elif before[name] != after[name] and not _same_reference(before[name], after[name]):
            yield Difference("~", f"{kind}.{name}")


def _same_reference(one: Any, other: Any) -> bool:
    """References to a resource whose id is another now say nothing new."""
    if not (isinstance(one, dict) and isinstance(other, dict) and "reference" in one and "reference" in other):
        return False
    return bool(one["reference"].partition("/")[0] == other["reference"].partition("/")[0])


def _unmapped(before: Translation, after: Translation) -> Iterator[Difference]:
    old, new = set(unmapped(before)), set(unmapped(after))
    yield from (Difference("-", f"not mapped: {one}") for one in old - new)
    yield from (Difference("+", f"not mapped: {one}") for one in new - old)


def shown(changes: Sequence[Change]) -> Iterator[str]:
    """Lines for reading, by message type."""
    by_type: dict[str, list[Change]] = {}
    for change in changes:
        by_type.setdefault(change.type, []).append(change)
    for kind, found in sorted(by_type.items()):
        yield f"{kind}: {len(found)} message{'s' if len(found) > 1 else ''}"
        yield from _lines(found)
    touched = sum(bool(change.lines) for change in changes)
    yield f"{len(changes)} messages: {touched} would be read otherwise under the new profile. Nothing was stored."


def _lines(found: Sequence[Change]) -> Iterator[str]:
    counted: Counter[Difference] = Counter()
    for change in found:
        counted.update(set(change.lines))
    order = sorted(counted.items(), key=lambda one: (one[0].what.startswith("not mapped"), one[0].what, one[0].kind))
    for difference, count in order[:SHOWN]:
        yield f"  {difference.kind} {difference.what:<60} {count:>5}"
    if len(order) > SHOWN:
        yield f"    ... and {len(order) - SHOWN} more"
    if not order:
        yield "    as before"
