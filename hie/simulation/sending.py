"""
The demo region speaks: one MLLP connection a hospital and one queue of FHIR transactions a clinic, each in order.

What gets no answer is sent again, as real senders do: the exchange takes the same message once.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime

import httpx
import structlog

from adapters.mllp.client import MllpClient
from hie.errors import Unavailable
from hie.settings import Settings
from hie.simulation.clinics import directory
from hie.simulation.plan import Plan
from hie.simulation.stories import Told

# So many clinics send at once; a city has more clinics than the demo's machine has room for.
CLINICS_AT_ONCE = 4
TIMEOUT_SECONDS = 60.0
ATTEMPTS = 8
PAUSE_SECONDS = 0.5
# Another transaction was faster, or a service is starting anew.
AGAIN = frozenset({409, 412, 502, 503, 504})
_log = structlog.get_logger("hie.simulation")


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
            await self._sign_in(client)
            await self._transaction(client, directory(self.plan.institutions))
            if self.tally.failed:
                raise Unavailable("The directory of institutions was not taken.")
            room = asyncio.Semaphore(CLINICS_AT_ONCE)
            hospitals = (self._hospital(told) for told in self.plan.hospitals.values())
            clinics = (self._clinic(client, room, visits) for visits in self.plan.clinics.values())
            await asyncio.gather(*hospitals, *clinics)
        return self.tally

    async def _sign_in(self, client: httpx.AsyncClient) -> None:
        answer = await client.post(
            f"{self.settings.issuer_internal_url or self.settings.issuer_url}/protocol/openid-connect/token",
            data={
                "grant_type": "client_credentials",
                "client_id": "system",
                "client_secret": "system",
                "scope": "system/*.cruds",
            },
        )
        answer.raise_for_status()
        client.headers["Authorization"] = f"Bearer {answer.json()['access_token']}"

    # ---- hospitals

    async def _hospital(self, told: Sequence[Told]) -> None:
        left = [raw for _, _, raw in told]
        for attempt in range(ATTEMPTS):
            try:
                async with MllpClient(self.settings.host, self.settings.mllp_port, timeout=TIMEOUT_SECONDS) as client:
                    while left:
                        self._count(await client.send(left[0]))
                        del left[0]
                return
            except (OSError, TimeoutError) as error:
                _log.info("hospital connects again", error=type(error).__name__)
                await asyncio.sleep(PAUSE_SECONDS * 2**attempt)
        raise Unavailable("The listener does not answer.")

    def _count(self, answer: bytes) -> None:
        if b"MSA|AA" in answer or b"MSA|CA" in answer:
            self.tally.accepted += 1
        else:
            self.tally.refused += 1
        self.progress()

    # ---- clinics

    async def _clinic(
        self, client: httpx.AsyncClient, room: asyncio.Semaphore, visits: Sequence[tuple[datetime, bytes]]
    ) -> None:
        async with room:
            for _, bundle in visits:
                await self._transaction(client, bundle)

    async def _transaction(self, client: httpx.AsyncClient, bundle: bytes) -> None:
        status = 0
        for attempt in range(ATTEMPTS):
            status = await self._post(client, bundle)
            if 0 < status < 400 or status not in AGAIN | {0, 401}:
                break
            if status == 401:
                await self._sign_in(client)
            else:
                await asyncio.sleep(PAUSE_SECONDS * 2**attempt)
        if 0 < status < 400:
            self.tally.transactions += 1
        else:
            _log.warning("transaction not taken", status=status)
            self.tally.failed += 1
        self.progress()

    async def _post(self, client: httpx.AsyncClient, bundle: bytes) -> int:
        """The status of the answer; 0 where there was none."""
        try:
            headers = {"Content-Type": "application/fhir+json", "Prefer": "return=minimal"}
            return (await client.post(self.settings.fhir_url, content=bundle, headers=headers)).status_code
        except httpx.TransportError:
            return 0
