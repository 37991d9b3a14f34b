"""
The socket: a client binds Subscriptions to it with a token and hears of their events as they come.

Events are numbered by the workers and read here from the database, so any web process can hold any socket.
http://hl7.org/fhir/uv/subscriptions-backport/channels.html#websockets, https://hl7.org/fhir/R4/subscription.html#websocket
"""

from __future__ import annotations

import asyncio
import time
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import datetime

import structlog
from starlette.routing import WebSocketRoute
from starlette.websockets import WebSocket, WebSocketDisconnect

from hie.errors import HieError
from hie.fhir.formats.to_xml import to_xml
from hie.fhir.services import FhirServices
from hie.fhir.subscriptions.disclosing import Disclosure
from hie.fhir.subscriptions.notices import Kind, Subject, Told, notification
from hie.fhir.subscriptions.registry import Entry
from hie.fhir.subscriptions.sockets import PATH
from hie.fhir.subscriptions.subscribers import Subscribers, may_manage
from hie.fhir.subscriptions.terms import Terms
from hie.fhir.subscriptions.tokens import redeem
from records.errors import RecordError

LOOK_SECONDS = 0.25
# A socket that binds nothing within this is closed; nobody holds one for free.
FIRST_SECONDS = 30.0
MOST_BINDINGS = 100
LONGEST_MESSAGE = 1_000
POLICY_VIOLATION, TRY_LATER = 1008, 1013
_log = structlog.get_logger("hie.subscriptions")


def routes(services: FhirServices) -> list[WebSocketRoute]:
    """The address of the socket."""

    async def endpoint(socket: WebSocket) -> None:
        await Session(services, socket).run()

    return [WebSocketRoute(PATH, endpoint)]


@dataclass(slots=True)
class Binding:
    """One Subscription on one socket: `after` is the last event that was sent here, `spoke` when anything was."""

    id: str
    queue: str
    expires: datetime
    after: int
    spoke: float = field(default_factory=time.monotonic)


class Session:
    """One socket from its opening to its end."""

    def __init__(self, services: FhirServices, socket: WebSocket) -> None:
        self._services, self._socket = services, socket
        self._registry = services.subscriptions
        self._disclosure = Disclosure(services.store, services.gate, services.audit)
        self._bindings: dict[str, Binding] = {}
        self._opened = time.monotonic()
        self._granted = False

    async def run(self) -> None:
        """Listen and tell at the same time, until either side ends it."""
        await self._socket.accept()
        telling, listening = asyncio.create_task(self._tell()), asyncio.create_task(self._listen())
        done, pending = await asyncio.wait({telling, listening}, return_when=asyncio.FIRST_COMPLETED)
        for task in pending:
            task.cancel()
        with suppress(asyncio.CancelledError):
            await asyncio.gather(*pending, return_exceptions=True)
        for task in done:
            await self._ended(task)

    async def _ended(self, task: asyncio.Task[None]) -> None:
        error = task.exception()
        if error is not None and not isinstance(error, WebSocketDisconnect):
            _log.warning("socket broke off", error=type(error).__name__)
            with suppress(RuntimeError, WebSocketDisconnect):
                await self._socket.close(TRY_LATER)

    # What the client says

    async def _listen(self) -> None:
        while True:
            text = (await self._socket.receive_text())[:LONGEST_MESSAGE]
            word, _, rest = text.strip().partition(" ")
            match word:
                case "bind-with-token":
                    await self._bind_with_token(rest.strip())
                case "bind":
                    await self._bind(rest.strip())
                case "ping":
                    await self._socket.send_text("pong")
                case _:
                    await self._socket.send_text("error The messages are: bind-with-token TOKEN, bind ID.")

    async def _bind_with_token(self, token: str) -> None:
        grant = await redeem(self._registry, token)
        if grant is None:
            await self._socket.send_text("error The token does not hold; ask $get-ws-binding-token for a new one.")
            return
        for name, queue in grant.subscriptions:
            await self._attach(name, queue, grant.expires)

    async def _bind(self, subscription: str) -> None:
        """The message of R4: it needs a token, as a header of the request that opened the socket."""
        header = self._socket.headers.get("authorization")
        try:
            caller = await self._services.gate.caller(header, self._socket.headers)
            claims = await self._services.gate.tokens.verify((header or "").partition(" ")[2].strip())
        except HieError:
            await self._socket.send_text("error Binding needs a token: bind-with-token, or an Authorization header.")
            return
        entry = await self._registry.find(subscription)
        if entry is None or not may_manage(caller, entry.caller):
            await self._socket.send_text("error There is no such Subscription of this caller.")
            return
        await self._attach(entry.id, entry.queue, datetime.fromtimestamp(claims.expires, self._registry.clock().tzinfo))

    async def _attach(self, name: str, queue: str, expires: datetime) -> None:
        entry = await self._registry.find(name)
        terms = _terms(entry) if entry is not None and entry.queue == queue else None
        if entry is None or terms is None or terms.channel != "websocket":
            await self._socket.send_text("error There is no such Subscription of this caller.")
            return
        if len(self._bindings) >= MOST_BINDINGS and name not in self._bindings:
            await self._socket.send_text(f"error A socket holds {MOST_BINDINGS} Subscriptions.")
            return
        known = self._bindings.get(name)
        after = known.after if known and known.queue == queue else await self._registry.emitted(entry)
        await self._send(entry, terms, "handshake" if terms.topic else f"bound {name}")
        self._bindings[name] = Binding(name, queue, expires, after)
        self._granted = True

    # What the server says

    async def _tell(self) -> None:
        while await self._lives():
            for binding in list(self._bindings.values()):
                entry = await self._registry.find(binding.id)
                terms = _terms(entry) if entry is not None and entry.queue == binding.queue else None
                if entry is None or terms is None or terms.channel != "websocket" or entry.state == "off":
                    self._bindings.pop(binding.id, None)
                elif not await self._events(binding, entry, terms):
                    await self._heartbeat(binding, entry, terms)
            await asyncio.sleep(LOOK_SECONDS)

    async def _lives(self) -> bool:
        """Ends bindings whose token has, and the socket with the last of them."""
        now = self._registry.clock()
        for name in [name for name, one in self._bindings.items() if one.expires <= now]:
            del self._bindings[name]
        if self._bindings or (time.monotonic() - self._opened < FIRST_SECONDS and not self._granted):
            return True
        await self._socket.close(POLICY_VIOLATION, "Nothing is bound to this socket.")
        return False

    async def _events(self, binding: Binding, entry: Entry, terms: Terms) -> bool:
        rows = await self._registry.told(entry.queue, binding.after + 1, None, terms.most)
        events = [one for one in rows if one["state"] in ("posted", "sent")]
        if not events:
            return False
        caller = await Subscribers(self._services.gate).caller(entry.caller)
        told = [await self._disclosure.told(caller, terms, one) for one in events]
        if terms.content != "empty":
            address = self._socket.client.host if self._socket.client else ""
            await self._disclosure.record(caller, told, entry.id, address)
        if terms.topic is not None:
            await self._send(entry, terms, "event-notification", told)
        elif any(one.row is not None for one in told):
            await self._send(entry, terms, f"ping {entry.id}")
        binding.after, binding.spoke = events[-1]["n"], time.monotonic()
        await self._registry.emit(entry, binding.after)
        return True

    async def _heartbeat(self, binding: Binding, entry: Entry, terms: Terms) -> None:
        if terms.heartbeat and terms.topic and time.monotonic() - binding.spoke >= terms.heartbeat:
            await self._send(entry, terms, "heartbeat")
            binding.spoke = time.monotonic()

    async def _send(self, entry: Entry, terms: Terms, said: Kind | str, told: list[Told] | None = None) -> None:
        if said not in ("handshake", "heartbeat", "event-notification"):
            await self._socket.send_text(said)
            return
        base = self._services.settings.fhir_url
        subject = Subject(base, entry.id, entry.state, terms, entry.number, entry.reason)
        body = notification(subject, said, self._registry.clock(), told or (), terms.content)
        await self._socket.send_text((to_xml(body) if terms.spoken == "xml" else body).decode())


def _terms(entry: Entry) -> Terms | None:
    try:
        return entry.terms
    except RecordError:
        return None
