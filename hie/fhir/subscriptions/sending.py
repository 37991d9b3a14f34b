"""
One HTTP request to a receiver, and what its answer means.

The request goes to the address that was just checked; a redirect is not followed, an answer's body is not read.
https://hl7.org/fhir/R4/subscription.html#rest-hook
"""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from functools import lru_cache
from typing import Literal
from urllib.parse import urlsplit

import httpx

from hie.fhir.formats import JSON, XML
from hie.fhir.formats.to_xml import to_xml
from hie.fhir.subscriptions.endpoints import Endpoints
from hie.fhir.subscriptions.terms import Terms
from records.errors import Invalid

# A receiver that says this about one payload will say it again; other refusals are about the endpoint or the moment.
OF_THE_PAYLOAD = frozenset({400, 409, 413, 415, 422})


@dataclass(frozen=True, slots=True)
class Message:
    """One request; `path` is what follows the endpoint."""

    method: Literal["POST", "PUT"]
    body: bytes = b""
    path: str = ""


@dataclass(frozen=True, slots=True)
class Outcome:
    """What came of it; `refused` says that the receiver will not take this payload."""

    done: bool
    reason: str = ""
    refused: bool = False
    wait: float = 0.0


DONE = Outcome(done=True)
# It was not sent at all: somebody else is to.
LOST = Outcome(done=False)


@dataclass(frozen=True, slots=True)
class Sender:
    """Sends over one connection to one receiver."""

    endpoints: Endpoints
    client: httpx.AsyncClient

    @classmethod
    @asynccontextmanager
    async def open(cls, endpoints: Endpoints) -> AsyncIterator[Sender]:
        """A sender for one piece of work."""
        async with httpx.AsyncClient(trust_env=False, follow_redirects=False, verify=_trusted()) as client:
            yield cls(endpoints, client)

    async def send(self, terms: Terms, message: Message) -> Outcome:
        """Send; never raises for what a receiver or a network does."""
        try:
            async with asyncio.timeout(terms.timeout):
                address = await self.endpoints.resolve(terms.endpoint)
                request = self._request(terms, message, address)
                answer = await self.client.send(request, stream=True)
                await answer.aclose()
        except TimeoutError:
            return Outcome(False, f"The endpoint did not answer within {terms.timeout} s.")
        except Invalid as error:
            return Outcome(False, error.text)
        except (httpx.HTTPError, httpx.InvalidURL, OSError, UnicodeError) as error:
            return Outcome(False, f"The endpoint cannot be reached ({type(error).__name__}).")
        return judged(answer)

    def _request(self, terms: Terms, message: Message, address: str) -> httpx.Request:
        parts = urlsplit(terms.endpoint)
        host = f"[{address}]" if ":" in address else address
        port = f":{parts.port}" if parts.port else ""
        path = parts.path.rstrip("/") + message.path if message.path else parts.path or "/"
        query = f"?{parts.query}" if parts.query else ""
        url = f"{parts.scheme}://{host}{port}{path}{query}"
        return self.client.build_request(
            message.method, url, content=_written(terms, message.body), headers=_headers(terms, message, parts.netloc),
            extensions={"sni_hostname": parts.hostname}, timeout=httpx.Timeout(terms.timeout),
        )  # fmt: skip


def _written(terms: Terms, body: bytes) -> bytes:
    return to_xml(body) if body and terms.spoken == "xml" else body


def _headers(terms: Terms, message: Message, netloc: str) -> Sequence[tuple[str, str]]:
    headers = [("Host", netloc), ("User-Agent", "regional-hie"), *terms.headers]
    if message.body:
        headers.append(("Content-Type", f"{XML if terms.spoken == 'xml' else JSON}; charset=utf-8"))
    return headers


def judged(answer: httpx.Response) -> Outcome:
    """The meaning of an answer."""
    if answer.is_success:
        return DONE
    reason = f"The endpoint answered {answer.status_code}."
    wait = answer.headers.get("retry-after", "")
    return Outcome(False, reason, answer.status_code in OF_THE_PAYLOAD, float(wait) if wait.isdigit() else 0.0)


@lru_cache(maxsize=1)
def _trusted() -> ssl.SSLContext:
    # Making one takes longer than a request.
    return ssl.create_default_context()
