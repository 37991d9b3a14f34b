"""The FHIR interface with everything real behind it, for the tests that follow the specification page by page."""

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
def spec_issuer(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Settings]:
    """The demo sign-in, one for all tests."""
    with sign_in_server(tmp_path_factory.mktemp("sign-in"), free_port()) as settings:
        yield settings


@pytest.fixture
def spec_settings(spec_issuer: Settings, mongo_uri: str, database_prefix: str, tmp_path: Path) -> Settings:
    """Settings of an exchange of its own."""
    return spec_issuer.model_copy(
        update={"mongo_uri": mongo_uri, "database_prefix": database_prefix, "data_dir": tmp_path}
    )


@pytest.fixture
async def world(spec_settings: Settings) -> AsyncIterator[World]:
    """An exchange of its own."""
    async with build(spec_settings) as services, World.over(services) as world:
        yield world
