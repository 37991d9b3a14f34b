"""
A file of an import, fetched from an address that the settings allow; no redirects, no proxies.

https://github.com/smart-on-fhir/bulk-import
"""

from __future__ import annotations

from collections.abc import AsyncGenerator

import httpx

from hie.errors import Unprocessable
from hie.fhir.bulk.importing import allowed
from hie.fhir.bulk.lines import NDJSON
from hie.settings import Settings

PART_BYTES = 262_144
_TIMEOUT = httpx.Timeout(30.0)


async def fetch(url: str, settings: Settings) -> AsyncGenerator[bytes, None]:
    """The bytes of a file; Unprocessable where the address does not give it, httpx.TransportError on the way."""
    if not allowed(url, settings):
        raise Unprocessable("The address is not one that this exchange fetches from.")
    async with (
        httpx.AsyncClient(trust_env=False, follow_redirects=False, timeout=_TIMEOUT) as client,
        client.stream("GET", url, headers={"Accept": NDJSON}) as answer,
    ):
        if answer.status_code != httpx.codes.OK:
            raise Unprocessable(f"The address answered with status {answer.status_code}.")
        async for part in answer.aiter_bytes(PART_BYTES):
            yield part
