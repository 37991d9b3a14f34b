"""An exchange with the pages of the administration, and nothing in it."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
from pymongo import AsyncMongoClient

from tests.hie.applications.administration.administration_world import modules
from tests.hie.workbench.workbench_world import World, world


@pytest.fixture
async def region(mongo: AsyncMongoClient[dict[str, Any]], database_prefix: str, tmp_path: Path) -> AsyncIterator[World]:
    async with world(mongo, database_prefix, tmp_path, modules) as made:
        yield made
