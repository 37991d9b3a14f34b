"""A receiver on a real socket, and an exchange whose engine runs."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest
from fhir_world import World, patient
from receiver import Receiver
from subscription_world import engine


@pytest.fixture
async def receiver() -> AsyncIterator[Receiver]:
    """Somebody who wants to be told."""
    async with Receiver.listening() as receiver:
        yield receiver


@pytest.fixture
async def running(world: World) -> AsyncIterator[World]:
    """An exchange with one resident, and a worker."""
    await world.made(patient("p1"))
    async with engine(world.services):
        yield world
