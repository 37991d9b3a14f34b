"""The FHIR interface with everything real behind it: database, sign-in, decisions, trail."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest
from fhir_world import World
from free_ports import free_port
from sign_in_server import sign_in_server

from hie.app import build
from hie.settings import Settings


@pytest.fixture(scope="session")
def issuer(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Settings]:
    """The demo sign-in, one for all tests."""
    with sign_in_server(tmp_path_factory.mktemp("sign-in"), free_port()) as settings:
        yield settings


@pytest.fixture
async def world(issuer: Settings, mongo_uri: str, database_prefix: str, tmp_path: Path) -> AsyncIterator[World]:
    """An exchange of its own."""
    settings = issuer.model_copy(
        update={"mongo_uri": mongo_uri, "database_prefix": database_prefix, "data_dir": tmp_path}
    )
    async with build(settings) as services, World.over(services) as world:
        yield world
