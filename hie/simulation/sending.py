"""
The demo region speaks: one MLLP connection a hospital, in order; FHIR transactions for the clinics.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import dataclass

import httpx

from adapters.mllp.client import MllpClient
from hie.errors import Unavailable
from hie.settings import Settings
from hie.simulation.clinics import directory
from hie.simulation.plan import Plan
from hie.simulation.stories import Told

CLINIC_CLIENTS = 4
TIMEOUT_SECONDS = 60.0


@dataclass(slots=True)
class Tally:
    """What came back: by acknowledgement code and by HTTP status class."""

    accepted: int = 0
    refused: int = 0
    transactions: int = 0
    failed: int = 0


class Region:
    """Sends a plan. `progress` is told of each message sent."""

    def __init__(self, settings: Settings, plan: Plan, progress: Callable[[], None]) -> None:
        self.settings = settings
        self.plan = plan
        self.progress = progress
        self.tally = Tally()

    async def send(self) -> Tally:
        """The directory first, then everybody at once."""
        async with httpx.AsyncClient(timeout=TIMEOUT_SECONDS, trust_env=False) as client:
            client.headers["Authorization"] = f"Bearer {await self._token(client)}"
            await self._transaction(client, directory(self.plan.institutions))
            if self.tally.failed:
                raise Unavailable("The directory of institutions was not taken.")
            hospitals = (self._hospital(told) for told in self.plan.hospitals.values())
            await asyncio.gather(*hospitals, self._clinics(client))
        return self.tally

    async def _token(self, client: httpx.AsyncClient) -> str:
        answer = await client.post(
            f"{self.settings.issuer_url}/protocol/openid-connect/token",
            data={
                "grant_type": "client_credentials",
                "client_id": "system",
                "client_secret": "system",
                "scope": "system/*.cruds",
            },
        )
        answer.raise_for_status()
        return str(answer.json()["access_token"])

    async def _hospital(self, told: list[Told]) -> None:
        async with MllpClient(self.settings.host, self.settings.mllp_port, timeout=TIMEOUT_SECONDS) as client:
            for _, _, raw in told:
                answer = await client.send(raw)
                if b"MSA|AA" in answer or b"MSA|CA" in answer:
                    self.tally.accepted += 1
                else:
                    self.tally.refused += 1
                self.progress()

    async def _clinics(self, client: httpx.AsyncClient) -> None:
        # Each clinic's own transactions stay in order: one queue a clinic would be many, so they share few.
        queues: list[list[bytes]] = [[] for _ in range(CLINIC_CLIENTS)]
        for number, (_, bundle) in enumerate(self.plan.clinics):
            queues[number % CLINIC_CLIENTS].append(bundle)
        await asyncio.gather(*(self._queue(client, queue) for queue in queues))

    async def _queue(self, client: httpx.AsyncClient, queue: list[bytes]) -> None:
        for bundle in queue:
            await self._transaction(client, bundle)

    async def _transaction(self, client: httpx.AsyncClient, bundle: bytes) -> None:
        answer = await client.post(
            self.settings.fhir_url, content=bundle, headers={"Content-Type": "application/fhir+json"}
        )
        if answer.is_success:
            self.tally.transactions += 1
        else:
            self.tally.failed += 1
        self.progress()
