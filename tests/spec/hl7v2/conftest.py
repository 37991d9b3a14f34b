"""An exchange that HL7 v2 messages go through, for the tests of the checklist and of the scenarios."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest
from fhir_world import World
from hl7v2_world import Hl7World

from hie.settings import Settings


@pytest.fixture
def spec_settings(spec_settings: Settings) -> Settings:
    """The same settings with few lanes: a scenario is told in order, and begins soon."""
    return spec_settings.model_copy(update={"lanes": 4, "fhir_default_count": 100})


@pytest.fixture
async def hl7(world: World) -> AsyncIterator[Hl7World]:
    """Intake, workers and FHIR interface of an exchange that knows nobody."""
    async with Hl7World.over(world) as one:
        yield one
