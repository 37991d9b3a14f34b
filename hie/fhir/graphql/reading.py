"""
What one query reads: each resource once, many in one question to the store, everything noted for the trail.

https://hl7.org/fhir/R4/graphql.html
"""

from __future__ import annotations

import asyncio
import re
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

from hie.fhir.call import Call
from hie.fhir.graphql.limits import Meter
from hie.fhir.operations.sights import Sights
from records.definitions import definitions
from records.errors import Gone, NotFound
from records.stored import Json, Stored

Path = tuple[str | int, ...]
AT_ONCE = 8
_LOCAL = re.compile(
    r"(?P<name>(?P<type>[A-Z][A-Za-z]+)/[A-Za-z0-9\-.]{1,64})(?:/_history/(?P<version>[A-Za-z0-9\-.]{1,64}))?"
)


@dataclass(slots=True)
class Reading:
    """The context of one query: `rows` are what was read, `slices` the names that a @slice gave to a list's entries."""

    call: Call
    rows: dict[tuple[str, int], Stored] = field(default_factory=dict)
    slices: dict[Path, list[str]] = field(default_factory=dict)
    meter: Meter = field(default_factory=Meter)
    gate: asyncio.Semaphore = field(default_factory=lambda: asyncio.Semaphore(AT_ONCE))
    reads: Sights = field(init=False)
    searches: Sights = field(init=False)
    groups: dict[Any, Any] = field(default_factory=dict)
    _resources: dict[tuple[str, int], Json] = field(default_factory=dict)
    _holders: dict[int, Json] = field(default_factory=dict)
    _asked: dict[str, asyncio.Future[Stored | None]] = field(default_factory=dict)
    _waiting: list[str] = field(default_factory=list)
    tasks: set[asyncio.Task[None]] = field(default_factory=set)

    def __post_init__(self) -> None:
        self.reads, self.searches = Sights(self.call, "read"), Sights(self.call, "search")

    def opened(self, row: Stored) -> Json:
        """The resource of a row that is shown: the trail will know of it."""
        self.rows[row.reference, row.version] = row
        return self.decoded(row)

    def decoded(self, row: Stored) -> Json:
        """The resource of a row, decoded once."""
        key = (row.reference, row.version)
        if key not in self._resources:
            self._resources[key] = resource = row.resource()
            if "contained" in resource:
                self._hold(resource, resource)
        return self._resources[key]

    def count(self, rows: Iterable[Stored]) -> None:
        """Rows that a search found: those that the query did not know yet are counted."""
        self.meter.read(sum((row.reference, row.version) not in self._resources for row in rows))

    def holder_of(self, node: Json) -> Json | None:
        """The resource that an element is in, where it has contained resources."""
        return self._holders.get(id(node))

    def _hold(self, node: Any, holder: Json) -> None:
        for one in node.values() if isinstance(node, dict) else node if isinstance(node, list) else ():
            self._hold(one, holder)
        if isinstance(node, dict):
            self._holders[id(node)] = holder

    # References

    async def follow(self, literal: str, wanted: str | None) -> Json | None:
        """What a literal reference leads to; None where that is nothing, may not be seen, or is not of the type."""
        found = _LOCAL.fullmatch(literal.removeprefix(self.call.base + "/"))
        if found is None or found["type"] not in definitions().resource_types or wanted not in (None, found["type"]):
            return None
        row = await self.load(found["name"])
        if row is not None and found["version"] not in (None, str(row.version)):
            row = await self._version(row, found["version"])
        return None if row is None else self.opened(row)

    def load(self, reference: str) -> asyncio.Future[Stored | None]:
        """A resource by reference; all that are asked for in one turn of the loop are read together."""
        if reference not in self._asked:
            loop = asyncio.get_running_loop()
            self._asked[reference] = loop.create_future()
            if not self._waiting:
                loop.call_soon(self._start)
            self._waiting.append(reference)
        return self._asked[reference]

    def _start(self) -> None:
        references, self._waiting = self._waiting, []
        task = asyncio.get_running_loop().create_task(self._read(references))
        self.tasks.add(task)
        task.add_done_callback(self.tasks.discard)

    async def _read(self, references: list[str]) -> None:
        try:
            self.meter.read(len(references))
            found = await self.reads.read_many(references)
        except Exception as error:
            for one in references:
                self._asked[one].set_exception(error)
                # Whoever asked may have gone already: a failure that nobody hears is not another one.
                self._asked[one].exception()
            return
        for one in references:
            self._asked[one].set_result(found.get(one))

    async def _version(self, row: Stored, version: str) -> Stored | None:
        visibility = await self.reads(row.type)
        if visibility is None or not version.isdigit():
            return None
        try:
            return await self.call.services.store.vread(row.type, row.id, int(version), visibility=visibility)
        except (NotFound, Gone):
            return None
