"""Events that share their keys are found as those that have them all: the same searches over both, side by side."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from audit_world import CLINICIAN, Clock, read, trail

from hie.access.caller import ANONYMOUS, Caller
from hie.audit.events import DECISION
from hie.exchange.database import Client
from records.resource_store import ResourceStore
from records.search.explaining import explain
from records.search.key_sets import all_keys
from records.search.labels import in_use
from records.stored import Write

QUERY = "Observation?code=1"
ENTRIES = [
    (read(), CLINICIAN),
    (read("pat-2", reasons=("treatment", "organization"), address="10.0.0.1", request_id="r-1"), CLINICIAN),
    (replace(read("pat-1", status=403, reasons=("no-consent",)), interaction="search", query=QUERY), CLINICIAN),
    (read("", resource_type="Patient", resource_id="pat-1", status=500), ANONYMOUS),
    (replace(read("pat-1", query=QUERY, resource_id=""), interaction="search"), replace(CLINICIAN, purpose="BTG")),
    (replace(read("pat-2"), interaction="delete"), Caller("s", role="system", client="ward", organization="urn:o|9")),
    (replace(read("", resource_id="", resource_type=""), interaction="sign-in"), Caller("r", "王", "resident")),
]
PROFILE = "https://profiles.ihe.net/ITI/BALP/StructureDefinition/IHE.BasicAudit."
SEARCHES = [
    "action=R", "action=R,E", "action:not=R", "action:not=R,E", "action:missing=true", "action:missing=false",
    "action=http://hl7.org/fhir/audit-event-action|R", "type=rest", "type:text=restful", "type:not=rest",
    "type=http://terminology.hl7.org/CodeSystem/audit-event-type|", "subtype=read", "subtype=110127",
    "subtype=110127&outcome=0", "subtype:missing=false&action:not=E", "outcome=0,4", "outcome:not=0", "outcome=8",
    "entity-type=2", "entity-type=1&entity-type=2", "entity-type:not=2", "entity-role=24", "entity-role:text=query",
    "entity-role:missing=true", "agent-role=clinician", "agent-role:not=clinician", "agent-role:missing=true",
    "agent-name=张", "agent-name:exact=王", "agent-name:contains=医", "agent-name:missing=true", "address=10.0",
    "address=http", "address:contains=8080", "agent:identifier=workbench", "agent:identifier=urn:hie:client|ward",
    "agent:identifier=urn:o|9", "agent:text=淄博", "agent:missing=true", "agent:identifier=s-1",
    f"policy={DECISION}treatment", "policy:missing=false", "policy:missing=true", "policy=urn:no", "site=zibo",
    "site:missing=true", "source:text=http", "source:missing=false", f"_profile={PROFILE}PatientRead",
    f"_profile:below={PROFILE}PatientRead", "_profile:missing=true", "patient=pat-1", "patient=Patient/pat-2&action=R",
    "patient:missing=true", "entity=Observation/o-1", "entity:identifier=r-1", "date=ge2026-11-24", "date=lt2026-11-24",
    "patient.gender=female", "patient:Patient.gender=male&action=R,E", "_filter=action eq R or outcome eq 4",
    "_filter=not (action eq R)", "_filter=action ne R", "_filter=outcome pr false", "_filter=type ne rest",
    "_filter=patient re Patient/pat-1 and not (subtype eq read)",
    "_filter=agent-name sw 张 and agent-role eq clinician",
    "_filter=policy sw urn:hie and not (policy eq urn:hie:decision:treatment)", "_sort=action,-date", "_sort=-policy",
    "_sort=entity-role&action:not=D", "_sort=site,agent-name&_count=3", "_lastUpdated=ge2026-01-01&action=E",
    "_total=accurate&_count=2&outcome=0",
]  # fmt: skip

# What is not there is in no index; see docs/fhir/search.md.
TURNED = ("not", "=true", "false", " ne ", "_sort=action,", "_sort=-policy", "_sort=site")


def pairs(search: str) -> list[tuple[str, str]]:
    """The parameters of a search written as in an address."""
    return [(name, value) for name, _, value in (one.partition("=") for one in search.split("&"))]


async def found(store: ResourceStore, search: str, kind: str = "AuditEvent") -> tuple[list[str], int | None]:
    """The ids of all pages, in their order, and the total of the first."""
    ids, cursor, total = list[str](), None, None
    while True:
        page = await store.search(kind, pairs(search), cursor=cursor)
        ids += [row.id for row in page.matches]
        total, cursor = (page.total if total is None else total), page.next_cursor
        if cursor is None:
            return ids, total


@pytest.fixture
async def both(mongo: Client, database_prefix: str, tmp_path: Path) -> AsyncIterator[tuple[ResourceStore, ...]]:
    """A store whose events name sets, and one with the same events, as they were stored before there were sets."""
    stores = [ResourceStore(mongo, f"{database_prefix}{name}") for name in ("", "_old")]
    people = [("pat-1", "female"), ("pat-2", "male"), ("pat-3", "male")]
    for store in stores:
        await store.ensure_indexes()
        await store.apply([
            Write("create", "Patient", one, {"resourceType": "Patient", "id": one, "gender": gender})
            for one, gender in people
        ])  # fmt: skip
    clock = Clock()
    audit = trail(mongo, database_prefix, tmp_path, clock)
    for number, (entry, caller) in enumerate(ENTRIES * 2):
        clock.pass_(number % 3)
        await audit.record([replace(entry, caller=caller)])
    new, old = (one.collections for one in stores)
    rows = [row async for row in new.of("AuditEvent").find()]
    full = [{**row, "k": await all_keys(new.key_sets, row["k"])} for row in rows]
    await old.of("AuditEvent").insert_many(full)
    yield tuple(stores)
    await mongo.drop_database(f"{database_prefix}_old_exchange")
    await mongo.drop_database(f"{database_prefix}_old_health_records")
    await mongo.drop_database(f"{database_prefix}_old_emr")


class TestSearches:
    async def test_find_the_same(self, both: tuple[ResourceStore, ...]) -> None:
        """Of every kind of condition: own keys, shared ones, none, not, missing, chains, filters, orders, pages."""
        new, old = both
        for search in SEARCHES:
            assert (search, await found(new, search)) == (search, await found(old, search))

    async def test_find_what_is_there(self, both: tuple[ResourceStore, ...]) -> None:
        """So that neither of the two finds nothing at all."""
        counts = {one: len((await found(both[0], one))[0]) for one in ("action=R", "action:not=R", "outcome=4")}

        assert counts == {"action=R": 6, "action:not=R": 8, "outcome=4": 2}

    @pytest.mark.parametrize("mixed", range(2))
    async def test_find_old_and_new_events_together(self, both: tuple[ResourceStore, ...], mixed: int) -> None:
        """No migration: of one trail, some events name sets and some do not."""
        new, old = both
        rows = [row async for row in old.collections.of("AuditEvent").find().sort("_id", 1)]
        for row in rows[mixed::2]:
            await new.collections.of("AuditEvent").replace_one({"_id": row["_id"]}, row)
        for search in SEARCHES:
            assert (search, await found(new, search)) == (search, await found(old, search))

    @pytest.mark.parametrize("search", [
        "_has:AuditEvent:patient:action=R", "_has:AuditEvent:patient:action:not=R", "_has:AuditEvent:entity:outcome=4",
        f"_has:AuditEvent:patient:policy={DECISION}no-consent", "_has:AuditEvent:patient:agent:identifier=ward",
    ])  # fmt: skip
    async def test_of_others_by_events(self, both: tuple[ResourceStore, ...], search: str) -> None:
        """A Patient is found by who looked at it, and how."""
        new, old = both

        assert await found(new, search, "Patient") == await found(old, search, "Patient")
        assert (await found(new, search, "Patient"))[0]

    async def test_of_what_they_include(self, both: tuple[ResourceStore, ...]) -> None:
        """References are read from an event's own keys."""
        for asked in ([("action", "R"), ("_include", "AuditEvent:patient")], [("_include", "AuditEvent:*")]):
            shown = [{one.id for one in (await store.search("AuditEvent", asked)).included} for store in both]

            assert shown[0] == shown[1] == {"pat-1", "pat-2"}
        around = [("_revinclude", "AuditEvent:entity")]
        shown = [{one.id for one in (await store.search("Patient", around)).included} for store in both]

        assert shown[0] == shown[1]
        assert len(shown[0]) > 8

    async def test_profiles_in_use(self, both: tuple[ResourceStore, ...]) -> None:
        """$meta of the type."""
        new, old = [[one["profile"] for one in await in_use(store.collections, "AuditEvent", {})] for store in both]

        assert sorted(new) == sorted(old)
        assert len(new) == 3

    async def test_run_by_index(self, both: tuple[ResourceStore, ...]) -> None:
        """A shared key is asked for in the order of the page, without sorting."""
        for search in ("action=R", "patient=pat-1&subtype=read", f"policy={DECISION}treatment", "agent-role=clinician"):
            condition = await both[0].condition("AuditEvent", pairs(search))
            assert condition is not None
            order = [("s.date", -1), ("_id", -1)]
            told = await explain(both[0].collections.of("AuditEvent"), condition, order, 21)

            assert {"COLLSCAN", "SORT"}.isdisjoint(told.stages)

    @pytest.mark.parametrize("search", [one for one in SEARCHES if not any(word in one for word in TURNED)])
    async def test_keys_of_both_kinds_run_by_index(self, both: tuple[ResourceStore, ...], search: str) -> None:
        """Also where no order is asked for that has an index of its own."""
        condition = await both[0].condition("AuditEvent", pairs(search))
        assert condition is not None

        assert "COLLSCAN" not in (await explain(both[0].collections.of("AuditEvent"), condition, [], 21)).stages

    async def test_reindexing_leaves_them(self, both: tuple[ResourceStore, ...]) -> None:
        """They have all their keys; one that has not gets them."""
        new, _ = both
        events = new.collections.of("AuditEvent")
        rows: list[dict[str, Any]] = [row async for row in events.find().sort("_id", 1)]

        assert await new.reindex() == 0
        assert [row["k"] async for row in events.find().sort("_id", 1)] == [row["k"] for row in rows]
        await events.update_one({"_id": rows[0]["_id"]}, {"$pull": {"k": {"$regex": "^#"}}})
        assert await new.reindex() == 1
        assert (await found(new, "action=R"))[0] == (await found(both[1], "action=R"))[0]
