"""The replica set of the compose file: three real servers with a key file become one, with users of few rights."""

from __future__ import annotations

import base64
import os
import secrets
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pymongo
import pytest
from free_ports import free_port
from image_programs import program
from pymongo.errors import OperationFailure

from hie.supervisor import mongod
from hie.supervisor.processes import stop_process

pytestmark = [pytest.mark.slow, pytest.mark.timeout(180)]
initiate_mongo = program("initiate-mongo")
UNAUTHORIZED, WRONG_PASSWORD = 13, 18


class World:
    """Three members, and the environment that the compose file gives."""

    def __init__(self, ports: list[int]) -> None:
        self.members = [f"127.0.0.1:{port}" for port in ports]
        self.exchange = self.uri("exchange", "one")
        self.portal = self.uri("portal", "two")

    def uri(self, user: str, password: str) -> str:
        return f"mongodb://{user}:{password}@{','.join(self.members)}/?replicaSet=rs0&authSource=admin"

    def ensure(self, **changes: str) -> None:
        environment = {
            "MONGO_MEMBERS": ",".join(self.members), "MONGO_HERE": self.members[0], "HIE_DATABASE_PREFIX": "t",
            "MONGO_ROOT_PASSWORD": "r00t/@:", "HIE_MONGO_URI": self.exchange, "HIE_PORTAL_MONGO_URI": self.portal,
        }  # fmt: skip
        initiate_mongo.main({**environment, **changes})


def client(uri: str) -> pymongo.MongoClient[dict[str, Any]]:
    return pymongo.MongoClient(uri, serverSelectionTimeoutMS=20_000)


def code_of(uri: str, database: str) -> int | None:
    """The code with which a write is refused; None where it is done."""
    with client(uri) as found:
        try:
            found[database]["things"].insert_one({})
        except OperationFailure as error:
            return error.code
    return None


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    """Servers that nobody has spoken to yet."""
    folder = tmp_path_factory.mktemp("replica-set")
    key = folder / "key"
    key.write_bytes(base64.b64encode(secrets.token_bytes(96)))
    key.chmod(0o400)
    ports = [free_port() for _ in range(3)]
    running = [_start(folder, port, key) for port in ports]
    yield World(ports)
    for process in running:
        stop_process(process)


def _start(folder: Path, port: int, key: Path) -> subprocess.Popen[bytes]:
    data = folder / str(port)
    data.mkdir()
    command = [*mongod.command(mongod.find_binary(), data, port, 0.25), "--keyFile", str(key)]
    command += ["--setParameter", "shutdownTimeoutMillisForSignaledShutdown=100"]
    return subprocess.Popen(command, stdout=subprocess.DEVNULL, env={**os.environ})


class TestInitiateMongo:
    def test_story(self, world: World) -> None:
        """From three bare servers to a set with users; a second run changes passwords and no data."""
        world.ensure()

        with client(world.exchange) as exchange:
            hello = exchange.admin.command("hello")
            assert sorted(hello["hosts"]) == sorted(world.members)
            with exchange.start_session() as session, session.start_transaction():
                exchange["t_exchange"]["kept"].insert_one({"_id": 1}, session=session)
                exchange["t_emr"]["kept"].insert_one({"_id": 1}, session=session)
        assert code_of(world.exchange, "other") == UNAUTHORIZED
        assert code_of(world.portal, "t_portal") is None
        assert code_of(world.portal, "t_exchange") == UNAUTHORIZED
        assert code_of(f"mongodb://{world.members[0]}/?directConnection=true", "t_exchange") == UNAUTHORIZED

        renewed = world.uri("exchange", "three")
        world.ensure(HIE_MONGO_URI=renewed)

        assert code_of(renewed, "t_exchange") is None
        assert code_of(world.exchange, "t_exchange") == WRONG_PASSWORD
        with client(renewed) as exchange:
            assert exchange["t_emr"]["kept"].count_documents({}) == 1

        with pytest.raises(OperationFailure):
            world.ensure(MONGO_ROOT_PASSWORD="wrong")
