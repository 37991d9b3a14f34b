"""Versions of profiles, and how soon they hold, against a real database."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest
from pymongo import AsyncMongoClient
from test_directory_sites import SENDER, World

from hie.directory.profiles import SiteProfiles, merged
from hie.directory.sites import Directory
from hie.directory.yaml_lines import Invalid
from hie.errors import Unprocessable

FIRST = "sender: HIS|H01\nzone: Asia/Shanghai\n"
SECOND = "sender: HIS|H01\nzone: Asia/Urumqi  # moved\n"


@pytest.fixture
async def region(mongo: AsyncMongoClient[dict[str, Any]], database_prefix: str) -> World:
    """A region without organizations."""
    one = World(mongo, database_prefix)
    await one.store.ensure_indexes()
    return one


@pytest.fixture
def profiles(region: World) -> SiteProfiles:
    return SiteProfiles(region.client, region.prefix)


class TestVersions:
    async def test_history(self, profiles: SiteProfiles) -> None:
        """Each change is a version, with who made it and what for; the same text again is none."""
        await profiles.load(FIRST, by="li", reason="onboarding")
        await profiles.load(FIRST, by="wang")
        await profiles.load(SECOND, by="wang")

        told = [(one.number, one.by, one.reason, one.text) for one in await profiles.history("HIS|H01")]
        assert told == [(2, "wang", "", SECOND), (1, "li", "onboarding", FIRST)]

    async def test_rollback(self, profiles: SiteProfiles) -> None:
        """The way back is a new version that says what it is."""
        await profiles.load(FIRST, by="li")
        await profiles.load(SECOND, by="li")
        back = await profiles.rollback("HIS|H01", 1, by="wang")

        current = await profiles.current("HIS|H01")
        assert (back.number, back.reason, back.text) == (3, "as version 1", FIRST)
        assert current is not None
        assert current.number == 3
        with pytest.raises(Unprocessable, match="no version 9"):
            await profiles.rollback("HIS|H01", 9, by="wang")

    async def test_invalid(self, profiles: SiteProfiles) -> None:
        """What is wrong is not put in force."""
        await profiles.load(FIRST, by="li")
        with pytest.raises(Invalid, match="line 2"):
            await profiles.load("sender: HIS|H01\nzone: Mars\n", by="li")
        with pytest.raises(Unprocessable, match="names no sender"):
            await profiles.load("zone: Asia/Shanghai\n", by="li")

        assert len(await profiles.history("HIS|H01")) == 1

    async def test_at_once(self, profiles: SiteProfiles) -> None:
        """Of several who change a profile at once each has a version, or is told; none is lost in silence."""
        await profiles.load(FIRST, by="li")
        texts = [f"{FIRST}authority: urn:oid:1.{n}\n" for n in range(6)]
        outcomes = await asyncio.gather(*(profiles.load(t, by="li") for t in texts), return_exceptions=True)

        done = [one for one in outcomes if not isinstance(one, BaseException)]
        assert done
        assert all(isinstance(one, Unprocessable) for one in outcomes if isinstance(one, BaseException))
        assert {one.number for one in await profiles.history("HIS|H01")} == set(range(1, len(done) + 2))

    async def test_of_before(self, region: World, profiles: SiteProfiles) -> None:
        """A profile from before there were versions reads as YAML, and becomes the first version."""
        row = {"table": "HL70001", "local": "女.1", "system": "urn:s", "code": "female", "display": ""}
        database = region.client[f"{region.prefix}_exchange"]
        collection = profiles._current
        await collection.insert_one({"_id": "HIS|H01", "zone": "Asia/Shanghai", "code_maps": [row], "by": "li"})
        assert database.name == collection.database.name

        profile, version = (await profiles.all())["HIS|H01"]
        assert (profile.zone, profile.code_maps["HL70001"]["女.1"][1], version) == ("Asia/Shanghai", "female", 0)
        await profiles.load(SECOND, by="wang")
        assert [one.number for one in await profiles.history("HIS|H01")] == [2, 1]

    def test_merged(self) -> None:
        """A form changes what it says, and leaves the rest; nothing changed leaves even the comments."""
        assert merged(SECOND, "HIS|H01", {"zone": "Asia/Urumqi"}) == SECOND
        assert "authority: urn:x" in merged(SECOND, "HIS|H01", {"authority": "urn:x"})


class TestInForce:
    async def test_hot(self, region: World, monkeypatch: pytest.MonkeyPatch) -> None:
        """A profile that another process loads holds at the next look, without a restart; also before registration."""
        monkeypatch.setattr("hie.directory.sites.CACHE_SECONDS", 0.0)
        await region.organization("o1", SENDER)
        reading, writing = region.directory(), region.directory()
        before = await reading.site_for("HIS|H01")
        await writing.profiles.load(SECOND, by="li")
        await writing.profiles.load("sender: LIS|H01\nzone: Asia/Urumqi\n", by="li")
        after, provisional = await reading.site_for("HIS|H01"), await reading.site_for("LIS|H01")

        assert before is not None
        assert after is not None
        assert provisional is not None
        assert (before.zone, before.version) == ("Asia/Shanghai", 0)
        assert (after.zone, after.version, after.organization) == ("Asia/Urumqi", 1, "o1")
        assert (provisional.zone, provisional.provisional) == ("Asia/Urumqi", True)

    async def test_registration_keeps(self, region: World) -> None:
        """Registering a sender keeps the profile that it has."""
        await region.organization("o1")
        directory: Directory = region.directory()
        await directory.profiles.load(f"{SECOND}defaults: {{PV1-2: I}}\n", by="li")
        site = await directory.register("HIS|H01", "o1", by="li")

        assert (site.zone, len(site.defaults), site.provisional) == ("Asia/Urumqi", 1, False)
        assert "HIS|H01" in await directory.known()
