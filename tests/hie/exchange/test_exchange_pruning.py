"""Pruning by dated rules: bytes go, facts stay; resumable, by two processes at once, and the space comes back."""

from __future__ import annotations

import asyncio
import os
from collections.abc import Callable
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import pytest
from store_world import StoreWorld, raw

from hie.errors import Unavailable
from hie.exchange.bodies import INLINE_BYTES
from hie.exchange.compacting import compact
from hie.exchange.leases import Leases
from hie.exchange.pruning import Pruned, Pruner
from hie.exchange.replaying import Replaying, Selection
from hie.exchange.retention import Law, Retention, Rule, retention

START = date(2020, 1, 1)
RULES = Retention((), (Rule(START, "committed", 30), Rule(START, "rejected", 10), Rule(START, "kept", None)))


def pruner(world: StoreWorld, rules: Retention = RULES, name: str = "one") -> Pruner:
    leases = Leases(world.client, world.prefix, "pruning_leases", name)
    return Pruner(world.client, world.prefix, lambda: rules, leases, clock=world.clock)


async def bodies(world: StoreWorld) -> dict[str, int]:
    """Bytes of each message by its control id."""
    return {one.control_id: len(await world.journal.raw(one.id)) for one in await world.journal.search(limit=1000)}


class TestRetention:
    def test_dated(self) -> None:
        """Of each state and site the newest rule that is in force; a site's own comes before the usual one."""
        rules = Retention((), (
            Rule(date(2020, 1, 1), "committed", 30), Rule(date(2026, 1, 1), "committed", 60),
            Rule(date(2026, 6, 1), "committed", 90, "site-a"),
        ))  # fmt: skip
        assert [one.days for one in rules.on(date(2025, 12, 31))] == [30]
        assert {one.site: one.days for one in rules.on(date(2026, 6, 1))} == {"": 60, "site-a": 90}
        assert rules.own_sites("committed", date(2026, 6, 1)) == {"site-a"}

    def test_law(self) -> None:
        """A rule that is shorter than the law of the day is refused, with its source."""
        law = Law(date(2017, 6, 1), "logs", "the law", 183)
        rules = Retention((law,), (Rule(START, "committed", 100),))
        with pytest.raises(Unavailable, match="at least 183, the law"):
            rules.on(date(2026, 1, 1))

    def test_usual(self, tmp_path: Path) -> None:
        """The rules that come with the exchange hold, each law with its source; what was not translated stays."""
        found = retention(tmp_path)
        assert all(law.source and law.says for law in found.laws)
        in_force = {one.state: one.days for one in found.on(date(2026, 11, 24))}
        assert in_force == {"committed": 365, "rejected": 365, "kept": None}

    def test_own(self, tmp_path: Path) -> None:
        """A file of the deployment adds rules, also for a sender."""
        (tmp_path / "retention.yaml").write_text(
            "rules:\n  - {from: 2026-01-01, state: committed, days: 400, site: 'HIS|H01'}\n"
        )
        assert Rule(date(2026, 1, 1), "committed", 400, "site-his-h01") in retention(tmp_path).rules

    @pytest.mark.parametrize(
        "row",
        [
            "{from: x, state: committed, days: 1}", "{from: 2026-01-01, state: dead, days: 9}",
            "{from: 2026-01-01, state: kept, days: 0}", "{state: kept, days: 9}", "7",
        ],
    )  # fmt: skip
    def test_wrong(self, tmp_path: Path, row: str) -> None:
        """A wrong file prunes nothing: it is refused."""
        (tmp_path / "retention.yaml").write_text(f"rules:\n  - {row}\n")
        with pytest.raises(Unavailable, match="retention"):
            retention(tmp_path)


class TestPruner:
    async def test_states(self, message_store: StoreWorld) -> None:
        """What had its time loses its bytes and nothing else; what waits, is dead or is not translated keeps them."""
        world = message_store
        for state in ("committed", "rejected", "kept", "dead", "pending", "paused", "quarantined"):
            await world.keep(state, state)  # type: ignore[arg-type]
        world.clock.at += timedelta(days=20)
        await world.keep("young", "rejected")
        world.clock.at += timedelta(days=9)
        before = await world.journal.collection.find_one({"control": "rejected"}, {"raw": 0})
        assert await pruner(world).whole() == Pruned(1, 1, len(raw("rejected")))

        assert {name for name, size in (await bodies(world)).items() if not size} == {"rejected"}
        world.clock.at += timedelta(days=2)
        await pruner(world).whole()
        assert {name for name, size in (await bodies(world)).items() if not size} == {"rejected", "young", "committed"}
        after = await world.journal.collection.find_one({"control": "rejected"}, {"raw": 0})
        assert before is not None
        assert after is not None
        assert {name: value for name, value in after.items() if name != "pruned"} == before

    async def test_resend(self, message_store: StoreWorld) -> None:
        """A resend of a pruned message is still known, and answered as the first time."""
        world = message_store
        first = await world.keep("1", "committed")
        world.clock.at += timedelta(days=40)
        await pruner(world).whole()
        again = await world.journal.append(first, b"other")

        assert (again.id, again.answer, again.first) == (first.id, b"MSA|AA", False)

    async def test_never_replayed(self, message_store: StoreWorld) -> None:
        """A pruned message is not replayed, by whatever way, and it is said how many there are."""
        world = message_store
        await world.keep("1", "committed")
        world.clock.at += timedelta(days=40)
        await pruner(world).whole()

        assert await Replaying(world.journal).counts(Selection()) == {"pruned": 1}
        assert await Replaying(world.journal).run(Selection(), by="op") == 0
        assert await world.journal.release({}, by="op") == 0

    async def test_unmapped(self, message_store: StoreWorld) -> None:
        """What was translated in part keeps its bytes until it was translated whole."""
        world = message_store
        message = await world.keep("1", "committed")
        query, part = {"_id": message.id}, {"kind": "code", "code": "GLU"}
        await world.journal.collection.update_one(query, {"$set": {"unmapped": [part]}})
        world.clock.at += timedelta(days=40)
        assert (await pruner(world).whole()).messages == 0
        await world.journal.collection.update_one(query, {"$set": {"unmapped": []}})
        assert (await pruner(world).whole()).messages == 0  # this pass has seen it
        world.clock.at += timedelta(days=8)
        assert (await pruner(world).whole()).messages == 1

    async def test_sites(self, message_store: StoreWorld) -> None:
        """A site's own rule, longer or shorter."""
        world = message_store
        rules = Retention((), (*RULES.rules, Rule(START, "committed", 60, "site-his-h02")))
        await world.keep("1", "committed")
        await world.keep("2", "committed", sender="HIS|H02")
        world.clock.at += timedelta(days=40)
        await pruner(world, rules).whole()
        assert {name for name, size in (await bodies(world)).items() if not size} == {"1"}
        world.clock.at += timedelta(days=30)
        await pruner(world, rules).whole()
        assert {name for name, size in (await bodies(world)).items() if not size} == {"1", "2"}

    async def test_closed_dead_letter(self, message_store: StoreWorld) -> None:
        """The time of a dead letter begins when it is closed."""
        world = message_store
        message = await world.keep("1", "dead")
        world.clock.at += timedelta(days=400)
        closed = {"state": "rejected", "closed": {"by": "op", "at": world.clock.at, "why": "test"}}
        await world.journal.collection.update_one({"_id": message.id}, {"$set": closed})
        assert (await pruner(world).whole()).messages == 0
        world.clock.at += timedelta(days=11)
        assert (await pruner(world).whole()).messages == 1

    async def test_large_body(self, message_store: StoreWorld) -> None:
        """A body that stands beside the journal goes with its entry."""
        world = message_store
        await world.keep("1", "committed", body=raw("1") + b"x" * INLINE_BYTES)
        chunks = world.client[f"{world.prefix}_exchange"]["bodies.chunks"]
        assert await chunks.count_documents({}) > 0
        world.clock.at += timedelta(days=40)
        await pruner(world).whole()

        assert await bodies(world) == {"1": 0}
        assert await chunks.count_documents({}) == 0

    async def test_dry_run(self, message_store: StoreWorld) -> None:
        """It says what would go, and nothing goes."""
        world = message_store
        await world.keep("1", "committed")
        await world.keep("2", "dead")
        world.clock.at += timedelta(days=40)

        assert await pruner(world).would() == {"committed": Pruned(1, 1, len(raw("1")))}
        assert 0 not in (await bodies(world)).values()

    async def test_cut_off(self, message_store: StoreWorld, monkeypatch: pytest.MonkeyPatch) -> None:
        """A pass goes on where it was, in another process."""
        monkeypatch.setattr("hie.exchange.pruning.SCAN", 10)
        world = message_store
        for number in range(25):
            await world.keep(str(number), "committed")
        world.clock.at += timedelta(days=40)
        assert (await pruner(world, name="killed").step()).messages == 10
        assert await pruner(world, name="next").whole() == Pruned(15, 15, sum(len(raw(str(n))) for n in range(10, 25)))

    async def test_two_at_once(self, message_store: StoreWorld, monkeypatch: pytest.MonkeyPatch) -> None:
        """Two processes at once do it once, while messages come in."""
        monkeypatch.setattr("hie.exchange.pruning.SCAN", 10)
        world = message_store
        for number in range(60):
            await world.keep(str(number), "committed")
        world.clock.at += timedelta(days=40)
        one, two, _ = await asyncio.gather(
            pruner(world, name="a").whole(), pruner(world, name="b").whole(), self._receive(world)
        )

        assert one.messages + two.messages == 60
        assert await world.count(pruned={"$exists": True}) == 60
        assert await world.count(state="pending") == 20

    @staticmethod
    async def _receive(world: StoreWorld) -> None:
        for number in range(20):
            await world.keep(f"new{number}")

    async def test_quiet_moments(self, message_store: StoreWorld, monkeypatch: pytest.MonkeyPatch) -> None:
        """A worker prunes by itself, and not while much waits."""
        monkeypatch.setattr("hie.exchange.pruning.IDLE_SECONDS", 0.05)
        world = message_store
        await world.keep("old", "committed")
        world.clock.at += timedelta(days=40)
        for number in range(30):
            await world.keep(str(number))
        stop = asyncio.Event()
        running = asyncio.create_task(pruner(world).run(stop))
        await asyncio.sleep(0.3)
        assert await world.count(pruned={"$exists": True}) == 0
        await world.journal.collection.update_many({"state": "pending"}, {"$set": {"state": "kept"}})
        await world.until(1, pruned={"$exists": True})
        stop.set()
        await running


class TestCompact:
    async def test_space(self, message_store: StoreWorld, mongo_uri: str, eventually: Callable[..., Any]) -> None:
        """After pruning and compacting the file is smaller, and the journal went on meanwhile."""
        world = message_store
        for number in range(60):
            await world.keep(str(number), "committed", body=raw(str(number)) + os.urandom(400_000))
        world.clock.at += timedelta(days=40)
        await world.client.admin.command("fsync")
        await pruner(world).whole()
        freed = 0

        async def smaller() -> bool:
            nonlocal freed
            await world.client.admin.command("fsync")
            await world.keep(os.urandom(4).hex())
            freed += await compact(world.client, mongo_uri, world.prefix, lambda *_: None)
            return freed > 10_000_000

        await eventually(smaller)
        assert freed > 10_000_000
