"""
The two stores and the registries behind one door: read, search, history, write, all by type and id.

Everything a caller may not see is left out by the database, so that pages and totals are right.
https://hl7.org/fhir/R4/http.html
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable, Iterable, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from typing import TypeVar

from pymongo.asynchronous.client_session import AsyncClientSession

from records.collections import Client, Collections
from records.documents import WITHOUT_KEYS, Document, moment, to_stored, visible
from records.errors import Gone, NotFound
from records.past import Past
from records.reindexing import Keeper, Reindexer, finish
from records.reindexing.keeper import by_own_definitions
from records.search.cursors import Cursors, Place
from records.search.custom import in_force
from records.search.dictionary import NO_DICTIONARY, Dictionary
from records.search.everything import walk
from records.search.key import both
from records.search.request import compartment
from records.search.request import read as read_request
from records.search.run import Ends, Searcher
from records.search.snapshots import at_one_moment
from records.stored import EVERYTHING, Page, Stored, Visibility, Write
from records.transactions import in_transaction, once
from records.turns import Turns
from records.writing import Writer

T = TypeVar("T")
DEFAULT_COUNT, MOST_ROWS = 20, 1_000
WALK = 500


class ResourceStore:
    """`base` is the server's own FHIR address, taken off absolute references in searches."""

    def __init__(
        self,
        client: Client,
        prefix: str,
        *,
        base: str = "",
        default_count: int = DEFAULT_COUNT,
        max_count: int = MOST_ROWS,
        dictionary: Dictionary = NO_DICTIONARY,
        clock: Callable[[], datetime] = lambda: datetime.now(UTC),
    ) -> None:
        self._client = client
        self.collections = Collections(client, prefix)
        self.parameters = Keeper(client, prefix, self.collections)
        self._writer = Writer(self.collections)
        self._cursors = Cursors(self.collections.secrets)
        self.turns = Turns()
        self._base, self._clock, self._dictionary = base, clock, dictionary
        self._default_count, self._max_count = default_count, max_count

    async def ensure_indexes(self) -> None:
        """Make what is missing; changes nothing otherwise. An empty store is one of this release from then on."""
        await self.collections.ensure_indexes()
        await self.parameters.refresh()

    async def in_transaction(self, work: Callable[[AsyncClientSession], Awaitable[T]]) -> T:
        """Run `work` in one transaction; it may run again from its start."""
        async with self.parameters.writing():
            return await in_transaction(self._client, self.collections, work)

    async def attempt(self, work: Callable[[AsyncClientSession], Awaitable[T]]) -> T:
        """Run `work` in one transaction, once; raises whatever came between."""
        async with self.parameters.writing():
            return await once(self._client, work)

    # Writing

    async def apply(self, writes: Sequence[Write], *, session: AsyncClientSession | None = None) -> list[Stored]:
        """
        Write all or nothing; returns the new versions in order. Without a session it is a transaction of its own.

        Conflict where a version or an id is not as the write says; NotFound for a delete of nothing.
        """
        if session is None:
            return await self.in_transaction(lambda own: self.apply(writes, session=own))
        await self.parameters.record(writes, session)
        return await self._writer.apply(writes, moment(self._clock()), session)

    async def reserve(self, keys: Iterable[str], *, session: AsyncClientSession) -> None:
        """Take reservations; of two transactions that want one, the later starts anew and sees what the first made."""
        await self.collections.lock(keys, self._clock(), session)

    # Reading

    async def read(
        self,
        resource_type: str,
        resource_id: str,
        *,
        visibility: Visibility = EVERYTHING,
        session: AsyncClientSession | None = None,
    ) -> Stored:
        """The current version; NotFound where there is none or it may not be seen, Gone where it was deleted."""
        sight = visible(resource_type, visibility)
        found = None
        if sight is not None:
            found = await self.collections.of(resource_type).find_one(
                both([{"_id": resource_id}, sight]), WITHOUT_KEYS, session=session
            )
        if found is None:
            raise NotFound("There is no such resource.")
        if found["d"]:
            raise Gone("The resource was deleted.")
        return to_stored(resource_type, found)

    async def vread(
        self,
        resource_type: str,
        resource_id: str,
        version: int,
        *,
        visibility: Visibility = EVERYTHING,
        session: AsyncClientSession | None = None,
    ) -> Stored:
        """One version; NotFound, or Gone where that version is the deletion."""
        found = await Past(self.collections, visibility, session).version(resource_type, resource_id, version)
        if found.deleted:
            raise Gone("The resource was deleted in this version.")
        return found

    async def read_many(
        self,
        references: Sequence[str],
        *,
        visibility: Visibility = EVERYTHING,
        session: AsyncClientSession | None = None,
    ) -> dict[str, Stored]:
        """Current versions by reference ("Patient/1"), deleted ones too; what is not there or not seen is left out."""
        by_type: dict[str, list[str]] = {}
        for reference in references:
            kind, _, identity = reference.partition("/")
            by_type.setdefault(kind, []).append(identity)
        found: dict[str, Stored] = {}
        for kind, ids in by_type.items():
            if (sight := visible(kind, visibility)) is not None:
                asked = both([{"_id": {"$in": ids}}, sight])
                rows = self.collections.of(kind).find(asked, WITHOUT_KEYS, session=session)
                found |= {f"{kind}/{row['_id']}": to_stored(kind, row) async for row in rows}
        return found

    @by_own_definitions
    async def search(
        self,
        resource_type: str,
        params: Sequence[tuple[str, str]],
        *,
        visibility: Visibility = EVERYTHING,
        lenient: bool = False,
        cursor: str | None = None,
        within: tuple[str, str] | None = None,
        owner: str = "",
        session: AsyncClientSession | None = None,
    ) -> Page:
        """
        One page of what matches; UnknownParameter, TooCostly.

        `within` is a compartment, e.g. ("Encounter", "e1"). A cursor holds for the `owner` it was made for alone.
        """
        request = read_request(resource_type, params, lenient=lenient)
        if within is not None:
            request = replace(request, within=compartment(*within, resource_type))
        size = self._default_count if request.count is None else min(request.count, self._max_count)
        place = await self._cursors.open(cursor, request, owner) if cursor else Place(())

        async def work(one: AsyncClientSession | None) -> tuple[Page, Ends]:
            searcher = Searcher(self.collections, visibility, one, self._base, self._dictionary)
            return await searcher.leaf(request, size, place.values if cursor else None, back=place.back)

        if session is not None:
            return (await work(session))[0]
        (page, ends), at = await at_one_moment(self._client, place.at, work)
        if ends.last is not None:
            page = replace(page, next_cursor=await self._cursors.seal(Place(tuple(ends.last), at), request, owner))
        if ends.first is not None:
            before = Place(tuple(ends.first), at, back=True)
            page = replace(page, previous_cursor=await self._cursors.seal(before, request, owner))
        return page

    async def condition(
        self, resource_type: str, params: Sequence[tuple[str, str]], *, visibility: Visibility = EVERYTHING
    ) -> Document | None:
        """What a search asks the database for, with the caller's sight in it; None where nothing may be seen."""
        request = read_request(resource_type, params)
        return await Searcher(self.collections, visibility, None, self._base, self._dictionary).condition(request)

    async def iterate(
        self,
        resource_type: str,
        params: Sequence[tuple[str, str]] = (),
        *,
        visibility: Visibility = EVERYTHING,
    ) -> AsyncIterator[Stored]:
        """Everything that matches, in the asked order or that of the ids."""
        known = await self.parameters.known()
        with in_force(known):
            request = read_request(resource_type, (*params, ("_total", "none")))
        searcher, place = Searcher(self.collections, visibility, None, self._base, self._dictionary), None
        while True:
            with in_force(known):
                page, place = await searcher.page(request, WALK, place)
            for row in page.matches:
                yield row
            if place is None:
                return

    async def everything(
        self, patients: Sequence[str], *, visibility: Visibility = EVERYTHING
    ) -> AsyncIterator[Stored]:
        """All that is in the compartments of these source Patients, and what that points at; each resource once."""
        async for row in walk(self.collections, patients, visibility):
            yield row

    async def history(
        self,
        resource_type: str | None,
        resource_id: str | None,
        params: Sequence[tuple[str, str]],
        *,
        visibility: Visibility = EVERYTHING,
        session: AsyncClientSession | None = None,
    ) -> Page:
        """Versions, newest first, of an instance, a type or the system."""
        return await Past(self.collections, visibility, session).page(resource_type, resource_id, params)

    async def reindex(self, progress: Callable[[str, int], None] = lambda _type, _count: None) -> int:
        """Compute all search keys again; returns how many resources had others. Safe to stop and to repeat."""
        job = await self.parameters.ask(await self.types())
        ended = await finish(self.parameters.jobs, Reindexer(self.collections, self.parameters, rate=0), job)
        for kind, one in ended.progress.items():
            progress(kind, one.changed)
        return ended.changed

    async def bring_up(self) -> None:
        """Carry out what this release indexes otherwise than the one before; for a store that nobody uses meanwhile."""
        await self.parameters.refresh()
        reindexer = Reindexer(self.collections, self.parameters, rate=0)
        for job in await self.parameters.jobs.unfinished():
            await finish(self.parameters.jobs, reindexer, job.id)

    async def types(self) -> list[str]:
        """The types of which something was ever stored."""
        return await self.collections.existing()


__all__ = ["Document", "ResourceStore"]
