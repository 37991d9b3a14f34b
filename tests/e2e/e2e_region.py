"""The whole exchange as a newcomer starts it: `hie up` on free ports, with data of its own."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path

import httpx
from free_ports import free_port

ROOT = Path(__file__).resolve().parents[2]
CHROMIUM = "/usr/bin/chromium"
PORTS = ("WEB_PORT", "PORTAL_PORT", "SIGN_IN_PORT", "MLLP_PORT", "MONGO_PORT")


@dataclass(frozen=True, slots=True)
class Region:
    """A running exchange: its environment (HIE_* settings), its data folder, and the supervisor's process."""

    environment: dict[str, str]
    data: Path
    process: subprocess.Popen[bytes]

    def port(self, name: str) -> int:
        return int(self.environment[f"HIE_{name}"])

    @property
    def fhir(self) -> str:
        return f"http://127.0.0.1:{self.port('WEB_PORT')}/fhir"

    @property
    def portal(self) -> str:
        return f"http://127.0.0.1:{self.port('PORTAL_PORT')}/"

    @property
    def workbench(self) -> str:
        return f"http://127.0.0.1:{self.port('WEB_PORT')}/workbench"

    def hie(self, *arguments: str, timeout: float = 120) -> subprocess.CompletedProcess[str]:
        """Run a command of the command line against this exchange."""
        return subprocess.run(
            [sys.executable, "-m", "hie.cli", *arguments],
            cwd=ROOT, env=self.environment, capture_output=True, text=True, timeout=timeout, check=False,
        )  # fmt: skip

    def token(self, account: str) -> str:
        """An access token of a demo account."""
        done = self.hie("token", account)
        assert done.returncode == 0, done.stderr
        return done.stdout.strip()

    def client(self, account: str) -> httpx.Client:
        """A FHIR client in that account's name."""
        headers = {"Authorization": f"Bearer {self.token(account)}"}
        return httpx.Client(base_url=self.fhir, headers=headers, timeout=60, trust_env=False)

    def send(self, folder: Path, *messages: bytes) -> subprocess.CompletedProcess[str]:
        """Send messages over MLLP and wait until they are filed."""
        file = folder / f"{time.monotonic_ns()}.hl7"
        file.write_bytes(b"\n".join(messages))
        sent = self.hie("send", str(file))
        assert self.hie("drain").returncode == 0
        return sent

    def children(self, service: str) -> list[int]:
        """Process ids of one service (`listen`, `work`, `serve`, ...) or of `mongod`."""
        pattern = (
            "mongod.*--port " + self.environment["HIE_MONGO_PORT"] if service == "mongod" else f"hie.cli {service}"
        )
        found = subprocess.run(
            ["pgrep", "-P", str(self.process.pid), "-f", pattern], capture_output=True, text=True, check=False
        )
        return [int(line) for line in found.stdout.split()]


def start_region(data: Path, **settings: str) -> Region:
    """Start `hie up` and wait until it says that it is ready."""
    environment = os.environ | {f"HIE_{name}": str(free_port()) for name in PORTS}
    environment |= {"HIE_DATA_DIR": str(data)} | settings
    environment.pop("HIE_TEST_MONGO_URI", None)
    with (data / "up.log").open("wb") as log:
        process = subprocess.Popen(
            [sys.executable, "-m", "hie.cli", "up"], cwd=ROOT, env=environment, stdout=log, stderr=log,
            start_new_session=True,
        )  # fmt: skip
    region = Region(environment, data, process)
    deadline = time.monotonic() + 120
    while time.monotonic() < deadline:
        if process.poll() is not None:
            break
        if region.hie("status").returncode == 0:
            return region
        time.sleep(0.3)
    stop_region(region)
    raise AssertionError((data / "up.log").read_text() + "".join(log.read_text() for log in data.glob("logs/*.log")))


def stop_region(region: Region) -> None:
    """As Ctrl-C would."""
    if region.process.poll() is None:
        region.process.send_signal(signal.SIGINT)
        try:
            region.process.wait(60)
        except subprocess.TimeoutExpired:
            region.process.kill()
            raise
