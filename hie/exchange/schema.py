"""
The schema of the stores: which release wrote them, what has to change, and that an older release keeps away.

Migrations go forward only and may be repeated. https://www.mongodb.com/docs/manual/data-modeling/schema-design-process/
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from typing import Any

from hie.errors import Unavailable
from hie.exchange.database import Client, Database, exchange_database
from hie.exchange.ids import Clock, now


@dataclass(frozen=True, slots=True)
class Migration:
    """One step: afterwards the stores are at `version`. `run(client, prefix)` may run twice."""

    version: int
    title: str
    run: Callable[[Client, str], Awaitable[None]]


async def _nothing(_client: Client, _prefix: str) -> None:
    """The first schema is what an empty database becomes by itself."""


async def _search_keys(client: Client, prefix: str) -> None:
    """Keys of every resource in this release's form; the exchange itself finds sites and persons by them."""
    from records.resource_store import ResourceStore

    await ResourceStore(client, prefix).bring_up()


async def _sparse_links(client: Client, prefix: str) -> None:
    """The indexes of links leave out what is no link; a start makes them anew."""
    database = exchange_database(client, prefix)
    if "links" in await database.list_collection_names():
        await database["links"].drop_indexes()
    await database["identity_turns"].drop()


MIGRATIONS: tuple[Migration, ...] = (
    Migration(1, "the first schema", _nothing),
    Migration(2, "search keys are made again", _search_keys),
    Migration(3, "newcomers take turns beside the links", _sparse_links),
)


class Schema:
    """Collection `schema`: one document, `_id` "stores"."""

    def __init__(
        self, client: Client, prefix: str, *, migrations: Sequence[Migration] = MIGRATIONS, clock: Clock = now
    ) -> None:
        self._client, self._prefix = client, prefix
        self._database: Database = exchange_database(client, prefix)
        self._migrations, self._clock = migrations, clock

    @property
    def newest(self) -> int:
        """The schema of this release."""
        return self._migrations[-1].version

    async def version(self) -> int:
        """The schema of the stores; 0 where nobody wrote yet."""
        found: dict[str, Any] | None = await self._database["schema"].find_one({"_id": "stores"})
        return int(found["version"]) if found else 0

    async def waiting(self) -> list[Migration]:
        """What would bring the stores to this release; Unavailable where they are of a newer one."""
        current = await self.version()
        if current > self.newest:
            raise Unavailable(
                f"The stores have schema {current}, this release knows {self.newest}: a newer release wrote them."
            )
        return [one for one in self._migrations if one.version > current]

    async def migrate(self, say: Callable[[str], None] = lambda _: None) -> int:
        """Run what waits, step by step; returns how many steps."""
        steps = await self.waiting()
        for step in steps:
            say(f"Schema {step.version}: {step.title}")
            await step.run(self._client, self._prefix)
            await self._write(step.version)
        return len(steps)

    async def check(self) -> None:
        """At a start: an empty store becomes this release's; Unavailable where one has to migrate first."""
        steps = await self.waiting()
        if not steps:
            return
        if await self.version() > 0:
            raise Unavailable("The stores are of an older release: run `hie migrate` first.")
        await self._write(self.newest)

    async def _write(self, version: int) -> None:
        change = {"$max": {"version": version}, "$set": {"at": self._clock()}}
        await self._database["schema"].update_one({"_id": "stores"}, change, upsert=True)
