"""
A real Keycloak for tests: fetched once by Maven, kept in the cache folder of the user, started with realm and theme.

https://www.keycloak.org/server/configuration
"""

from __future__ import annotations

import os
import queue
import re
import shutil
import signal
import subprocess
import tempfile
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

import httpx

VERSION = "26.5.6"
ARTIFACT = f"org.keycloak:keycloak-quarkus-dist:{VERSION}:zip"
DOCKER = Path(__file__).resolve().parents[2] / "docker"
REALM = DOCKER / "keycloak" / "zibo-realm.json"
THEMES = DOCKER / "keycloak" / "themes"
BUILD = ("--db=dev-mem", "--cache=local")
JAVA = 17
FETCH_SECONDS = 600
START_SECONDS = 300
STOP_SECONDS = 30


@dataclass(frozen=True)
class RealKeycloak:
    """Its base address, the secret of the client `system`, and whom it told of a sign-out: (path, token) each time."""

    base: str
    system_secret: str
    told: queue.Queue[tuple[str, str]]

    def forget(self) -> None:
        """Sign-outs of earlier tests are of no interest."""
        while not self.told.empty():
            self.told.get()


class Absent(Exception):
    """This machine cannot run it; the text says what is missing."""


def distribution() -> Path:
    """The unpacked distribution; Absent where it is neither kept nor to be had."""
    _require_java()
    cache = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "regional-hie"
    kept = cache / f"keycloak-{VERSION}-built"
    if not kept.is_dir():
        cache.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=cache) as work:
            _unpack(Path(work))
            unpacked = Path(work) / f"keycloak-{VERSION}"
            subprocess.run([unpacked / "bin" / "kc.sh", "build", *BUILD], check=True, capture_output=True, env=_java())
            # Moved when whole: a fetch that was cut off leaves nothing that looks like a distribution.
            unpacked.rename(kept)
    return kept


def _java() -> dict[str, str]:
    # It lives for minutes: too short for the second compiler to pay.
    return {**os.environ, "JAVA_OPTS_KC_HEAP": "-Xms64m -Xmx512m -XX:TieredStopAtLevel=1"}


def _require_java() -> None:
    if shutil.which("java") is None:
        raise Absent("no java on PATH")
    said = subprocess.run(["java", "-version"], capture_output=True, text=True, check=True).stderr
    version = re.search(r'version "(\d+)', said)
    if version is None or int(version[1]) < JAVA:
        raise Absent(f"Java {JAVA} or later is needed")


def _unpack(work: Path) -> None:
    if shutil.which("mvn") is None:
        raise Absent("no mvn on PATH to fetch it with")
    command = [
        "mvn", "-q", "-B", "dependency:unpack", f"-Dartifact={ARTIFACT}", f"-DoutputDirectory={work}",
        f"-Dmdep.unpack.markersDirectory={work}", f"-DmarkersDirectory={work}",
    ]  # fmt: skip
    try:
        subprocess.run(command, cwd=work, check=True, capture_output=True, timeout=FETCH_SECONDS)
    except (subprocess.CalledProcessError, subprocess.TimeoutExpired) as error:
        raise Absent(f"Maven could not get {ARTIFACT}") from error


@contextmanager
def keycloak(work: Path, port: int, management_port: int, environment: Mapping[str, str]) -> Iterator[str]:
    """Its base address, once it answers for the realm. A copy runs, so that nothing of an earlier run is seen."""
    running = work / "keycloak"
    shutil.copytree(distribution(), running)
    (running / "data" / "import").mkdir(parents=True)
    shutil.copy(REALM, running / "data" / "import")
    shutil.copytree(THEMES, running / "themes", dirs_exist_ok=True)
    command = [
        str(running / "bin" / "kc.sh"), "start", "--optimized", "--import-realm", "--http-enabled=true",
        "--http-host=127.0.0.1", f"--http-port={port}", f"--http-management-port={management_port}",
        f"--hostname=http://127.0.0.1:{port}",
    ]  # fmt: skip
    with (running / "log").open("wb") as log:
        process = subprocess.Popen(
            command, env={**_java(), **environment}, stdout=log, stderr=log, start_new_session=True
        )
    try:
        _wait(f"http://127.0.0.1:{port}/realms/zibo", process, running / "log")
        yield f"http://127.0.0.1:{port}"
    finally:
        _stop(process)
        shutil.rmtree(running, ignore_errors=True)


def _wait(address: str, process: subprocess.Popen[bytes], log: Path) -> None:
    deadline = time.monotonic() + START_SECONDS
    while time.monotonic() < deadline and process.poll() is None:
        try:
            if httpx.get(address, timeout=20, trust_env=False).status_code == 200:
                return
        except httpx.HTTPError:
            pass
        time.sleep(0.5)
    raise TimeoutError(f"Keycloak did not start:\n{log.read_text('utf-8', 'replace')[-3000:]}")


def _stop(process: subprocess.Popen[bytes]) -> None:
    """Its data goes with it, so nothing is lost by a hard end where a busy machine takes too long for a soft one."""
    for number in (signal.SIGTERM, signal.SIGKILL):
        if process.poll() is None:
            os.killpg(process.pid, number)
            with suppress(subprocess.TimeoutExpired):
                process.wait(STOP_SECONDS)
