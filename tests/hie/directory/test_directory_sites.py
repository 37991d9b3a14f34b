"""Sites from the registry, against a real database."""

from __future__ import annotations

from typing import Any

import pytest
from pymongo import AsyncMongoClient

from hie.directory.sites import Directory
from hie.errors import Unprocessable
from hie.settings import Settings
from records.resource_store import ResourceStore
from records.stored import Write

SENDER = {"system": "urn:hie:hl7v2-sender", "value": "HIS|H01"}


class World:
    """A store with organizations, and directories over it."""

    def __init__(self, client: AsyncMongoClient[dict[str, Any]], prefix: str) -> None:
        self.client, self.prefix = client, prefix
        self.store = ResourceStore(client, prefix)

    def directory(self, unknown: str = "accept") -> Directory:
        return Directory(self.client, self.prefix, self.store, Settings(unknown_sender=unknown))

    async def organization(self, identity: str, *identifiers: dict[str, str]) -> None:
        resource = {
            "resourceType": "Organization", "id": identity, "name": "淄博市中心医院",
            "identifier": [{"system": "urn:hie:organization", "value": identity}, *identifiers],
        }  # fmt: skip
        await self.store.apply([Write("create", "Organization", identity, resource=resource)])


@pytest.fixture
async def world(mongo: AsyncMongoClient[dict[str, Any]], database_prefix: str) -> World:
    """A region without organizations."""
    one = World(mongo, database_prefix)
    await one.store.ensure_indexes()
    return one


class TestSiteFor:
    async def test_registered(self, world: World) -> None:
        """A sender is the organization that has it as an identifier."""
        await world.organization("o1", SENDER)
        site = await world.directory().site_for("HIS|H01")

        assert site is not None
        assert (site.name, site.organization, site.provisional) == ("淄博市中心医院", "o1", False)

    async def test_unknown(self, world: World) -> None:
        """An unknown sender works under a provisional profile, or not at all; both are listed for onboarding."""
        accepting, strict = world.directory(), world.directory("quarantine")

        site = await accepting.site_for("HIS|H01")
        assert site is not None
        assert site.provisional
        assert await strict.site_for("HIS|H01") is None
        assert [(one.sender, one.site) for one in await strict.provisional()] == [("HIS|H01", "site-his-h01")]


class TestOnboard:
    async def test_onboard(self, world: World) -> None:
        """Onboarding makes the sender known at once, with its profile, and ends its waiting."""
        await world.organization("o1")
        directory = world.directory("quarantine")
        assert await directory.site_for("HIS|H01") is None

        site = await directory.onboard("HIS|H01", "o1", by="administrator", charset="GB18030")

        assert await directory.site_for("HIS|H01") == site
        assert (site.charset, site.organization) == ("GB18030", "o1")
        assert await directory.provisional() == []

    async def test_taken(self, world: World) -> None:
        """One sender is one organization."""
        await world.organization("o1", SENDER)
        await world.organization("o2")

        with pytest.raises(Unprocessable):
            await world.directory().onboard("HIS|H01", "o2", by="administrator")
