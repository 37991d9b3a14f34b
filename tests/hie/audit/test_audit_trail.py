"""The trail: durable, grouped, chained, and every kind of tampering found."""

from __future__ import annotations

import asyncio
import json
import stat
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import pytest
from audit_world import Clock, read, trail
from pymongo import AsyncMongoClient

from hie.access.caller import Caller
from hie.audit import sharing
from hie.audit.chain import Link
from hie.audit.checkpoints import FILE
from hie.audit.events import Entry
from hie.audit.trail import AuditTrail
from hie.errors import Unavailable
from hie.exchange.database import Client
from records.search import index
from records.search.key_sets import all_keys
from records.stored import decode


async def rows(client: Client, prefix: str) -> list[dict[str, Any]]:
    return [row async for row in client[f"{prefix}_exchange"]["AuditEvent"].find().sort("_id", 1)]


class TestRecord:
    async def test_is_stored_as_a_resource(self, mongo: Client, database_prefix: str, tmp_path: Path) -> None:
        """In the shape of every stored resource, found by its resident."""
        await trail(mongo, database_prefix, tmp_path).record([read()])
        (row,) = await rows(mongo, database_prefix)
        resource = decode(row["text"])

        assert (resource["resourceType"], resource["id"]) == ("AuditEvent", row["_id"])
        assert (row["v"], row["d"], row["p"]) == (1, False, ["pat-1"])
        assert row["t"].isoformat(timespec="milliseconds") == "2026-11-24T02:00:00.123+00:00"
        assert resource["meta"]["lastUpdated"] == "2026-11-24T02:00:00.123Z"

    async def test_many_requests_share_a_write_and_none_is_lost(
        self, mongo: Client, database_prefix: str, tmp_path: Path
    ) -> None:
        """Two hundred at once are all there, in one unbroken chain."""
        audit = trail(mongo, database_prefix, tmp_path)
        await asyncio.gather(*(audit.record([read(f"pat-{n}"), read(f"pat-{n}")]) for n in range(200)))
        result = await audit.verify()

        assert (result.ok, result.events, result.chains) == (True, 400, 1)
        assert {row["p"][0] for row in await rows(mongo, database_prefix)} == {f"pat-{n}" for n in range(200)}

    async def test_nothing_to_write(self, mongo: Client, database_prefix: str, tmp_path: Path) -> None:
        """An empty list writes nothing."""
        await trail(mongo, database_prefix, tmp_path).record([])

        assert await rows(mongo, database_prefix) == []

    async def test_without_a_database_nobody_is_answered(self, database_prefix: str, tmp_path: Path) -> None:
        """The caller learns that the trail could not be written."""
        async with AsyncMongoClient[dict[str, Any]]("mongodb://127.0.0.1:9/", serverSelectionTimeoutMS=50) as nowhere:
            with pytest.raises(Unavailable):
                await trail(nowhere, database_prefix, tmp_path).record([read()])

    async def test_after_a_failure_a_new_chain_begins(
        self, mongo: Client, database_prefix: str, tmp_path: Path
    ) -> None:
        """What a failed write left behind does not break the chain of what follows."""
        audit = trail(mongo, database_prefix, tmp_path)
        await audit.record([read()])
        (first,) = await rows(mongo, database_prefix)
        squatter = first["_id"][:-1] + "2"
        await mongo[f"{database_prefix}_exchange"]["AuditEvent"].insert_one({"_id": squatter})
        with pytest.raises(Unavailable):
            await audit.record([read()])
        await mongo[f"{database_prefix}_exchange"]["AuditEvent"].delete_one({"_id": squatter})
        await audit.record([read()])
        result = await audit.verify()

        assert (result.ok, result.events, result.chains) == (True, 2, 2)

    async def test_processes_do_not_disturb_each_other(
        self, mongo: Client, database_prefix: str, tmp_path: Path
    ) -> None:
        """Every writer has its own chain."""
        writers = [trail(mongo, database_prefix, tmp_path) for _ in range(4)]
        await asyncio.gather(*(one.record([read()]) for one in writers for _ in range(10)))
        result = await writers[0].verify()

        assert (result.ok, result.events, result.chains) == (True, 40, 4)


Tamper = Callable[[Any, list[dict[str, Any]]], Awaitable[Any]]


async def change(events: Any, found: list[dict[str, Any]]) -> Any:
    text = found[2]["text"].replace("张医生".encode(), "李医生".encode())
    await events.update_one({"_id": found[2]["_id"]}, {"$set": {"text": text}})
    return found[2]["_id"]


async def change_with_hash(events: Any, found: list[dict[str, Any]]) -> Any:
    text = found[2]["text"].replace("张医生".encode(), "李医生".encode())
    shard = found[2]["_id"].rpartition("-")[0]
    again = Link(shard, 2, found[2]["c"]["p"]).add(text).hash
    await events.update_one({"_id": found[2]["_id"]}, {"$set": {"text": text, "c.h": again}})
    return found[3]["_id"]


async def remove(events: Any, found: list[dict[str, Any]]) -> Any:
    await events.delete_one({"_id": found[2]["_id"]})
    return found[2]["_id"]


async def swap(events: Any, found: list[dict[str, Any]]) -> Any:
    for mine, other in ((found[1], found[3]), (found[3], found[1])):
        await events.replace_one({"_id": mine["_id"]}, {**other, "_id": mine["_id"]})
    return found[1]["_id"]


async def hide(events: Any, found: list[dict[str, Any]]) -> Any:
    await events.update_one({"_id": found[2]["_id"]}, {"$set": {"p": []}})
    return found[2]["_id"]


async def mark_deleted(events: Any, found: list[dict[str, Any]]) -> Any:
    await events.update_one({"_id": found[2]["_id"]}, {"$set": {"d": True}})
    return found[2]["_id"]


async def cut_the_end(events: Any, found: list[dict[str, Any]]) -> Any:
    await events.delete_many({"_id": {"$gte": found[3]["_id"]}})
    return found[4]["_id"]


async def remove_all(events: Any, found: list[dict[str, Any]]) -> Any:
    await events.delete_many({})
    return found[4]["_id"]


async def add_foreign(events: Any, found: list[dict[str, Any]]) -> Any:
    await events.insert_one({**found[0], "_id": "made-up"})
    return "made-up"


class TestVerify:
    @pytest.mark.parametrize(
        ("tamper", "problem"),
        [
            (change, "changed"), (change_with_hash, "changed"), (remove, "missing"), (swap, "reordered"),
            (hide, "hidden"), (mark_deleted, "hidden"), (cut_the_end, "missing"), (remove_all, "missing"),
            (add_foreign, "foreign"),
        ],
    )  # fmt: skip
    async def test_finds_the_first_wrong_row(
        self, mongo: Client, database_prefix: str, tmp_path: Path, tamper: Tamper, problem: str
    ) -> None:
        """Changed, removed, moved, hidden, cut off or added: found, and where."""
        audit = trail(mongo, database_prefix, tmp_path)
        for _ in range(5):
            await audit.record([read()])
        await audit.aclose()
        events = mongo[f"{database_prefix}_exchange"]["AuditEvent"]
        assert (await audit.verify()).ok

        where = await tamper(events, await rows(mongo, database_prefix))
        result = await audit.verify()

        assert (result.problem, result.where) == (problem, where)

    async def test_a_chain_written_anew_does_not_fit_the_checkpoint(
        self, mongo: Client, database_prefix: str, tmp_path: Path
    ) -> None:
        """Somebody who can compute hashes still lacks the key of the checkpoint."""
        audit = trail(mongo, database_prefix, tmp_path)
        await audit.record([read()])
        await audit.checkpoint()
        events = mongo[f"{database_prefix}_exchange"]["AuditEvent"]
        (row,) = await rows(mongo, database_prefix)
        text = row["text"].replace("张医生".encode(), "李医生".encode())
        link = Link(row["_id"].rpartition("-")[0], 0, row["c"]["p"]).add(text)
        await events.update_one({"_id": row["_id"]}, {"$set": {"text": text, "c.h": link.hash}})

        assert (await audit.verify()).problem == "rewritten"


class TestCheckpoints:
    async def test_are_written_as_time_passes_and_at_the_end(
        self, mongo: Client, database_prefix: str, tmp_path: Path
    ) -> None:
        """One after a minute of work, one at the end, none where nothing happened."""
        clock = Clock()
        audit = trail(mongo, database_prefix, tmp_path, clock)
        await audit.record([read()])
        clock.pass_(61)
        await audit.record([read()])
        await audit.record([read()])
        await audit.aclose()
        await audit.aclose()
        lines = [json.loads(line) for line in (tmp_path / FILE).read_text().splitlines()]

        assert [line["sequence"] for line in lines] == [2, 3]
        assert (await audit.verify()).checkpoints == 2

    async def test_the_file_is_believed_without_the_database(
        self, mongo: Client, database_prefix: str, tmp_path: Path
    ) -> None:
        """Who empties the database, checkpoints and all, is found out by the file."""
        audit = trail(mongo, database_prefix, tmp_path)
        await audit.record([read()])
        await audit.aclose()
        await mongo.drop_database(f"{database_prefix}_exchange")

        assert (await audit.verify()).problem == "missing"

    async def test_a_false_line_is_named(self, mongo: Client, database_prefix: str, tmp_path: Path) -> None:
        """A checkpoint that nobody signed is a finding of its own."""
        audit = trail(mongo, database_prefix, tmp_path)
        await audit.record([read()])
        await audit.aclose()
        with (tmp_path / FILE).open("a") as sink:
            sink.write('{"signature": "x.y.z"}\n')
        result = await audit.verify()

        assert (result.problem, result.where) == ("checkpoint-signature", f"{FILE}:2")

    async def test_the_key_is_the_owners_alone(self, mongo: Client, database_prefix: str, tmp_path: Path) -> None:
        """Readable by nobody else, and the same after a restart."""
        first = trail(mongo, database_prefix, tmp_path)
        await first.record([read()])
        await first.aclose()
        second = trail(mongo, database_prefix, tmp_path)

        assert stat.S_IMODE((tmp_path / "keys" / "audit.pem").stat().st_mode) == 0o600
        assert (await second.verify()).ok


class TestSearchKeys:
    async def test_are_those_of_the_fhir_interface(self, mongo: Client, database_prefix: str, tmp_path: Path) -> None:
        """An event is found by what any other resource would be found by."""
        audit = AuditTrail(mongo, database_prefix, data_dir=tmp_path)
        await audit.record([Entry("read", Caller("s", client="c"), "Patient", "pat-1", patient="pat-1")])
        (row,) = await rows(mongo, database_prefix)
        found = index(decode(row["text"]))
        keys = await all_keys(mongo[f"{database_prefix}_exchange"]["key_sets"], row["k"])

        assert len(row["k"]) < len(found.keys) / 2
        assert (sorted(keys), row["p"], row["s"]) == (sorted(found.keys), list(found.patients), dict(found.sort))

    async def test_are_its_own_where_there_are_too_many_sets(
        self, mongo: Client, database_prefix: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """The event is found all the same."""
        monkeypatch.setattr(sharing.SharedKeys.__init__, "__defaults__", (1,))
        await trail(mongo, database_prefix, tmp_path).record([read()])
        (row,) = await rows(mongo, database_prefix)

        assert sorted(row["k"]) == sorted(index(decode(row["text"])).keys)
        assert await mongo[f"{database_prefix}_exchange"]["key_sets"].count_documents({}) == 0
