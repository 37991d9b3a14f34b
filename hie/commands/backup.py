"""
`hie backup` and `hie restore`: every database of the exchange in one file.

Format: gzip of BSON documents one after the other; a collection is announced by a document with `collection`.
https://bsonspec.org/
"""

from __future__ import annotations

import gzip
import struct
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, BinaryIO, cast

import bson
import pymongo
from bson.raw_bson import RawBSONDocument

from hie.errors import Unprocessable
from hie.settings import Settings

DATABASES = ("exchange", "health_records", "emr", "terminology", "portal")
BATCH = 500
MAGIC = b"HIE-BACKUP-1\n"
Progress = Callable[[str, int], None]


def backup(settings: Settings, file: Path, progress: Progress) -> int:
    """Write every collection as one snapshot; returns how many documents."""
    client = pymongo.MongoClient[RawBSONDocument](settings.database_uri, document_class=RawBSONDocument)
    total = 0
    partial = file.with_suffix(file.suffix + ".part")
    with client, gzip.open(partial, "wb", compresslevel=3) as sink, client.start_session(snapshot=True) as session:
        sink.write(MAGIC)
        for part in DATABASES:
            database = client[f"{settings.database_prefix}_{part}"]
            for name in sorted(database.list_collection_names(filter={"type": "collection"})):
                sink.write(bson.encode({"collection": name, "of": part}))
                count = 0
                for document in database[name].find(session=session):
                    sink.write(bson.encode({"document": document}))
                    count += 1
                total += count
                progress(f"{database.name}.{name}", count)
    partial.rename(file)
    return total


def restore(settings: Settings, file: Path, progress: Progress) -> int:
    """Read a backup into empty databases; Unprocessable where they are not empty or the file is none of ours."""
    client = pymongo.MongoClient[dict[str, Any]](settings.database_uri)
    with client, gzip.open(file, "rb") as source:
        if source.read(len(MAGIC)) != MAGIC:
            raise Unprocessable("This file is not a backup of the exchange.")
        _refuse_full(settings, client)
        return _read_all(settings, client, cast(BinaryIO, source), progress)


def _refuse_full(settings: Settings, client: pymongo.MongoClient[dict[str, Any]]) -> None:
    for name in DATABASES:
        database = client[f"{settings.database_prefix}_{name}"]
        if any(database[one].estimated_document_count() for one in database.list_collection_names()):
            raise Unprocessable(f"The database {database.name} is not empty; a restore never mixes two regions.")


def _read_all(
    settings: Settings, client: pymongo.MongoClient[dict[str, Any]], source: BinaryIO, progress: Progress
) -> int:
    target, batch, total, label = None, list[RawBSONDocument](), 0, ""
    for entry in _documents(source):
        if "collection" in entry:
            if target is not None and batch:
                target.insert_many(batch)
                batch = []
            target = client[f"{settings.database_prefix}_{entry['of']}"][str(entry["collection"])]
            label = f"{entry['of']}.{entry['collection']}"
            progress(label, 0)
            continue
        batch.append(cast(RawBSONDocument, entry["document"]))
        total += 1
        if target is not None and len(batch) == BATCH:
            target.insert_many(batch)
            batch = []
            progress(label, BATCH)
    if target is not None and batch:
        target.insert_many(batch)
    return total


def _documents(source: BinaryIO) -> Iterator[RawBSONDocument]:
    while head := source.read(4):
        (length,) = struct.unpack("<i", head)
        yield RawBSONDocument(head + source.read(length - 4))
