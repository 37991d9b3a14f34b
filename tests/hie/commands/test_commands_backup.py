"""A backup brings everything back, and never mixes two regions."""

from __future__ import annotations

import gzip
from pathlib import Path

import pytest
from free_ports import free_port

from hie.audit.events import Entry
from hie.audit.trail import AuditTrail
from hie.commands.backup import backup, restore
from hie.errors import Unprocessable
from hie.exchange.database import Client
from hie.settings import Settings
from records.resource_store import ResourceStore
from records.stored import Write


def settings(mongo_uri: str, prefix: str, data: Path = Path("nowhere")) -> Settings:
    return Settings(mongo_uri=mongo_uri, database_prefix=prefix, data_dir=data)


def quiet(_name: str, _count: int) -> None: ...


class TestBackup:
    async def test_round_trip(self, mongo: Client, mongo_uri: str, database_prefix: str, tmp_path: Path) -> None:
        """Every document is back as it was, with its history; a second restore is refused."""
        store = ResourceStore(mongo, database_prefix)
        text = b'{"resourceType":"Observation","status":"final","code":{"text":"x"},"valueQuantity":{"value":1.50}}'
        for _ in range(2):
            await store.apply([Write("update", "Observation", "1", {"resourceType": "Observation", "id": "1"}, text)])
        saved = backup(settings(mongo_uri, database_prefix), tmp_path / "b.gz", quiet)
        other = settings(mongo_uri, f"{database_prefix}x")

        assert restore(other, tmp_path / "b.gz", quiet) == saved > 1
        again = await ResourceStore(mongo, f"{database_prefix}x").read("Observation", "1")
        assert (again.version, again.text) == (2, (await store.read("Observation", "1")).text)
        with pytest.raises(Unprocessable, match="not empty"):
            restore(other, tmp_path / "b.gz", quiet)

    async def test_audit_trail(self, mongo: Client, mongo_uri: str, database_prefix: str, tmp_path: Path) -> None:
        """The trail can be verified where it was restored: its key travels with it, readable by the owner alone."""
        trail = AuditTrail(mongo, database_prefix, data_dir=tmp_path / "old")
        await trail.record([Entry("read", patient="1")])
        await trail.aclose()
        backup(settings(mongo_uri, database_prefix, tmp_path / "old"), tmp_path / "b.gz", quiet)
        restore(settings(mongo_uri, f"{database_prefix}x", tmp_path / "new"), tmp_path / "b.gz", quiet)
        found = await AuditTrail(mongo, f"{database_prefix}x", data_dir=tmp_path / "new").verify()

        assert (found.ok, found.events, found.checkpoints) == (True, 1, 1)
        for private in (tmp_path / "b.gz", tmp_path / "new/keys/audit.pem"):
            assert private.stat().st_mode & 0o077 == 0

    def test_starts_the_database(self, tmp_path: Path) -> None:
        """On one machine whose exchange is stopped, the embedded database runs for the while."""
        one, other = (Settings(data_dir=tmp_path / name, mongo_port=free_port()) for name in ("one", "other"))
        backup(one, tmp_path / "b.gz", quiet)

        assert restore(other, tmp_path / "b.gz", quiet) == 0
        assert (tmp_path / "other/mongo").is_dir()

    def test_foreign_file(self, mongo_uri: str, database_prefix: str, tmp_path: Path) -> None:
        """Another file is refused before anything is written."""
        (tmp_path / "x.gz").write_bytes(gzip.compress(b"something else entirely"))
        with pytest.raises(Unprocessable, match="not a backup"):
            restore(settings(mongo_uri, database_prefix), tmp_path / "x.gz", quiet)

    def test_no_gzip(self, mongo_uri: str, database_prefix: str, tmp_path: Path) -> None:
        """A file that is not even compressed is refused in the same words."""
        (tmp_path / "x").write_bytes(b"plain")
        with pytest.raises(Unprocessable, match="not a backup"):
            restore(settings(mongo_uri, database_prefix), tmp_path / "x", quiet)
