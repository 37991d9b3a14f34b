"""
read and vread. https://hl7.org/fhir/R4/http.html#read
"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from email.utils import format_datetime, parsedate_to_datetime

import pytest
from fhir_world import World, issue, patient

pytestmark = pytest.mark.anyio


class TestRead:
    async def test_headers(self, world: World) -> None:
        """The version as a weak entity tag, the time of the last change; the resource says the same."""
        await world.made(patient(), patient(gender="male"))
        read = await world.get("/Patient/p1")
        meta = read.json()["meta"]

        assert read.headers["ETag"] == f'W/"{meta["versionId"]}"' == 'W/"2"'
        changed = datetime.fromisoformat(meta["lastUpdated"]).replace(microsecond=0)
        assert parsedate_to_datetime(read.headers["Last-Modified"]) == changed

    async def test_missing(self, world: World) -> None:
        """What never was is 404, what was deleted is 410, and so is the version that deleted it."""
        await world.made(patient())
        await world.ask("DELETE", "/Patient/p1")

        assert issue(await world.get("/Patient/none"))[:2] == (404, "not-found")
        assert issue(await world.get("/Patient/p1"))[:2] == (410, "deleted")
        assert issue(await world.get("/Patient/p1/_history/2"))[:2] == (410, "deleted")
        assert (await world.get("/Patient/p1/_history/1")).status_code == 200
        for version in ("3", "0", "x", "١", "9" * 40):
            assert issue(await world.get(f"/Patient/p1/_history/{version}"))[:2] == (404, "not-found")

    async def test_subsets(self, world: World) -> None:
        """_summary and _elements cut a read and a vread, and mark what was cut."""
        await world.made(patient(gender="male", birthDate="1985-06-12"))
        for path in ("/Patient/p1", "/Patient/p1/_history/1"):
            summary = (await world.get(f"{path}?_summary=true")).json()
            elements = (await world.get(f"{path}?_elements=gender")).json()

            assert {"gender", "birthDate"} <= set(summary)
            assert set(elements) == {"resourceType", "id", "meta", "gender"}
            assert {one["meta"]["tag"][0]["code"] for one in (summary, elements)} == {"SUBSETTED"}

    async def test_unknown(self, world: World) -> None:
        """A parameter that a read does not know is refused, not passed over."""
        await world.made(patient())

        assert issue(await world.get("/Patient/p1?gender=male"))[:2] == (400, "not-supported")


class TestConditionalRead:
    async def test_tags(self, world: World) -> None:
        """304 where one of the tags, weak or not, is the current version's; the headers come with it."""
        await world.made(patient(), patient(gender="male"))
        for tags in ('W/"2"', '"2"', 'W/"1", W/"2"', "*"):
            same = await world.get("/Patient/p1", If_None_Match=tags)
            assert (same.status_code, same.content, same.headers["ETag"]) == (304, b"", 'W/"2"'), tags
        for tags in ('W/"1"', '"other"'):
            assert (await world.get("/Patient/p1", If_None_Match=tags)).status_code == 200

    async def test_time(self, world: World) -> None:
        """304 where nothing changed since; a tag counts more than a time, and what is no time counts as none."""
        await world.made(patient())
        changed = (await world.get("/Patient/p1")).headers["Last-Modified"]
        before = format_datetime(datetime.now(UTC) - timedelta(days=1), usegmt=True)

        assert (await world.get("/Patient/p1", If_Modified_Since=changed)).status_code == 304
        assert (await world.get("/Patient/p1", If_Modified_Since=before)).status_code == 200
        assert (await world.get("/Patient/p1", If_Modified_Since="yesterday")).status_code == 200
        both = await world.get("/Patient/p1", If_Modified_Since=changed, If_None_Match='W/"7"')
        assert both.status_code == 200
        assert (await world.get("/Patient/p1/_history/1", If_None_Match='W/"1"')).status_code == 304
