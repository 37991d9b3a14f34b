"""Dead letters in other words: a new entry that names the old one, with who, when and why; audited."""

from __future__ import annotations

import base64
from pathlib import Path
from typing import Any

import pytest
from store_world import StoreWorld, raw

from hie.commands.engine import close_dead, replace_dead
from hie.directory.sites import Directory
from hie.errors import Unprocessable
from hie.exchange.editing import Editing
from hie.settings import Settings
from records.resource_store import ResourceStore
from records.stored import decode


def editing(world: StoreWorld) -> Editing:
    directory = Directory(world.client, world.prefix, ResourceStore(world.client, world.prefix), Settings())
    return Editing(world.journal, directory)


async def entry(world: StoreWorld, message: str) -> dict[str, Any]:
    found = await world.journal.collection.find_one({"_id": message})
    assert found is not None
    return dict(found)


class TestReplace:
    async def test_replaced(self, message_store: StoreWorld) -> None:
        """The new one is processed, the old one stays to the byte and is closed; both say so. Again: nothing more."""
        world = message_store
        old = await world.keep("bad", "dead", patient="WRONG")
        new = await editing(world).replace(old.id, raw("bad", "RIGHT"), by="admin", why="number mistyped")
        assert await editing(world).replace(old.id, raw("bad", "RIGHT"), by="admin", why="number mistyped") == new
        async with world.working():
            await world.until(1, state="committed")

        before, after = await entry(world, old.id), await entry(world, new)
        assert (before["state"], before["raw"]) == ("rejected", raw("bad", "WRONG"))
        assert before["closed"] == {
            "by": "admin", "at": world.clock.at, "why": "number mistyped", "replaced_by": new,
        }  # fmt: skip
        assert (after["replaces"], after["control"], after["raw"]) == (old.id, "bad", raw("bad", "RIGHT"))
        corrections = world.client[f"{world.prefix}_exchange"]["corrections"]
        assert [one["old"] async for one in corrections.find()] == [old.id]

    @pytest.mark.parametrize(
        ("body", "said"),
        [
            (raw("bad"), "replay it instead"),
            (raw("bad", sender="LIS|H02"), "same sender"),
            (b"no message", "MSH"),
            (raw("bad").replace("王".encode(), b"\xff"), "MSH^1^18"),
        ],
    )
    async def test_refused(self, message_store: StoreWorld, body: bytes, said: str) -> None:
        """What the intake would refuse, or is nothing new, or speaks for another sender."""
        old = await message_store.keep("bad", "dead")
        with pytest.raises(Unprocessable) as caught:
            await editing(message_store).replace(old.id, body, by="admin", why="x")

        assert said in caught.value.text
        assert (await entry(message_store, old.id))["state"] == "dead"

    async def test_only_dead(self, message_store: StoreWorld) -> None:
        """What is done is not replaced; who and why has to be said."""
        done = await message_store.keep("1", "committed")
        with pytest.raises(Unprocessable, match="Only a dead letter"):
            await editing(message_store).replace(done.id, raw("1", "X"), by="admin", why="x")
        with pytest.raises(Unprocessable, match="why"):
            await editing(message_store).replace(done.id, raw("1", "X"), by="admin", why=" ")


class TestCommands:
    async def test_audited(self, message_store: StoreWorld, mongo_uri: str, tmp_path: Path) -> None:
        """`hie replace` and `hie close` are in the trail, with who and which."""
        world = message_store
        settings = Settings(mongo_uri=mongo_uri, database_prefix=world.prefix, data_dir=tmp_path)
        first, second = await world.keep("1", "dead"), await world.keep("2", "dead")
        new = await replace_dead(settings, first.id, raw("1", "X"), lambda _: None, by="admin", why="mistyped")
        assert await close_dead(settings, [second.id, new], lambda _: None, by="admin", why="test message") == 1

        closed = await entry(world, second.id)
        assert (closed["state"], closed["closed"]["why"]) == ("rejected", "test message")
        events = world.client[f"{world.prefix}_exchange"]["AuditEvent"]
        trail = [decode(one["text"]) async for one in events.find().sort("_id", 1)]
        asked = [base64.b64decode(one["entity"][0]["query"]).decode() for one in trail]
        assert sorted(asked) == sorted(
            [f"MessageHeader/{first.id}/$replace?reason=mistyped"]
            + [f"MessageHeader/{one}/$close?reason=test message" for one in (second.id, new)]
        )
        assert all("admin" in str(one["agent"]) for one in trail)
