"""The running exchange that the end-to-end tests share."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from e2e_region import Region, start_region, stop_region


@pytest.fixture(scope="session")
def region(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Region]:
    """One exchange for all tests that do not break it."""
    running = start_region(tmp_path_factory.mktemp("region"))
    yield running
    stop_region(running)
