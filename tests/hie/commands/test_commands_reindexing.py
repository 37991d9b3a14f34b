"""`hie reindex` on a store of its own, with nothing else running."""

from __future__ import annotations

from pathlib import Path

import pytest

from hie.commands import reindexing
from hie.errors import Unprocessable
from hie.exchange.database import Client
from hie.settings import Settings
from records.resource_store import ResourceStore
from records.stored import Json, Write

pytestmark = pytest.mark.anyio
URL = "http://example.org/SearchParameter/first-name"
PARAMETER: Json = {
    "resourceType": "SearchParameter", "id": "x", "url": URL, "status": "active", "code": "first-name", "name": "X",
    "description": "x", "base": ["Patient"], "type": "string", "expression": "Patient.name.first().given",
}  # fmt: skip


@pytest.fixture
async def settings(mongo_uri: str, database_prefix: str, tmp_path: Path, mongo: Client) -> Settings:
    """A store with two patients and a parameter that no worker has indexed."""
    store = ResourceStore(mongo, database_prefix)
    people = [{"resourceType": "Patient", "id": one, "name": [{"given": [one]}]} for one in ("a", "b")]
    await store.apply([Write("update", one["resourceType"], str(one["id"]), one) for one in (*people, PARAMETER)])
    return Settings(mongo_uri=mongo_uri, database_prefix=database_prefix, data_dir=tmp_path)


async def run(settings: Settings, **asked: object) -> tuple[int, list[str]]:
    """Exit code, and what was said."""
    said: list[str] = []
    options = {"types": [], "url": "", "rate": 0, "show": False, "order": "", "job": "", **asked}
    return await reindexing.run(settings, said.append, **options), said  # type: ignore[arg-type]


class TestReindex:
    async def test_everything(self, settings: Settings, mongo: Client) -> None:
        """All is visited, what waited is answered, and the count is told."""
        code, said = await run(settings)
        store = ResourceStore(mongo, settings.database_prefix)

        assert code == 0
        assert said[-1].endswith("completed: 3 of 3 resources are indexed as they should be.")
        assert [row.id for row in (await store.search("Patient", [("first-name", "a")])).matches] == ["a"]

    async def test_parameter_and_types(self, settings: Settings) -> None:
        """By a parameter's address or by types; the list shows both jobs and the one of the definition."""
        assert (await run(settings, url=URL))[0] == 0
        assert (await run(settings, types=["Patient", "Group"]))[0] == 0
        _, listed = await run(settings, show=True)

        assert len(listed) == 3
        assert "completed" in listed[0] and "Patient Group" in listed[0]
        assert URL in listed[1] and "100 %" in listed[1]

    async def test_orders(self, settings: Settings) -> None:
        """A job is paused, resumed and cancelled by its id; other orders are refused."""
        job = (await reindexing.newest(settings))[0].id
        assert "paused" in (await run(settings, order="pause", job=job))[1][0]
        assert "waiting" in (await run(settings, order="resume", job=job))[1][0]
        assert "cancelled" in (await run(settings, order="cancel", job=job))[1][0]

        for asked in ({"order": "pause", "job": job}, {"order": "stop", "job": job}, {"order": "pause"}, {"url": "x"}):
            with pytest.raises(Unprocessable):
                await run(settings, **asked)

    async def test_not_whole(self, settings: Settings, mongo: Client) -> None:
        """Where a resource cannot be indexed the exit code is 1, and its id is said."""
        patients = mongo[f"{settings.database_prefix}_emr"]["Patient"]
        if await patients.count_documents({}) == 0:
            patients = mongo[f"{settings.database_prefix}_health_records"]["Patient"]
        await patients.update_one({"_id": "b"}, {"$set": {"text": b"["}})
        code, said = await run(settings)

        assert code == 1
        assert "Not indexed: Patient/b" in said
