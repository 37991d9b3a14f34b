"""The journal against a real database: durable, once, in order, countable."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from pymongo import AsyncMongoClient

from hie.exchange.entries import dedupe_key
from hie.exchange.ids import Ids
from hie.exchange.inbound import InboundMessage
from hie.exchange.journal import REUSED, Journal


def arrival(journal: Journal, control: str = "1", raw: bytes = b"MSH|a", **more: Any) -> InboundMessage:
    """A message as intake hands it over."""
    return InboundMessage(
        journal.next_id(), "mllp", datetime.now(UTC), raw, sender="HIS|H1", site="site-his-h1", control_id=control,
        type="ADT^A01", **more,
    )  # fmt: skip


@pytest.fixture
async def journal(mongo: AsyncMongoClient[dict[str, Any]], database_prefix: str) -> Journal:
    """An empty journal."""
    one = Journal(mongo, database_prefix)
    await one.ensure_indexes()
    return one


class TestIds:
    def test_grow(self) -> None:
        """Ids of one process grow strictly, also where the clock stands still or jumps back."""
        times = iter([datetime(2026, 1, 1, tzinfo=UTC) - timedelta(seconds=n // 100) for n in range(500)])
        ids = Ids(lambda: next(times))
        made = [ids.next() for _ in range(500)]

        assert made == sorted(set(made))
        assert {len(one) for one in made} == {26}


class TestAppend:
    async def test_bytes(self, journal: Journal) -> None:
        """The bytes come back as they came."""
        raw = bytes(range(256))
        kept = await journal.append(arrival(journal, raw=raw), b"AA")

        assert await journal.raw(kept.id) == raw
        assert await journal.answer(kept.id) == b"AA"

    async def test_resend(self, journal: Journal) -> None:
        """The same message again gets the first answer again, and no second entry."""
        first = await journal.append(arrival(journal), b"first")
        again = await journal.append(arrival(journal), b"second")

        assert (again.id, again.answer, again.first) == (first.id, b"first", False)
        assert (await journal.counts())["received"] == 1

    async def test_race(self, journal: Journal, mongo: AsyncMongoClient[dict[str, Any]]) -> None:
        """Thirty-two connections of two listeners that send the same message make one entry."""
        second = Journal(mongo, journal.collection.database.name.removesuffix("_exchange"))
        await asyncio.gather(*(j.append(arrival(j), b"") for _ in range(16) for j in (journal, second)))

        assert await journal.collection.count_documents({}) == 1

    async def test_counter_reset(self, journal: Journal) -> None:
        """The same MSH-10 with another body is another message, with a remark."""
        await journal.append(arrival(journal), b"")
        kept = await journal.append(arrival(journal, raw=b"MSH|b"), b"")

        entry = await journal.get(kept.id)
        assert kept.first
        assert entry is not None
        assert entry.remarks == (REUSED,)

    async def test_refused_then_mended(self, journal: Journal) -> None:
        """A refused message may be accepted later, when the reason is mended at our side."""
        refused = arrival(journal, state="rejected")
        await journal.append(refused, b"AE")
        kept = await journal.append(replace(refused, id=journal.next_id(), state="pending"), b"AA")

        assert kept.answer == b"AA"
        assert dedupe_key(refused) != dedupe_key(replace(refused, state="pending"))

    async def test_groups(self, journal: Journal) -> None:
        """Two hundred at once are all there, in the order in which they came."""
        messages = [arrival(journal, str(n), raw=b"MSH|%d" % n) for n in range(200)]
        await asyncio.gather(*(journal.append(message, b"") for message in messages))

        stored = [document["_id"] async for document in journal.collection.find().sort("_id", 1)]
        assert stored == [message.id for message in messages]

    async def test_twenty_megabytes(self, journal: Journal) -> None:
        """A body past a document's limit is kept whole."""
        raw = b"x" * 20_000_000
        kept = await journal.append(arrival(journal, raw=raw, state="rejected"), b"")

        assert await journal.raw(kept.id) == raw


    async def test_refused_content(self, journal: Journal) -> None:
        """What was refused before it became a message is kept once, with the reason, and never waits."""
        for _ in range(2):
            await journal.keep_rejected(channel="fhir", raw=b'{"a":', reason="not JSON", sender="app")
        (kept,) = await journal.search(state="rejected")

        assert (kept.channel, kept.reason, kept.sender) == ("fhir", "not JSON", "app")
        assert await journal.raw(kept.id) == b'{"a":'
        assert await journal.pending() == 0

    async def test_refused_without_database(self) -> None:
        """A refusal is answered, also where nothing can be kept."""
        async with AsyncMongoClient[dict[str, Any]]("mongodb://127.0.0.1:1/", serverSelectionTimeoutMS=50) as nobody:
            await Journal(nobody, "x").keep_rejected(channel="fhir", raw=b"x", reason="y")


class TestStates:
    async def test_counts(self, journal: Journal) -> None:
        """Every state is counted, by site too; the oldest pending one has an age."""
        for number, state in enumerate(("pending", "committed", "dead", "rejected")):
            await journal.append(arrival(journal, str(number), state=state), b"")

        counts = await journal.counts()

        assert (counts["received"], counts["pending"], counts["dead"], counts["kept"]) == (4, 1, 1, 0)
        assert counts["by_site"]["site-his-h1"]["committed"] == 1
        assert 0 <= counts["oldest_pending_seconds"] < 60

    async def test_concluded_once(self, journal: Journal) -> None:
        """Of two workers that finish the same message, the second is told to let go."""
        message = arrival(journal)
        await journal.append(message, b"")

        assert await journal.conclude(message, "committed")
        assert not await journal.conclude(message, "committed")

    async def test_release(self, journal: Journal) -> None:
        """A replay puts the message back at its old place, keeps its attempts, and notes who asked."""
        message = arrival(journal)
        await journal.append(message, b"")
        await journal.conclude(message, "dead", reason="why")

        assert await journal.release({"_id": message.id}, by="administrator") == 1
        details = await journal.details(message.id)
        assert (details["state"], details["attempts"], details["released"][0]["by"]) == ("pending", 1, "administrator")

    async def test_search(self, journal: Journal) -> None:
        """The message monitor finds by control id, type, state and site, newest first, page by page."""
        for number in range(5):
            await journal.append(arrival(journal, str(number)), b"")

        newest = await journal.search(state="pending", site="site-his-h1", type="ADT^A01", limit=2)
        older = await journal.search(before=newest[-1].id, limit=10)

        assert [message.control_id for message in newest] == ["4", "3"]
        assert [message.control_id for message in older] == ["2", "1", "0"]
        assert len(await journal.search(control_id="3")) == 1
