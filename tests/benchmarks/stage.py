"""
What is measured: a real mongod and the services of the exchange, each a process of its own, as `hie up` runs them.

HIE_MONGO_URI measures another MongoDB; its databases get a name of their own and are dropped afterwards.
"""

from __future__ import annotations

import asyncio
import sys
import uuid
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from pymongo import AsyncMongoClient, WriteConcern
from pymongo.asynchronous.collection import AsyncCollection

from hie.commands.tokens import token
from hie.settings import Settings
from hie.supervisor import mongod
from hie.supervisor.processes import Child, Program, Supervisor, stop_process
from hie.supervisor.up import answers
from tests.benchmarks.http import Http
from tests.free_ports import free_port

Document = dict[str, Any]
PORTS = ("web_port", "sign_in_port", "mllp_port", "mongo_port")
DURABLE = WriteConcern(w="majority", j=True)
READY_SECONDS = 90


def say(text: str) -> None:
    """Progress, beside the table."""
    sys.stderr.write(f"{text}\n")


@dataclass(slots=True)
class Stage:
    """
    The running services and a database client.

    `patients` (sizes of the region, one after the other) and `bundles` say how large the data is, `scale` how many
    operations are measured.
    """

    settings: Settings
    data: Path
    client: AsyncMongoClient[Document]
    patients: tuple[int, ...] = (300,)
    bundles: int = 6
    scale: float = 1.0
    supervisor: Supervisor = field(default_factory=lambda: Supervisor(say))

    def count(self, operations: int) -> int:
        """How many operations to measure, where this many are usual."""
        return max(int(operations * self.scale), 10)

    def start(self, name: str, *command: str) -> Child:
        """Start a service of the exchange by its command."""
        environment = {f"HIE_{port.upper()}": str(getattr(self.settings, port)) for port in PORTS} | {
            "HIE_DATA_DIR": str(self.data),
            "HIE_MONGO_URI": self.settings.database_uri,
            "HIE_DATABASE_PREFIX": self.settings.database_prefix,
            "HIE_LOG_LEVEL": "WARNING",
            "HIE_WEB_WORKERS": str(self.settings.web_workers),
        }
        program = Program(name, [sys.executable, "-m", *command], self.data / "logs" / f"{name}.log", environment)
        self.supervisor.start(program)
        return self.supervisor.children[-1]

    def stop(self, child: Child) -> None:
        """Stop one service."""
        stop_process(child.process)
        self.supervisor.children.remove(child)

    def floor(self, name: str) -> AsyncCollection[Document]:
        """A bare collection: no index but the id, every write on disk before it returns."""
        database = self.client.get_database(f"{self.settings.database_prefix}_floor", write_concern=DURABLE)
        return database[f"{name}_{uuid.uuid4().hex[:6]}"]

    def database(self, part: str) -> Any:
        """One of the exchange's own databases."""
        return self.client[f"{self.settings.database_prefix}_{part}"]

    def https(self, count: int) -> list[Http]:
        """Connections to the web service, in the name of the backend account."""
        headers = {
            "Authorization": f"Bearer {token(self.settings, 'system')}",
            "Content-Type": "application/fhir+json",
        }
        return [Http(self.settings.web_port, headers) for _ in range(count)]


@asynccontextmanager
async def stage(
    data: Path, *, patients: tuple[int, ...] = (300,), bundles: int = 6, scale: float = 1.0, web_workers: int = 1
) -> AsyncIterator[Stage]:
    """Database, sign-in, web and listener; no worker: the workloads start one when they measure it."""
    ports: dict[str, Any] = {port: free_port() for port in PORTS}
    settings = Settings(data_dir=data, database_prefix=f"bench{uuid.uuid4().hex[:8]}", web_workers=web_workers, **ports)
    server = None if settings.mongo_uri else mongod.start(data / "mongo", settings.mongo_port)
    try:
        async with AsyncMongoClient[Document](settings.database_uri, tz_aware=True, w="majority") as client:
            running = Stage(settings, data, client, patients, bundles, scale)
            try:
                await _start(running)
                yield running
            finally:
                running.supervisor.stop()
                await _drop(running)
    finally:
        if server is not None:
            server.stop()


async def _start(running: Stage) -> None:
    running.start("sign-in", "hie.cli", "sign-in")
    web = running.start("web", "hie.cli", "serve")
    listener = running.start("listener", "hie.cli", "listen")
    await until(lambda: asyncio.to_thread(answers, f"{running.settings.web_url}/health/ready"), "the web service", web)
    await until(lambda: listens(running.settings.mllp_port), "the listener", listener)


async def listens(port: int) -> bool:
    """True where somebody takes connections."""
    try:
        _, writer = await asyncio.open_connection("127.0.0.1", port)
    except OSError:
        return False
    writer.close()
    return True


async def until(
    question: Callable[[], Awaitable[bool]], what: str, running: Child | None = None, seconds: float = READY_SECONDS
) -> None:
    """Wait for a yes while `running` runs; TimeoutError or RuntimeError names what did not come."""
    try:
        async with asyncio.timeout(seconds):
            while not await question():
                if running is not None and running.process.poll() is not None:
                    raise RuntimeError(f"{what} has ended; see {running.program.log}")
                await asyncio.sleep(0.1)
    except TimeoutError as error:
        raise TimeoutError(f"{what} is not ready after {seconds:g} s") from error


async def _drop(running: Stage) -> None:
    for name in await running.client.list_database_names():
        if name.startswith(running.settings.database_prefix):
            await running.client.drop_database(name)
