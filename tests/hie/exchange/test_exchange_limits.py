"""Limits of sites and of the whole exchange: pure, and over sockets with two sites at once."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import pytest
from pymongo import AsyncMongoClient

from adapters.errors import TooLarge
from adapters.hl7v2.site import Limits, Site
from adapters.mllp.client import MllpClient, NotCommitted
from adapters.mllp.server import MllpServer
from hie.directory.sites import Directory
from hie.exchange.backlog import Backlog, Overloaded, pause
from hie.exchange.intake import Intake
from hie.exchange.journal import Journal
from hie.exchange.limits import Bucket, Crowded, SiteLimits
from hie.exchange.listeners import Listener
from hie.exchange.mllp_door import mllp_server
from hie.settings import Settings
from records.resource_store import ResourceStore

PROFILE = """
sender: {sender}
limits:
  messages_per_second: {rate}
  connections: {connections}
  message_bytes: {size}
"""


def message(control: str, sender: str = "HIS|H01", extra: str = "") -> bytes:
    lines = [
        f"MSH|^~\\&|{sender}|HIE|ZB|20261124080000||ADT^A01^ADT_A01|{control}|P|2.5.1|||||CHN|UNICODE UTF-8",
        "EVN||20261124080000", "PID|1||L1^^^H^MR||王^晓梅", "PV1|1|I", *([extra] if extra else ()),
    ]  # fmt: skip
    return ("\r".join(lines) + "\r").encode()


class TestBucket:
    def test_rhythm(self) -> None:
        """A second's worth at once, then in the rhythm of the rate; what was not used does not grow."""
        bucket = Bucket()
        assert [bucket.delay(10, 100.0) for _ in range(13)] == pytest.approx([0.0] * 11 + [0.1, 0.2])
        assert [bucket.delay(10, 200.0) for _ in range(12)] == pytest.approx([0.0] * 11 + [0.1])

    def test_slow(self) -> None:
        """Less than one a second is a rate, too."""
        bucket = Bucket()
        assert [bucket.delay(0.5, 10.0) for _ in range(3)] == [0.0, 1.0, 3.0]


class TestSiteLimits:
    async def test_connections(self) -> None:
        """One too many is refused; where one leaves there is room; other sites have their own."""
        limits, one, two = SiteLimits(), Site("a", limits=Limits(connections=2)), Site("b")
        for connection in (1, 2, 2, 1):
            await limits.admit(one, 10, connection)
        with pytest.raises(Crowded):
            await limits.admit(one, 10, 3)
        await limits.admit(two, 10, 3)
        limits.left(1)
        await limits.admit(one, 10, 3)

    async def test_size(self) -> None:
        """A site's own size comes before the listener's."""
        with pytest.raises(TooLarge, match="at most 100 are taken from this site"):
            await SiteLimits().admit(Site("a", limits=Limits(message_bytes=100)), 101)

    async def test_default(self) -> None:
        """The settings hold where a profile says nothing."""
        limits = SiteLimits(Limits(5, 7, 9))
        assert limits.limits(Site("a", limits=Limits(connections=1))) == Limits(5, 1, 9)


class TestPause:
    def test_steps(self) -> None:
        """Nothing up to half of the bound, then slower and slower, and at the bound no more."""
        assert [pause(n, 100) for n in (0, 50, 75, 99)] == pytest.approx([0.0, 0.0, 0.5, 0.98])
        with pytest.raises(Overloaded):
            pause(100, 100)


class Door:
    """Journal, directory and a listener."""

    def __init__(self, client: AsyncMongoClient[dict[str, Any]], prefix: str, **settings: Any) -> None:
        self.settings = Settings(lanes=4, **settings)
        self.journal = Journal(client, prefix)
        self.directory = Directory(client, prefix, ResourceStore(client, prefix), self.settings)
        self.intake = Intake(
            self.journal, self.directory, self.settings, backlog=Backlog(self.journal, self.settings.most_pending)
        )

    async def profile(self, sender: str, *, rate: float = 0, connections: int = 0, size: int = 0) -> None:
        text = PROFILE.format(sender=sender, rate=rate, connections=connections, size=size)
        await self.directory.profiles.load(text, by="test")
        await self.directory.refresh()

    @asynccontextmanager
    async def open(self, **listener: Any) -> AsyncIterator[MllpServer]:
        await self.journal.ensure_indexes()
        server = mllp_server(self.intake, self.settings, Listener(0, "127.0.0.1", **listener))
        await server.start()
        try:
            yield server
        finally:
            await server.stop()

    async def controls(self, site: str) -> list[str]:
        return sorted([one.control_id for one in await self.journal.search(site=site, limit=1000)])


@pytest.fixture
def door(mongo: AsyncMongoClient[dict[str, Any]], database_prefix: str) -> Door:
    """An exchange that takes everybody."""
    return Door(mongo, database_prefix)


def client(server: MllpServer, **options: Any) -> MllpClient:
    return MllpClient("127.0.0.1", server.port, timeout=20, **options)


class TestOverSockets:
    async def test_flood(self, door: Door) -> None:
        """A site that floods is slowed down to its rate and loses nothing; another one does not feel it."""
        await door.profile("HIS|H01", rate=20)
        async with door.open() as server, client(server) as flood, client(server) as calm:
            started = time.monotonic()
            flooding = asyncio.create_task(self._flood(flood, 60))
            waits = []
            for number in range(20):
                at = time.monotonic()
                await calm.send(message(f"c{number}", "HIS|H02"))
                waits.append(time.monotonic() - at)
            assert not flooding.done()
            await flooding
            took = time.monotonic() - started

        assert took > 1.7  # sixty, of which twenty and one at once
        assert sorted(waits)[10] < 0.2
        assert len(await door.controls("site-his-h01")) == 60
        assert len(await door.controls("site-his-h02")) == 20

    @staticmethod
    async def _flood(sender: MllpClient, count: int) -> None:
        answers = [one async for one in sender.send_all((message(f"f{n}") for n in range(count)), window=60)]
        assert all(b"MSA|AA|" in one for one in answers)

    async def test_connections(self, door: Door) -> None:
        """One connection too many of a site is told AR and closed, and what it sent is nowhere; others come in."""
        await door.profile("HIS|H01", connections=1)
        async with door.open() as server, client(server) as first, client(server) as second, client(server) as other:
            assert b"MSA|AA|1" in await first.send(message("1"))
            refused = await second.send(message("2"))
            assert b"MSA|AR|2" in refused
            assert b"as many as it may have" in refused
            with pytest.raises(ConnectionError):
                await second.send(message("2"))
            assert b"MSA|AA|3" in await other.send(message("3", "LIS|H02"))
            await first.__aexit__(None, None, None)
            async with client(server) as again:
                await asyncio.sleep(0.1)
                assert b"MSA|AA|2" in await again.send(message("2"))

        assert await door.controls("site-his-h01") == ["1", "2"]

    async def test_size(self, door: Door) -> None:
        """More than a site may send at once is AR, and kept all the same."""
        await door.profile("HIS|H01", size=1000)
        async with door.open() as server, client(server) as sender:
            assert b"MSA|AR|1" in await sender.send(message("1", extra="NTE|1||" + "x" * 1000))
            assert b"MSA|AA|2" in await sender.send(message("2"))

        (kept,) = await door.journal.search(state="rejected")
        assert "at most 1000" in kept.reason

    async def test_overloaded(self, mongo: AsyncMongoClient[dict[str, Any]], database_prefix: str) -> None:
        """With too much waiting: slower, then AR 207 with a word why; afterwards the same message is taken."""
        door = Door(mongo, database_prefix, most_pending=6)
        async with door.open() as server, client(server) as sender:
            answers = [await sender.send(message(f"m{n}")) for n in range(6)]
            await asyncio.sleep(1.1)
            refused = await sender.send(message("late"))
            assert b"MSA|AR|late" in refused
            assert b"207" in refused
            assert b"send again later" in refused
            await door.journal.collection.update_many({}, {"$set": {"state": "committed"}})
            await asyncio.sleep(1.1)
            assert b"MSA|AA|late" in await sender.send(message("late"))

        assert all(b"MSA|AA|" in one for one in answers)
        assert (await door.journal.counts())["received"] == 7

    async def test_overloaded_release_2(self, mongo: AsyncMongoClient[dict[str, Any]], database_prefix: str) -> None:
        """In release 2 what is not taken is NAK."""
        door = Door(mongo, database_prefix, most_pending=1)
        async with door.open(release=2) as server, client(server, release=2) as sender:
            assert b"MSA|AA|1" in await sender.send(message("1"))
            await asyncio.sleep(1.1)
            with pytest.raises(NotCommitted):
                await sender.send(message("2"))

        assert (await door.journal.counts())["received"] == 1

    async def test_listener_defaults(self, door: Door) -> None:
        """A listener's site and character set stand in where the message names none; the worker reads it so, too."""
        raw = message("1").replace(b"HIS|H01", b"|").replace(b"UNICODE UTF-8", b"")
        raw = raw.decode().encode("gb18030")
        async with door.open(sender="OLD|H09", charset="GB 18030-2000") as server, client(server) as sender:
            assert b"MSA|AA|1" in await sender.send(raw)

        (kept,) = await door.journal.search()
        assert (kept.sender, kept.site, kept.default_charset) == ("OLD|H09", "site-old-h09", "GB 18030-2000")
