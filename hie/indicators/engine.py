"""
The one engine: asks a module's collector for rows, makes the value, and keeps closed periods as they were.

Specification: region-1251 section 3 (one engine, frozen periods), MGT-04.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Protocol

from pymongo import AsyncMongoClient
from pymongo.errors import DuplicateKeyError

from hie.errors import Unprocessable
from hie.indicators import periods
from hie.indicators.catalogue import catalogue
from hie.indicators.indicator import ZONE, Evidence, Indicator, Value, Window, evaluate
from records.stored import Json


class Source(Protocol):
    """Where a collector reads: resources as far as the reader may see them."""

    async def all(self, resource_type: str, *params: tuple[str, str]) -> list[Json]:
        """Every resource that a search finds."""
        ...


Collector = Callable[[Source, Window], Awaitable[Evidence]]


@dataclass(frozen=True, slots=True)
class Indicators:
    """Figures of the region; `collectors` by indicator id, from the five modules."""

    client: AsyncMongoClient[dict[str, Any]]
    prefix: str
    clock: Callable[[], datetime]
    collectors: Mapping[str, Collector]
    definitions: Mapping[str, Indicator] = field(default_factory=catalogue)

    def definition(self, indicator: str) -> Indicator:
        """The definition; Unprocessable where there is none, or nobody collects it."""
        if indicator not in self.definitions or indicator not in self.collectors:
            raise Unprocessable("There is no such indicator.")
        return self.definitions[indicator]

    async def value(self, indicator: str, window: Window, source: Source, facility: str = "") -> Value:
        """The figure of one facility, or of all; the frozen one where the period is closed."""
        values = await self._evidence(indicator, window, source)
        return values(facility)

    async def by_facility(self, indicator: str, window: Window, source: Source) -> tuple[Value, ...]:
        """The figure of the region first, then of each facility that has rows."""
        values = await self._evidence(indicator, window, source)
        overall = values("")
        return (overall, *(values(name) for name in overall.evidence.facilities if name))

    async def freeze(self, indicator: str, window: Window, source: Source) -> Value:
        """Close a period: what it shows then stays. Unprocessable before its end; a second time changes nothing."""
        definition = self.definition(indicator)
        now = self.clock()
        if window.end > now.astimezone(ZONE).date():
            raise Unprocessable("A period is closed after its end.")
        if await self._frozen(definition, window) is None:
            evidence = await self.collectors[indicator](source, window)
            await self._keep(definition, window, evidence, now)
        return await self.value(indicator, window, source)

    async def _evidence(self, indicator: str, window: Window, source: Source) -> Callable[[str], Value]:
        definition = self.definition(indicator)
        frozen = await self._frozen(definition, window)
        evidence, moment = frozen or (await self.collectors[indicator](source, window), None)

        def values(facility: str) -> Value:
            return periods.closed(evaluate(definition, evidence, window, facility), moment)

        return values

    async def _frozen(self, definition: Indicator, window: Window) -> tuple[Evidence, datetime] | None:
        database = self.client[f"{self.prefix}_exchange"]
        key = periods.key(definition, window)
        head = await database["indicator_periods"].find_one({"_id": key})
        if head is None:
            return None
        parts = database["indicator_rows"].find({"period": key}).sort("part", 1)
        return periods.evidence(head, [part async for part in parts]), head["at"]

    async def _keep(self, definition: Indicator, window: Window, evidence: Evidence, now: datetime) -> None:
        database = self.client[f"{self.prefix}_exchange"]
        head, parts = periods.documents(definition, window, evidence, now)

        async def write(session: Any) -> None:
            await database["indicator_periods"].insert_one(head, session=session)
            if parts:
                await database["indicator_rows"].insert_many(parts, session=session)

        async with self.client.start_session() as session:
            try:
                await session.with_transaction(write)
            except DuplicateKeyError:
                return  # somebody else closed the same period a moment ago; theirs stands
