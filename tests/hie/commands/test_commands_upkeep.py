"""Replay, verification, reindexing and migration against a real database."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from hie.audit.events import Entry
from hie.audit.trail import AuditTrail
from hie.commands.engine import aware, replay_selected
from hie.commands.status import drain, journal_counts
from hie.commands.upkeep import migrate_stores, reindex_all, verify
from hie.errors import Unavailable
from hie.exchange.database import Client
from hie.exchange.inbound import InboundMessage
from hie.exchange.journal import Journal
from hie.exchange.replaying import Selection
from hie.settings import Settings
from records.resource_store import ResourceStore
from records.stored import Write


@pytest.fixture
def settings(mongo_uri: str, database_prefix: str, tmp_path: Path) -> Settings:
    """An exchange of its own."""
    return Settings(mongo_uri=mongo_uri, database_prefix=database_prefix, data_dir=tmp_path)


async def keep(journal: Journal, control: str, state: str, at: datetime) -> str:
    message = InboundMessage(
        journal.next_id(), "mllp", at, control.encode(), sender="HIS|H1", control_id=control, state=state  # type: ignore[arg-type]
    )  # fmt: skip
    return (await journal.append(message, b"")).id


async def replayed(settings: Settings, **chosen: Any) -> int:
    return await replay_selected(settings, Selection(**chosen), lambda _: None, by="test")


class TestReplay:
    async def test_choices(self, settings: Settings, mongo: Client) -> None:
        """By id, all dead letters, or what came in a span of time; what is pending already is not counted."""
        journal, now = Journal(mongo, settings.database_prefix), datetime.now(UTC)
        done = await keep(journal, "1", "committed", now - timedelta(days=2))
        await keep(journal, "2", "dead", now - timedelta(days=1))
        await keep(journal, "3", "kept", now)

        assert await replayed(settings, ids=(done,)) == 1
        assert await replayed(settings, states=("dead",)) == 1
        assert await replayed(settings, since=now - timedelta(hours=1)) == 1
        assert await replayed(settings, ids=(done,), states=("dead",)) == 0
        assert (await journal.counts())["pending"] == 3

    async def test_time_of_the_region(self, settings: Settings, mongo: Client) -> None:
        """A time without a zone is one of the region, whatever the machine's clock shows."""
        at, zone = datetime(2026, 11, 24, 1, 30, tzinfo=UTC), ZoneInfo("Asia/Shanghai")
        await keep(Journal(mongo, settings.database_prefix), "1", "committed", at)

        assert await replayed(settings, since=aware(datetime(2026, 11, 24, 10, 0), zone)) == 0
        assert await replayed(settings, since=aware(datetime(2026, 11, 24, 9, 0), zone)) == 1

    async def test_no_database(self, settings: Settings) -> None:
        """Where nobody answers it is said in a sentence."""
        away = settings.model_copy(update={"mongo_uri": "mongodb://127.0.0.1:1/?serverSelectionTimeoutMS=100"})
        with pytest.raises(Unavailable, match="running"):
            await replayed(away, ids=("x",))


class TestStatus:
    async def test_drain(self, settings: Settings, mongo: Client) -> None:
        """It waits for what is pending, and says when the time ran out."""
        journal = Journal(mongo, settings.database_prefix)
        assert await drain(settings, 0.1)
        await keep(journal, "1", "pending", datetime.now(UTC))

        assert not await drain(settings, 0.1)
        assert (await journal_counts(settings))["pending"] == 1


class TestVerify:
    async def test_whole_and_broken(self, settings: Settings, mongo: Client) -> None:
        """An untouched trail is unbroken; a changed event is named and the exit code is 1."""
        trail = AuditTrail(mongo, settings.database_prefix, data_dir=settings.data_dir)
        await trail.record([Entry("read", resource_type="Patient", resource_id="1", patient="1")] * 3)
        await trail.aclose()
        said: list[str] = []
        assert await verify(settings, said.append) == 0

        events = mongo[f"{settings.database_prefix}_exchange"]["AuditEvent"]
        second = (await events.find().sort("_id", 1).to_list())[1]
        forged = second["text"].replace(b"Patient", b"Person")
        await events.update_one({"_id": second["_id"]}, {"$set": {"text": forged}})
        assert await verify(settings, said.append) == 1
        assert "3 events" in said[0]
        assert str(second["_id"]) in said[1]


class TestStores:
    async def test_reindex(self, settings: Settings, mongo: Client) -> None:
        """Only what has other keys than before is changed, and found again."""
        store = ResourceStore(mongo, settings.database_prefix)
        resource = {"resourceType": "Patient", "id": "1", "name": [{"text": "王晓梅"}]}
        await store.apply([Write("create", "Patient", "1", resource)])
        patients = store.collections.of("Patient")
        await patients.update_one({"_id": "1"}, {"$set": {"k": []}})
        said: list[str] = []

        assert await reindex_all(settings, said.append) == 1
        assert await reindex_all(settings, said.append) == 0
        assert len((await store.search("Patient", [("name", "王晓梅")])).matches) == 1
        assert "Patient: 1" in said

    async def test_migrate(self, settings: Settings, mongo: Client) -> None:
        """A dry run changes nothing; a real one brings schema and indexes, and may be repeated."""
        said: list[str] = []
        await migrate_stores(settings, said.append, dry_run=True)
        assert await mongo[f"{settings.database_prefix}_exchange"].list_collection_names() == []

        await migrate_stores(settings, said.append)
        await migrate_stores(settings, said.append)
        indexes = await mongo[f"{settings.database_prefix}_exchange"]["journal"].index_information()
        assert len(indexes) > 5
        assert any("Would run 1" in line for line in said)
