"""A running exchange, and a token of it, for clients of other hands."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

import pytest
from e2e_region import Region, start_region, stop_region


@pytest.fixture(scope="session")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Region]:
    """The whole exchange on sockets of its own."""
    running = start_region(tmp_path_factory.mktemp("clients"))
    yield running
    stop_region(running)


@pytest.fixture(scope="session")
def reached(server: Region) -> Mapping[str, str]:
    """What a client is told: the base address, and tokens of a system and of somebody who may only read."""
    return {"FHIR_BASE": server.fhir, "FHIR_TOKEN": server.token("system"), "FHIR_READER": server.token("resident")}
