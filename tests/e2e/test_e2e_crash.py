"""kill -9 of listener, worker and database in the middle of a flood: every acknowledged message is there once."""

from __future__ import annotations

import asyncio
import contextlib
import os
import re
import signal
from pathlib import Path

import pytest
from e2e_messages import stranger
from e2e_region import Region, in_loop, said, start_region, stop_region

from adapters.mllp.client import MllpClient

pytestmark = [pytest.mark.e2e, pytest.mark.slow]

MESSAGES = 2_000
SENDERS = 8
KILLS = ((0.2, "listen"), (0.4, "work"), (0.6, "mongod"), (0.8, "listen"))


class Flood:
    """Eight hospitals' connections; each message is sent until it is acknowledged, as a hospital's queue does."""

    def __init__(self, region: Region) -> None:
        self.region = region
        self.acknowledged: set[str] = set()
        self.killed: list[str] = []
        self.broken = 0

    async def run(self) -> None:
        await asyncio.gather(self._kill(), *(self._send(range(start, MESSAGES, SENDERS)) for start in range(SENDERS)))

    async def _send(self, numbers: range) -> None:
        waiting = list(numbers)
        while waiting:
            with contextlib.suppress(OSError, TimeoutError):
                async with MllpClient("127.0.0.1", self.region.port("MLLP_PORT"), timeout=20) as client:
                    while waiting:
                        await self._until_acknowledged(client, waiting[0])
                        waiting.pop(0)
            if waiting:
                self.broken += 1
                await asyncio.sleep(0.2)

    async def _until_acknowledged(self, client: MllpClient, number: int) -> None:
        while b"MSA|AA" not in (answer := await client.send(stranger(number))):
            # The journal cannot be written: AR, send again. Anything else would be a refusal.
            assert b"MSA|AR" in answer, answer
            await asyncio.sleep(0.2)
        found = re.search(rb"MSA\|AA\|(\w+)", answer)
        assert found is not None
        self.acknowledged.add(found[1].decode())

    async def _kill(self) -> None:
        for share, service in KILLS:
            while len(self.acknowledged) < share * MESSAGES:
                await asyncio.sleep(0.02)
            for process in self.region.children(service):
                os.kill(process, signal.SIGKILL)
                self.killed.append(service)


class TestCrash:
    @pytest.mark.timeout(600)
    def test_nothing_lost_nothing_doubled(self, tmp_path: Path) -> None:
        """2,000 messages, four kills: 2,000 entries, patients and visits, version one."""
        region = start_region(tmp_path)
        try:
            flood = Flood(region)
            in_loop(flood.run())
            assert flood.killed == [service for _, service in KILLS]
            assert flood.broken > 0, "no kill met a connection in use"
            region.drain(240)

            with region.database() as database:
                entries = database["journal"].find({}, {"control": 1, "state": 1})
                journal = {one["control"]: one["state"] for one in entries}
                assert set(journal) == flood.acknowledged and len(journal) == MESSAGES
                assert set(journal.values()) == {"committed"}
                assert database["journal"].count_documents({}) == MESSAGES
                for part, kind in (("hie_health_records", "Patient"), ("hie_emr", "Encounter")):
                    stored = database.client[part]
                    assert stored[kind].count_documents({"v": 1, "d": False}) == MESSAGES
                    assert stored[kind].count_documents({}) == MESSAGES
                    assert stored["history"].count_documents({"r": kind}) == 0
            assert region.hie("verify-audit").returncode == 0
        except AssertionError:
            print(said(tmp_path))
            raise
        finally:
            stop_region(region)
