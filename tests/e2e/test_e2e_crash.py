"""kill -9 of listener, worker and database in the middle of a flood: every acknowledged message is there once."""

from __future__ import annotations

import asyncio
import os
import signal
from pathlib import Path

import pytest
from e2e_messages import admit
from e2e_region import Region, start_region, stop_region

from adapters.mllp.client import MllpClient

pytestmark = [pytest.mark.e2e, pytest.mark.slow]

MESSAGES = 2_000
SENDERS = 8


class Flood:
    """Eight hospitals' worth of connections; each message is sent until it is acknowledged."""

    def __init__(self, region: Region) -> None:
        self.region = region
        self.acknowledged: set[str] = set()

    async def run(self) -> None:
        killer = asyncio.create_task(self._kill())
        await asyncio.gather(*(self._send(number) for number in range(SENDERS)))
        await killer

    async def _send(self, sender: int) -> None:
        for number in range(sender, MESSAGES, SENDERS):
            local = f"K{number:05d}"
            while local not in self.acknowledged:
                try:
                    async with MllpClient("127.0.0.1", self.region.port("MLLP_PORT"), timeout=20) as client:
                        answer = await client.send(admit(f"C{local}", local))
                except (OSError, TimeoutError, Exception):
                    await asyncio.sleep(0.2)
                    continue
                if b"MSA|AA" in answer:
                    self.acknowledged.add(local)
                else:
                    await asyncio.sleep(0.2)

    async def _kill(self) -> None:
        for share, service in ((0.2, "listen"), (0.4, "work"), (0.6, "mongod")):
            while len(self.acknowledged) < share * MESSAGES:
                await asyncio.sleep(0.05)
            for process in self.region.children(service):
                os.kill(process, signal.SIGKILL)


class TestCrash:
    @pytest.mark.timeout(600)
    def test_nothing_lost_nothing_doubled(self, tmp_path: Path) -> None:
        """2,000 messages, three kills, 2,000 patients and visits of version one."""
        region = start_region(tmp_path)
        try:
            flood = Flood(region)
            asyncio.run(flood.run())
            assert len(flood.acknowledged) == MESSAGES
            assert region.hie("drain", "--timeout", "300", timeout=320).returncode == 0

            with region.client("system") as fhir:
                for resource_type in ("Patient", "Encounter"):
                    counted = fhir.get(f"/{resource_type}", params={"_summary": "count"}).json()
                    assert counted["total"] == MESSAGES
        finally:
            stop_region(region)
