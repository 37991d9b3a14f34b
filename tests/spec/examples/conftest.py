"""An exchange that was given every official example, over its FHIR interface."""

from __future__ import annotations

import uuid
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pymongo
import pytest
from example_region import Exchange, give_all
from fhir_world import World
from free_ports import free_port
from official_package import Example, Unreachable, examples
from sign_in_server import sign_in_server

from hie.app import build


@pytest.fixture(scope="session")
def package() -> list[Example]:
    """Every official example; the tests are skipped, and say why, where they cannot be had."""
    try:
        return examples()
    except Unreachable as reason:
        pytest.skip(str(reason))


@pytest.fixture(scope="session")
def examples_prefix(mongo_uri: str) -> Iterator[str]:
    """Databases for all tests of the examples."""
    prefix = f"t{uuid.uuid4().hex[:10]}"
    yield prefix
    with pymongo.MongoClient[dict[str, object]](mongo_uri) as client:
        for name in client.list_database_names():
            if name.startswith(prefix):
                client.drop_database(name)


@pytest.fixture(scope="session")
async def exchange(
    package: list[Example], mongo_uri: str, examples_prefix: str, tmp_path_factory: pytest.TempPathFactory
) -> AsyncIterator[Exchange]:
    """The exchange with everything in it, and what it answered to each example."""
    folder = tmp_path_factory.mktemp("examples")
    with sign_in_server(folder, free_port()) as issuer:
        settings = issuer.model_copy(
            update={"mongo_uri": mongo_uri, "database_prefix": examples_prefix, "data_dir": Path(folder)}
        )
        async with build(settings) as services, World.over(services) as world:
            yield await give_all(world, package)
