"""
What use cases work with: the store, the filing that every write passes, identity, words and the clock.

Use cases take a `Work`, never a web request, so that pages, events and tests enter by the same door.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Protocol
from urllib.parse import urlencode

from hie.exchange.holding import Held, nothing_more
from records.resource_store import ResourceStore
from records.stored import EVERYTHING, Json, Page, Stored, Visibility, Write
from terminology.service import Terminology


class Files(Protocol):
    """`hie.exchange.filing.Filing`: identity, validation, store and events in one transaction."""

    async def file(self, writes: Sequence[Write], *, session: Any, source: str) -> list[Stored]: ...


class Persons(Protocol):
    """`hie.identity.registry.ClientRegistry`, as far as use cases ask it."""

    async def person_of(self, patient_id: str) -> str | None: ...

    async def expand(self, person_id: str) -> tuple[str, ...]: ...


class Event(Protocol):
    """`hie.exchange.outbox.Event`, as far as consumers ask it: which resource was written."""

    @property
    def type(self) -> str: ...

    @property
    def resource_id(self) -> str: ...


Sight = Callable[[str, str], Awaitable[Visibility]]


async def everything(_type: str, _interaction: str) -> Visibility:
    """The sight of the exchange itself: event consumers, nightly figures."""
    return EVERYTHING


class Reader:
    """
    Reads for one request, as far as the reader may see, and remembers what was seen for the audit trail.

    `sight(type, interaction)` is the access decision; it raises Refused. `organization` is the identifier
    "system|value" of the reader's institution, where it has one.
    """

    def __init__(self, store: ResourceStore, sight: Sight = everything, organization: str = "") -> None:
        self.store = store
        self.sight = sight
        self.organization = organization
        self.seen: dict[str, Stored] = {}
        # The search that showed each of them; not there for what was read by its id.
        self.asked: dict[str, str] = {}

    async def rows(self, resource_type: str, *params: tuple[str, str]) -> list[Stored]:
        """Every stored resource that a search finds."""
        visibility = await self.sight(resource_type, "search")
        found = [row async for row in self.store.iterate(resource_type, params, visibility=visibility)]
        self._saw(found, resource_type, params)
        return found

    async def first(self, resource_type: str, *params: tuple[str, str], count: int = 1) -> list[Json]:
        """The first few resources of a search, in its order."""
        return [row.resource() for row in await self.top(resource_type, *params, count=count)]

    async def top(self, resource_type: str, *params: tuple[str, str], count: int = 1) -> list[Stored]:
        """The same, as stored."""
        visibility = await self.sight(resource_type, "search")
        asked = (*params, ("_count", str(count)), ("_total", "none"))
        page = await self.store.search(resource_type, asked, visibility=visibility)
        self._saw((*page.matches, *page.included), resource_type, params)
        return list(page.matches)

    async def page(self, resource_type: str, *params: tuple[str, str], count: int = 25, cursor: str = "") -> Page:
        """One page of a search with its total, for long lists."""
        visibility = await self.sight(resource_type, "search")
        asked = (*params, ("_count", str(count)), ("_total", "accurate"))
        found = await self.store.search(resource_type, asked, visibility=visibility, cursor=cursor or None)
        self._saw((*found.matches, *found.included), resource_type, params)
        return found

    async def count(self, resource_type: str, *params: tuple[str, str]) -> int:
        """How many a search would find; shows nobody's data."""
        visibility = await self.sight(resource_type, "search")
        found = await self.store.search(resource_type, (*params, ("_summary", "count")), visibility=visibility)
        return found.total or 0

    async def stream(self, resource_type: str, *params: tuple[str, str]) -> AsyncIterator[Stored]:
        """What a search finds, one after the other, for figures that show nobody: it is not remembered as seen."""
        visibility = await self.sight(resource_type, "search")
        async for row in self.store.iterate(resource_type, params, visibility=visibility):
            yield row

    async def all(self, resource_type: str, *params: tuple[str, str]) -> list[Json]:
        """The same as `rows`, decoded."""
        return [row.resource() for row in await self.rows(resource_type, *params)]

    async def read(self, resource_type: str, resource_id: str) -> Stored:
        """One resource; NotFound, Gone or Refused."""
        visibility = await self.sight(resource_type, "read")
        row = await self.store.read(resource_type, resource_id, visibility=visibility)
        self.seen[row.reference] = row
        self.asked.pop(row.reference, None)
        return row

    async def named(self, resource_type: str, ids: Sequence[str]) -> Mapping[str, Json]:
        """Several resources of a type by id; what may not be seen is left out."""
        found: dict[str, Json] = {}
        wanted = list(dict.fromkeys(value for value in ids if value))
        for start in range(0, len(wanted), 100):
            for resource in await self.all(resource_type, ("_id", ",".join(wanted[start : start + 100]))):
                found[resource["id"]] = resource
        return found

    def _saw(self, rows: Sequence[Stored], resource_type: str, params: Sequence[tuple[str, str]]) -> None:
        query = f"{resource_type}?{urlencode(params, safe='/,:|')}" if params else resource_type
        for row in rows:
            if row.reference not in self.seen:
                self.asked[row.reference] = query
            self.seen[row.reference] = row


@dataclass(frozen=True, slots=True)
class Work:
    """Collaborators of every use case."""

    store: ResourceStore
    filing: Files
    registry: Persons
    terminology: Terminology
    clock: Callable[[], datetime]
    held: Held = nothing_more

    async def file(self, writes: Sequence[Write], source: str) -> list[Stored]:
        """Everything or nothing, with identity and events; Conflict where somebody wrote first."""
        await self.held(writes)
        return await self.store.in_transaction(lambda session: self.filing.file(writes, session=session, source=source))

    async def person(self, patient_id: str) -> str:
        """The person behind a source Patient; the Patient itself until it is linked."""
        return await self.registry.person_of(patient_id) or patient_id

    async def patients(self, patient_id: str) -> tuple[str, ...]:
        """Every source Patient of the same human."""
        person = await self.registry.person_of(patient_id)
        return (await self.registry.expand(person) if person else ()) or (patient_id,)


def create(resource: Json) -> Write:
    """Write a resource that must not exist yet."""
    return Write("create", resource["resourceType"], resource["id"], resource, if_version=0)


def change(row: Stored, resource: Json) -> Write:
    """Write over a version that was read; Conflict where it is no longer the current one."""
    return Write("update", row.type, row.id, resource, if_version=row.version)


def of_patients(patients: Sequence[str]) -> tuple[str, str]:
    """The search parameter for several source Patients."""
    return "patient", ",".join(f"Patient/{patient}" for patient in patients)
