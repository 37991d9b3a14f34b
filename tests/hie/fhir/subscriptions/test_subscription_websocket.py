"""The socket, by a real client over a real server."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import pytest
import uvicorn
from fhir_world import World, bearer
from free_ports import free_port
from receiver import events_of, parts
from starlette.applications import Starlette
from subscription_world import change, has_status, of_r4, of_socket, patient_rule, subscribe, until
from websockets.asyncio.client import ClientConnection, connect

from hie.fhir.subscriptions import websocket


@pytest.fixture
async def address(running: World) -> AsyncIterator[str]:
    """The web service's socket on a port of its own."""
    port = free_port()
    app = Starlette(routes=websocket.routes(running.services.fhir))
    server = uvicorn.Server(uvicorn.Config(app, host="127.0.0.1", port=port, log_config=None, lifespan="off"))
    server.install_signal_handlers = lambda: None  # type: ignore[attr-defined]
    task = asyncio.create_task(server.serve())
    await until(lambda: server.started)
    yield f"ws://127.0.0.1:{port}/fhir/websocket"
    server.should_exit = True
    await task


async def token(world: World, name: str, account: str = "system") -> str:
    answer = await world.get(f"/Subscription/{name}/$get-ws-binding-token", account=account)
    return parts(answer.json()["parameter"])["token"]


@asynccontextmanager
async def bound(world: World, address: str, name: str, account: str = "system") -> AsyncIterator[ClientConnection]:
    async with connect(address) as socket:
        await socket.send(f"bind-with-token {await token(world, name, account)}")
        yield socket


async def heard(socket: ClientConnection, seconds: float = 8.0) -> Any:
    text = await asyncio.wait_for(socket.recv(), seconds)
    return json.loads(text) if str(text).startswith("{") else text


def kind(bundle: Any) -> str:
    return parts(bundle["entry"][0]["resource"]["parameter"])["type"]


class TestTopics:
    """Notifications of a topic."""

    async def test_events(self, running: World, address: str) -> None:
        """A handshake, then each event as it comes, numbered."""
        name = await subscribe(running, of_socket())
        async with bound(running, address, name) as socket:
            assert kind(await heard(socket)) == "handshake"
            await change(running, 1, 2, 3)
            told = [await heard(socket) for _ in range(3)]
        assert [one["event-number"] for bundle in told for one in events_of(bundle)] == ["1", "2", "3"]
        assert [one["focus"]["reference"][-2:] for bundle in told for one in events_of(bundle)] == ["o1", "o2", "o3"]
        rows = [row for row in await running.events(p="p1") if b'"event-notification"' in row["text"]]
        assert len(rows) == 3

    async def test_away(self, running: World, address: str) -> None:
        """What happens while nobody is bound comes with the next binding; what was heard does not come again."""
        name = await subscribe(running, of_socket())
        async with bound(running, address, name) as socket:
            await heard(socket)
            await change(running, 1)
            assert events_of(await heard(socket))[0]["event-number"] == "1"
            await asyncio.sleep(0.3)
        await change(running, 2, 3)
        async with bound(running, address, name) as socket:
            assert kind(await heard(socket)) == "handshake"
            assert events_of(await heard(socket))[0]["event-number"] == "2"
            assert events_of(await heard(socket))[0]["event-number"] == "3"

    async def test_two_sockets(self, running: World, address: str) -> None:
        """Everybody who is bound hears of everything."""
        name = await subscribe(running, of_socket())
        async with bound(running, address, name) as one, bound(running, address, name) as two:
            assert [kind(await heard(socket)) for socket in (one, two)] == ["handshake", "handshake"]
            await change(running, 1)
            assert [kind(await heard(socket)) for socket in (one, two)] == ["event-notification"] * 2

    async def test_heartbeat(self, running: World, address: str) -> None:
        """A sign of life at the period that was asked for."""
        name = await subscribe(running, of_socket(heartbeat_period=1))
        async with bound(running, address, name) as socket:
            assert [kind(await heard(socket)) for _ in range(3)] == ["handshake", "heartbeat", "heartbeat"]

    async def test_consent(self, running: World, address: str) -> None:
        """What was refused before the client was bound comes as a number without a reference."""
        name = await subscribe(running, of_socket(), account="clinician")
        await change(running, 1)
        await until(lambda: numbered(running, 1))
        await running.made(patient_rule())
        await asyncio.sleep(1.2)
        async with bound(running, address, name, "clinician") as socket:
            await heard(socket)
            assert [sorted(one) for one in events_of(await heard(socket))] == [["event-number", "timestamp"]]

    async def test_deleted(self, running: World, address: str) -> None:
        """With its last Subscription the socket ends."""
        from websockets.exceptions import ConnectionClosed

        name = await subscribe(running, of_socket())
        async with bound(running, address, name) as socket:
            await heard(socket)
            await running.ask("DELETE", f"/Subscription/{name}", account="system")
            with pytest.raises(ConnectionClosed):
                await heard(socket)


async def numbered(world: World, count: int) -> bool:
    return await world.services.fhir.subscriptions.events.count_documents({"state": "posted"}) == count


def of_r4_socket() -> dict[str, Any]:
    asked = of_r4("x", channel={"type": "websocket"})
    del asked["channel"]["endpoint"]
    return asked


class TestR4:
    """bind, bound, ping."""

    async def test_ping(self, running: World, address: str) -> None:
        """With a token in the request that opened the socket, `bind` is answered by `bound`, an event by `ping`."""
        name = await subscribe(running, of_r4_socket())
        headers = {"Authorization": f"Bearer {bearer(running.settings, 'system')}"}
        async with connect(address, additional_headers=headers) as socket:
            await socket.send(f"bind {name}")
            assert await heard(socket) == f"bound {name}"
            await change(running, 1)
            assert await heard(socket) == f"ping {name}"

    async def test_with_token(self, running: World, address: str) -> None:
        """A browser, which sets no header, binds with a token."""
        name = await subscribe(running, of_r4_socket())
        async with bound(running, address, name) as socket:
            assert await heard(socket) == f"bound {name}"

    async def test_nobody(self, running: World, address: str) -> None:
        """Without a token, with a false one, or with another's, nothing is bound."""
        name = await subscribe(running, of_r4_socket())
        async with connect(address) as socket:
            for said in (f"bind {name}", "bind-with-token made-up", "hello"):
                await socket.send(said)
                assert (await heard(socket)).startswith("error ")
            await change(running, 1)
            with pytest.raises(TimeoutError):
                await heard(socket, 0.8)
        headers = {"Authorization": f"Bearer {bearer(running.settings, 'clinician')}"}
        async with connect(address, additional_headers=headers) as socket:
            await socket.send(f"bind {name}")
            assert (await heard(socket)).startswith("error ")
        assert await has_status(running, name, "active")
