"""The embedded database starts with the data it has, wherever it is told to listen."""

from __future__ import annotations

from pathlib import Path

import pymongo
from free_ports import free_port

from hie.supervisor import mongod


class TestMove:
    def test_another_port(self, tmp_path: Path) -> None:
        """What was written on one port is there, and writable, on another."""
        first = mongod.start(tmp_path, free_port(), cache_gb=0.25)
        with pymongo.MongoClient[dict[str, object]](first.uri) as client:
            client["t"]["t"].insert_one({"_id": 1})
        first.stop()
        second = mongod.start(tmp_path, free_port(), cache_gb=0.25)
        try:
            with pymongo.MongoClient[dict[str, object]](second.uri) as client:
                client["t"]["t"].insert_one({"_id": 2})
                assert client["t"]["t"].count_documents({}) == 2
        finally:
            second.stop()
