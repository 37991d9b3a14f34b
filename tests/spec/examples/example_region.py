"""Giving the examples to an exchange: by batches of PUTs, the large ones alone."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from typing import Any

from fhir_world import World
from official_package import Example

from records.definitions import definitions

LARGE, BATCH_BYTES, BATCH_ENTRIES = 1_000_000, 4_000_000, 250
Json = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Refusal:
    """What the exchange said against an example: the status, and its first issues as (place, text)."""

    status: int
    issues: tuple[tuple[str, str], ...]


@dataclass(frozen=True, slots=True)
class Exchange:
    """
    `stored` are the examples that were taken, by address; where two files have one address it is the later one.
    `refused` is what was said against the others, by file; `not_offered` are examples of types that are not offered.
    """

    world: World
    stored: dict[str, Example] = field(default_factory=dict)
    refused: dict[str, Refusal] = field(default_factory=dict)
    not_offered: list[Example] = field(default_factory=list)


async def give_all(world: World, package: Iterable[Example]) -> Exchange:
    """PUT every example of an offered type."""
    given = Exchange(world)
    offered = []
    for example in package:
        if example.type in definitions().resource_types:
            offered.append(example)
        else:
            given.not_offered.append(example)
    for batch in _batches(offered):
        await (_alone(given, batch[0]) if len(batch) == 1 else _together(given, batch))
    return given


def _batches(offered: Iterable[Example]) -> Iterator[list[Example]]:
    """Batches of a moderate size; two examples of one address never in the same one."""
    batch: list[Example] = []
    size = 0
    for example in offered:
        if len(example.text) > LARGE:
            yield [example]
            continue
        full = len(batch) == BATCH_ENTRIES or size + len(example.text) > BATCH_BYTES
        if batch and (full or example.path in {one.path for one in batch}):
            yield batch
            batch, size = [], 0
        batch.append(example)
        size += len(example.text)
    if batch:
        yield batch


async def _alone(given: Exchange, example: Example) -> None:
    answer = await given.world.put(example.path, example.text, account="system")
    _note(given, example, answer.status_code, answer.json())


async def _together(given: Exchange, batch: list[Example]) -> None:
    answer = await given.world.post("", bundle_of(batch), account="system")
    assert answer.status_code == 200, answer.text[:500]
    for example, entry in zip(batch, answer.json()["entry"], strict=True):
        response = entry["response"]
        _note(given, example, int(response["status"][:3]), response.get("outcome", {}))


def bundle_of(batch: Iterable[Example]) -> bytes:
    """A batch of PUTs that holds the examples' own bytes."""
    entries = (
        b'{"resource":%s,"request":{"method":"PUT","url":"%s"}}' % (one.text, one.path[1:].encode()) for one in batch
    )
    return b'{"resourceType":"Bundle","type":"batch","entry":[%s]}' % b",".join(entries)


def _note(given: Exchange, example: Example, status: int, outcome: Json) -> None:
    if status in (200, 201):
        given.stored[example.path] = example
        return
    issues = outcome.get("issue", [])
    found = tuple(((one.get("expression") or [""])[0], one.get("diagnostics", "")) for one in issues)
    given.refused[example.file] = Refusal(status, found)
