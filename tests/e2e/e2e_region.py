"""The whole exchange as a newcomer starts it: `hie up` on free ports, with data of its own."""

from __future__ import annotations

import asyncio
import contextlib
import hashlib
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Coroutine, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TypeVar

import gridfs
import httpx
import pymongo
from free_ports import free_port
from pymongo.database import Database

from adapters.mllp.client import MllpClient
from hie.commands.tokens import token
from hie.settings import Settings
from hie.supervisor.up import answers

T = TypeVar("T")
ROOT = Path(__file__).resolve().parents[2]
CHROMIUM = "/usr/bin/chromium"
PORTS = ("WEB_PORT", "PORTAL_PORT", "SIGN_IN_PORT", "MLLP_PORT", "MONGO_PORT")


@dataclass(frozen=True, slots=True)
class Region:
    """A running exchange: its environment (HIE_* settings), its data folder, and the supervisor's process."""

    environment: dict[str, str]
    data: Path
    process: subprocess.Popen[bytes]
    tokens: dict[str, str] = field(default_factory=dict)

    def port(self, name: str) -> int:
        return int(self.environment[f"HIE_{name}"])

    @property
    def web(self) -> str:
        return f"http://127.0.0.1:{self.port('WEB_PORT')}"

    @property
    def fhir(self) -> str:
        return f"{self.web}/fhir"

    @property
    def portal(self) -> str:
        return f"http://127.0.0.1:{self.port('PORTAL_PORT')}/"

    @property
    def workbench(self) -> str:
        return f"{self.web}/workbench"

    @property
    def ready(self) -> bool:
        """True where the web service, the portal and the listener answer."""
        pages = (f"{self.web}/health/ready", f"{self.portal}health/live")
        return all(answers(page) for page in pages) and self._listens()

    def _listens(self) -> bool:
        with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", self.port("MLLP_PORT")), 2):
            return True
        return False

    def hie(self, *arguments: str, timeout: float = 120) -> subprocess.CompletedProcess[str]:
        """Run a command of the command line against this exchange."""
        return subprocess.run(
            [sys.executable, "-m", "hie.cli", *arguments],
            cwd=ROOT, env=self.environment, capture_output=True, text=True, timeout=timeout, check=False,
        )  # fmt: skip

    def token(self, account: str) -> str:
        """An access token of a demo account, as `hie token` gives it; it holds for an hour."""
        if account not in self.tokens:
            settings = Settings(sign_in_port=self.port("SIGN_IN_PORT"))
            self.tokens[account] = token(settings, account)
        return self.tokens[account]

    def client(self, account: str) -> httpx.Client:
        """A FHIR client in that account's name."""
        headers = {"Authorization": f"Bearer {self.token(account)}"}
        return httpx.Client(base_url=self.fhir, headers=headers, timeout=60, trust_env=False)

    def send(self, *messages: bytes) -> list[bytes]:
        """Send messages over MLLP, wait until they are filed, and return the acknowledgements."""

        async def post() -> list[bytes]:
            async with MllpClient("127.0.0.1", self.port("MLLP_PORT")) as client:
                return [await client.send(message) for message in messages]

        answers = in_loop(post())
        self.drain()
        return answers

    def drain(self, seconds: float = 60) -> None:
        """Wait until the workers have nothing to do."""
        with self.database() as database:
            journal = database["journal"]
            eventually(lambda: not journal.count_documents({"state": "pending"}, limit=1), "the last message", seconds)

    @contextlib.contextmanager
    def database(self) -> Iterator[Database[dict[str, Any]]]:
        """The exchange's own database, to look behind the doors."""
        uri = f"mongodb://127.0.0.1:{self.port('MONGO_PORT')}/?replicaSet=rs0"
        with pymongo.MongoClient[dict[str, Any]](uri, tz_aware=True) as client:
            yield client["hie_exchange"]

    def kept(self, raw: bytes, seconds: float = 10) -> dict[str, Any]:
        """The journal's entry of these very bytes; fails where none comes."""
        digest = hashlib.sha256(raw).hexdigest()
        with self.database() as database:
            found = eventually(lambda: database["journal"].find_one({"hash": digest}), "a journal entry", seconds)
            body = bytes(found["raw"] or b"")
            if found.get("file") is not None:
                body = gridfs.GridFSBucket(database, bucket_name="bodies").open_download_stream(found["file"]).read()
        assert body == raw
        return dict(found)

    def children(self, service: str = "") -> list[int]:
        """Process ids of one service (`listen`, `work`, `serve`, ...), of `mongod`, or of all."""
        pattern = f"hie.cli {service}" if service and service != "mongod" else service
        found = subprocess.run(
            ["pgrep", "-P", str(self.process.pid), "-f", pattern or "."], capture_output=True, text=True, check=False
        )
        return [int(line) for line in found.stdout.split()]


def in_loop(work: Coroutine[Any, Any, T]) -> T:
    """Run a coroutine in a thread: a browser test has a loop running in this one."""
    with ThreadPoolExecutor(1) as pool:
        return pool.submit(asyncio.run, work).result()


def eventually(question: Callable[[], T | None], what: str, seconds: float = 30) -> T:
    """Ask until there is an answer: what follows a message by an event comes a moment after it."""
    deadline = time.monotonic() + seconds
    while not (found := question()):
        assert time.monotonic() < deadline, f"{what} did not come in {seconds:g} s"
        time.sleep(0.1)
    return found


def start_region(data: Path, *, again: Region | None = None, **settings: str) -> Region:
    """Start `hie up` and wait until it answers; `again` is one that was stopped, to be started as it was."""
    environment = again.environment if again else os.environ | {f"HIE_{name}": str(free_port()) for name in PORTS}
    environment = environment | {"HIE_DATA_DIR": str(data)} | settings
    environment.pop("HIE_TEST_MONGO_URI", None)
    with (data / "up.log").open("ab") as log:
        process = subprocess.Popen(
            [sys.executable, "-m", "hie.cli", "up"], cwd=ROOT, env=environment, stdout=log, stderr=log,
            start_new_session=True,
        )  # fmt: skip
    region = Region(environment, data, process)
    deadline = time.monotonic() + 120
    while time.monotonic() < deadline and process.poll() is None:
        if region.ready:
            return region
        time.sleep(0.2)
    stop_region(region)
    raise AssertionError(said(data))


def said(data: Path) -> str:
    """What the services wrote, for a failure."""
    return (data / "up.log").read_text() + "".join(log.read_text()[-3000:] for log in data.glob("logs/*.log"))


def stop_region(region: Region) -> None:
    """As Ctrl-C would."""
    if region.process.poll() is None:
        region.process.send_signal(signal.SIGINT)
        try:
            region.process.wait(60)
        except subprocess.TimeoutExpired:
            region.process.kill()
            raise
