"""
`hie up`: every service of one machine under one supervisor, and with --demo a region that is filled by sending.

Order: database, demo sign-in, web, listener, workers, portal; stopped the other way round.
"""

from __future__ import annotations

import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from types import FrameType

import httpx

from hie.errors import Unavailable
from hie.settings import Settings
from hie.supervisor import mongod
from hie.supervisor.processes import Program, Supervisor, die_with_parent, stop_process

READY_SECONDS = 90.0
LOOK_EVERY = 0.5


class Stopped(Exception):
    """SIGINT or SIGTERM asked us to end."""


class OneMachine:
    """Everything of `hie up`. `say` prints a line for the person at the terminal."""

    def __init__(self, settings: Settings, say: Callable[[str], None]) -> None:
        self.settings = settings
        self.say = say
        self.supervisor = Supervisor(say)

    @property
    def logs(self) -> Path:
        return self.settings.data_dir / "logs"

    def start(self) -> None:
        """Start all; returns when every service says that it is ready. Unavailable where an address is taken."""
        refuse_taken(self._ports(), self.settings.host)
        self._start_database()
        for name, arguments in self._services():
            self.supervisor.start(self._program(name, arguments))
        self._wait_until_ready()

    def _ports(self) -> Iterator[tuple[str, int]]:
        settings = self.settings
        if not settings.mongo_uri:
            yield "HIE_MONGO_PORT", settings.mongo_port
        if self._has_sign_in:
            yield "HIE_SIGN_IN_PORT", settings.sign_in_port
        yield "HIE_WEB_PORT", settings.web_port
        yield "HIE_MLLP_PORT", settings.mllp_port
        yield "HIE_PORTAL_PORT", settings.portal_port

    @property
    def _has_sign_in(self) -> bool:
        return self.settings.mode == "demo" and self.settings.issuer is None

    def _start_database(self) -> None:
        if self.settings.mongo_uri:
            return
        port = self.settings.mongo_port
        self.supervisor.start(mongod.program(self.settings.data_dir / "mongo", port, self.logs / "database.log"))
        mongod.wait_until_writable(port, self.supervisor.children[0].process)

    def _services(self) -> Iterator[tuple[str, Sequence[str]]]:
        if self._has_sign_in:
            yield "sign-in", ["sign-in"]
        yield "web", ["serve"]
        yield "listener", ["listen"]
        for number in range(self.settings.workers):
            yield f"worker-{number + 1}", ["work"]
        yield "portal", ["portal"]

    def _program(self, name: str, arguments: Sequence[str]) -> Program:
        environment = {
            "HIE_MONGO_URI": self.settings.database_uri,
            "HIE_DATA_DIR": str(self.settings.data_dir.resolve()),
        }
        command = [sys.executable, "-m", "hie.cli", *arguments]
        return Program(name, command, self.logs / f"{name}.log", environment)

    def _wait_until_ready(self) -> None:
        deadline = time.monotonic() + READY_SECONDS
        waiting = [
            f"{on_this_machine(self.settings, self.settings.web_port)}/health/ready",
            f"{on_this_machine(self.settings, self.settings.portal_port)}/health/live",
        ]
        while waiting and time.monotonic() < deadline:
            self.supervisor.watch()
            waiting = [address for address in waiting if not answers(address)]
            time.sleep(0.1)
        if waiting:
            raise Unavailable(f"Not ready in time: {', '.join(waiting)}; see {self.logs}.")

    def run(self, meanwhile: subprocess.Popen[bytes] | None = None, then: Callable[[int], None] | None = None) -> None:
        """Watch until stopped; call `then` with the exit code when the process `meanwhile` ends."""
        while True:
            self.supervisor.watch()
            if meanwhile is not None and (code := meanwhile.poll()) is not None:
                meanwhile = None
                if then:
                    then(code)
            time.sleep(LOOK_EVERY)

    def stop(self) -> None:
        """Stop every child, the database last."""
        self.supervisor.stop()


def refuse_taken(ports: Iterable[tuple[str, int]], host: str) -> None:
    """Say at once which port somebody else has, and which setting chooses another."""
    for setting, port in ports:
        with socket.socket(socket.AF_INET6 if ":" in host else socket.AF_INET) as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                probe.bind((host, port))
            except OSError as error:
                text = f"Port {port} cannot be used ({error.strerror}); {setting} chooses another."
                raise Unavailable(text) from None


def on_this_machine(settings: Settings, port: int) -> str:
    """Base address of one of our services from here, whatever the outside calls it."""
    host = {"0.0.0.0": "127.0.0.1", "::": "[::1]"}.get(settings.host, settings.host)  # noqa: S104 - compared, not bound
    return f"http://{host}:{port}"


def answers(address: str) -> bool:
    """True where a GET gives 200."""
    try:
        return httpx.get(address, timeout=2.0, trust_env=False).status_code == 200
    except httpx.HTTPError:
        return False


@contextmanager
def stoppable() -> Iterator[None]:
    """SIGINT and SIGTERM raise Stopped inside the block."""

    def stop(_signal: int, _frame: FrameType | None) -> None:
        raise Stopped

    previous = {number: signal.signal(number, stop) for number in (signal.SIGINT, signal.SIGTERM)}
    try:
        yield
    finally:
        for number, handler in previous.items():
            signal.signal(number, handler)


@contextmanager
def unhurried() -> Iterator[None]:
    """A second Ctrl-C does not cut the end short: the children are being told to finish."""
    previous = {number: signal.signal(number, signal.SIG_IGN) for number in (signal.SIGINT, signal.SIGTERM)}
    try:
        yield
    finally:
        for number, handler in previous.items():
            signal.signal(number, handler)


def run_up(
    settings: Settings, say: Callable[[str], None], seed: Sequence[str] | None, welcome: Callable[[], None]
) -> int:
    """
    Run until stopped; returns the exit code.

    `seed` is the command line that fills the demo region (None: do not); `welcome` prints addresses and accounts.
    """
    machine = OneMachine(settings, say)
    filling: subprocess.Popen[bytes] | None = None
    try:
        with stoppable():
            machine.start()
            if seed is not None:
                filling = subprocess.Popen(  # noqa: S603 - our own command line
                    seed, start_new_session=True, preexec_fn=die_with_parent
                )
            welcome()
            machine.run(filling, lambda code: None if code == 0 else say(f"Filling the demo region failed ({code})."))
    except Stopped:
        say("Stopping.")
        return 0
    except Unavailable as error:
        say(error.text)
        return 1
    finally:
        with unhurried():
            if filling is not None:
                stop_process(filling)
            machine.stop()
    return 0
