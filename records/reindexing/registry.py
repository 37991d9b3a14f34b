"""
What a store is indexed by, as the database keeps it: the generation, the added parameters, what is withheld.

Every change writes the one state document, so that of two at once the later begins anew and sees the first.
https://hl7.org/fhir/R4/searchparameter.html
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cache
from typing import Any

from pymongo import ReturnDocument
from pymongo.asynchronous.client_session import AsyncClientSession
from pymongo.asynchronous.database import AsyncDatabase

from records.definitions import SearchParameter, official
from records.errors import Invalid, Issue
from records.reindexing.formats import FIRST, VERSION, changed, fingerprint, standard
from records.reindexing.jobs import Jobs
from records.search.custom_parameters import Compiled, compile_resource
from records.stored import Json, Write, decode, encode

STATE, PRINTS = "state", "fingerprints"
Database = AsyncDatabase[dict[str, Any]]
NAMED = "SearchParameter"


@dataclass(frozen=True, slots=True)
class State:
    """
    Where the store is: `changes` moves whenever processes have something to learn; `raised` is the generation at which
    the version of the software became `version`. `withheld` are codes by type whose keys are being made again.
    """

    generation: int
    changes: int
    version: int
    raised: int
    withheld: Mapping[str, Sequence[str]] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Registered:
    """An added parameter: `generation` is the one from which on resources are indexed by it as it is now."""

    id: str
    url: str
    code: str
    types: tuple[str, ...]
    parameters: Mapping[str, SearchParameter]
    generation: int
    complete: bool
    prints: Mapping[str, str]


class Registry:
    """Collections `search_index` (the state) and `search_parameters`."""

    def __init__(self, database: Database, jobs: Jobs) -> None:
        self._index, self._parameters, self._jobs = database["search_index"], database["search_parameters"], jobs

    async def state(self) -> State | None:
        """None where no process ever wrote it."""
        found = await self._index.find_one({"_id": STATE})
        return _state(found) if found else None

    async def all(self) -> list[Registered]:
        """Every added parameter; one that this release cannot compile finds nothing and is not answered."""
        return [_registered(one) async for one in self._parameters.find().sort("_id", 1)]

    # The version of the software

    async def settle(self, types: Sequence[str], session: AsyncClientSession) -> None:
        """Bring the state to this release: what it indexes otherwise is withheld, and a job is made for its types."""
        found = await self._index.find_one({"_id": STATE}, session=session)
        if found is not None and found["version"] >= VERSION:
            return
        kept = await self._index.find_one({"_id": PRINTS}, session=session)
        now, before = standard(), kept["standard"] if kept else standard(FIRST)
        withheld = {name: codes for name, codes in changed(before, now).items() if name in types}
        generation = int(found["generation"]) + 1 if found else 1
        again = await self._recompiled(generation, session)
        affected = sorted({*withheld, *again})
        await self._index.replace_one({"_id": PRINTS}, {"standard": now}, upsert=True, session=session)
        change = {
            "$set": {"version": VERSION, "raised": generation, "generation": generation, "withheld": withheld},
            "$inc": {"changes": 1},
        }
        await self._index.update_one({"_id": STATE}, change, upsert=True, session=session)
        if affected:
            await self._jobs.add(generation, affected, "definitions", session)

    async def _recompiled(self, generation: int, session: AsyncClientSession) -> set[str]:
        """Types of added parameters that this release compiles otherwise than the one before."""
        types: set[str] = set()
        async for one in self._parameters.find(session=session):
            prints = _prints(_compiled(one).parameters)
            if prints != one["prints"]:
                types |= {*one["types"], *prints}
                change = {"prints": prints, "generation": generation, "complete": False, "types": sorted(prints)}
                await self._parameters.update_one({"_id": one["_id"]}, {"$set": change}, session=session)
        return types

    # SearchParameter resources

    async def record(self, writes: Iterable[Write], session: AsyncClientSession) -> bool:
        """What SearchParameters among the writes change; Invalid where one cannot be; True where there is news."""
        news = False
        for write in writes:
            if write.type == NAMED:
                news |= await self._record(write, session)
        return news

    async def _record(self, write: Write, session: AsyncClientSession) -> bool:
        before = await self._parameters.find_one({"_id": write.id}, session=session)
        resource = write.resource if write.interaction != "delete" else None
        active = resource is not None and resource.get("status") == "active"
        if before is None and not active:
            return False
        bumped = await self._bump(session)
        if resource is None or not active:
            await self._retire(before or {}, bumped.generation, session)
        else:
            await self._define(write.id, resource, before, bumped.generation, session)
        return True

    async def _bump(self, session: AsyncClientSession) -> State:
        found = await self._index.find_one_and_update(
            {"_id": STATE}, {"$inc": {"generation": 1, "changes": 1}}, session=session,
            return_document=ReturnDocument.AFTER,
        )  # fmt: skip
        assert found is not None
        return _state(found)

    async def _retire(self, before: Json, generation: int, session: AsyncClientSession) -> None:
        await self._parameters.delete_one({"_id": before["_id"]}, session=session)
        await self._jobs.add(
            generation, before["types"], "removed", session, parameters=[before["_id"]], urls=_urls(before)
        )

    async def _define(
        self, number: str, resource: Json, before: Json | None, generation: int, session: AsyncClientSession
    ) -> None:
        others = [one async for one in self._parameters.find({"_id": {"$ne": number}}, session=session)]
        compiled = compile_resource(resource, official(), _finder(others))
        if issues := (*compiled.issues, *_clashes(resource, compiled, others)):
            raise Invalid("This search parameter cannot be in force here.", issues=issues)
        prints = _prints(compiled.parameters)
        same = before is not None and before["prints"] == prints
        document = {
            "_id": number, "url": resource["url"], "version": resource.get("version", ""), "code": resource["code"],
            "types": sorted(prints), "definition": encode(resource), "prints": prints,
            "parts": [[url, *part] for url, part in compiled.parts.items()],
            "generation": before["generation"] if before and same else generation,
            "complete": bool(before and same and before["complete"]),
        }  # fmt: skip
        await self._parameters.replace_one({"_id": number}, document, upsert=True, session=session)
        if not same:
            types = sorted({*prints, *(before["types"] if before else ())})
            await self._jobs.add(
                generation, types, "parameter", session, parameters=[number], urls=_urls(document)
            )

    # Jobs

    async def ask(
        self, types: Sequence[str], session: AsyncClientSession, *, url: str = ""
    ) -> str:
        """A job that visits everything of these types, or of a parameter's; returns its id."""
        state = await self._bump(session)
        if not url:
            return await self._jobs.add(state.generation, types, "asked", session)
        found = await self._parameters.find_one({"url": url}, session=session)
        if found is None:
            raise Invalid("No search parameter of this address is in force.", issues=[
                Issue("Parameters.parameter", "No search parameter of this address is in force.", "not-found")
            ])  # fmt: skip
        return await self._jobs.add(
            state.generation, found["types"], "asked", session, parameters=[found["_id"]], urls=_urls(found)
        )

    async def complete(self, generation: int, types: Sequence[str], session: AsyncClientSession) -> None:
        """Everything that waited for these types to be at this generation is answered from now on."""
        covered = set(types)
        asked = {"complete": False, "generation": {"$lte": generation}}
        async for one in self._parameters.find(asked, session=session):
            if covered.issuperset(one["types"]):
                await self._parameters.update_one({"_id": one["_id"]}, {"$set": {"complete": True}}, session=session)
        found = await self._index.find_one({"_id": STATE}, session=session)
        assert found is not None
        withheld = found.get("withheld", {})
        if generation >= found["raised"]:
            withheld = {name: codes for name, codes in withheld.items() if name not in covered}
        change = {"$set": {"withheld": withheld}, "$inc": {"changes": 1}}
        await self._index.update_one({"_id": STATE}, change, session=session)


def _state(found: Mapping[str, Any]) -> State:
    return State(
        found["generation"], found["changes"], found["version"], found["raised"], found.get("withheld", {})
    )


def _registered(found: Mapping[str, Any]) -> Registered:
    compiled = _compiled(found)
    return Registered(
        found["_id"], found["url"], found["code"], tuple(found["types"]), compiled.parameters, found["generation"],
        found["complete"] and _prints(compiled.parameters) == found["prints"], found["prints"],
    )  # fmt: skip


def _compiled(found: Mapping[str, Any]) -> Compiled:
    """A definition as it was taken: what its components mean was written down with it."""
    parts = {url: (code, kind) for url, code, kind in found["parts"]}
    return compile_resource(decode(bytes(found["definition"])), official(), parts.get)


def _prints(parameters: Mapping[str, SearchParameter]) -> dict[str, str]:
    return {name: fingerprint(one) for name, one in sorted(parameters.items())}


def _urls(found: Mapping[str, Any]) -> list[str]:
    return [found["url"], *([f"{found['url']}|{found['version']}"] if found["version"] else [])]


def _finder(others: Sequence[Json]) -> Any:
    """Code and type of a definition that a component names: a standard one, or another of this store."""
    added = {one["url"]: (one["code"], str(decode(bytes(one["definition"]))["type"])) for one in others}
    return lambda url: added.get(url) or _standard_parts().get(url)


@cache
def _standard_parts() -> Mapping[str, tuple[str, str]]:
    known = official()
    return {
        one.url: (one.code, one.type)
        for name in known.resource_types
        for one in known.search_parameters(name).values()
    }


def _clashes(resource: Json, compiled: Compiled, others: Sequence[Json]) -> list[Issue]:
    issues = []
    for one in others:
        if one["url"] == resource.get("url"):
            issues.append(Issue("SearchParameter.url", "Another active resource has this address.", "duplicate"))
        both = sorted(set(one["types"]) & set(compiled.parameters)) if one["code"] == resource.get("code") else []
        if both:
            text = f"{both[0]} has another search parameter of this code."
            issues.append(Issue("SearchParameter.code", text, "duplicate"))
    return issues

