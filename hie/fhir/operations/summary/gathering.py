"""
The searches of all sections, run together, and what each section takes of their rows.

https://hl7.org/fhir/uv/ips/Generation-and-Data-Inclusion.html
"""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date

from hie.fhir.operations.sights import Sights
from hie.fhir.operations.summary.rules import Section, Source
from records.stored import Json, Stored

AT_ONCE = 6
MOMENTS = (
    "effectiveDateTime", "effectiveInstant", "performedDateTime", "occurrenceDateTime", "recordedDate", "authoredOn",
    "onsetDateTime", "whenHandedOver", "whenPrepared", "timingDateTime", "recordedOn", "dateTime", "date", "issued",
    "dateAsserted", "created",
)  # fmt: skip
PERIODS = ("effectivePeriod", "performedPeriod", "onsetPeriod", "timingPeriod", "period")


@dataclass(frozen=True, slots=True)
class Item:
    """A row and what it says; decimals are as they were written."""

    row: Stored
    resource: Json

    @property
    def reference(self) -> str:
        """Relative reference."""
        return self.row.reference


async def gather(
    sights: Sights, sections: Sequence[Section], patients: tuple[str, ...], today: date
) -> dict[str, list[Item]]:
    """The items of each section, by its key."""
    turns = asyncio.Semaphore(AT_ONCE)
    for kind in {source.type for section in sections for source in section.sources}:
        # Decided once each, before the searches run side by side.
        await sights(kind)

    async def found(source: Source) -> list[Item]:
        async with turns:
            return await _search(sights, source, patients, today)

    everything = await asyncio.gather(*(found(source) for section in sections for source in section.sources))
    rest = iter(everything)
    return {section.key: _once([item for _ in section.sources for item in next(rest)]) for section in sections}


async def _search(sights: Sights, source: Source, patients: tuple[str, ...], today: date) -> list[Item]:
    visibility = await sights(source.type)
    if visibility is None:
        return []
    store = sights.call.services.store
    page = await store.search(source.type, source.params(patients, today), visibility=visibility)
    return take(source, [Item(row, row.resource()) for row in page.matches])


def take(source: Source, items: Iterable[Item]) -> list[Item]:
    """The first items, at most so many of one code and so many in all."""
    taken: list[Item] = []
    seen: Counter[str] = Counter()
    for item in items:
        if any(item.resource.get(name) not in allowed for name, allowed in source.keep.items()):
            continue
        code = code_of(item.resource)
        seen[code] += 1
        if not code or seen[code] <= source.each:
            taken.append(item)
        if len(taken) == source.limit:
            break
    return taken


def code_of(resource: Json) -> str:
    """What a resource is about, for counting; "" where it says nothing that can be compared."""
    concept = resource.get("code") or {}
    for coding in concept.get("coding", ()):
        if coding.get("code"):
            return f"{coding.get('system', '')}|{coding['code']}"
    return str(concept.get("text", ""))


def moment(resource: Json) -> str:
    """When it was, as the source wrote it; "" where it does not say."""
    for name in MOMENTS:
        if isinstance(resource.get(name), str):
            return str(resource[name])
    for name in PERIODS:
        period = resource.get(name) or {}
        if period.get("start") or period.get("end"):
            return str(period.get("start") or period["end"])
    return ""


def _once(items: Sequence[Item]) -> list[Item]:
    """Each row once; the order of the sources of rule data, then newest first."""
    return list({item.reference: item for item in items}.values())
