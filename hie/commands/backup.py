"""
`hie backup` and `hie restore`: every database of the exchange and the audit key in one file, for its owner's eyes only.

Format: gzip of BSON documents one after the other; a collection is announced by a document with `collection`.
A region past a few gigabytes is saved with the tools of its own database. https://bsonspec.org/
"""

from __future__ import annotations

import gzip
import os
import struct
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, BinaryIO, cast

import bson
import pymongo
from bson.raw_bson import RawBSONDocument
from pymongo.errors import PyMongoError

from hie.audit.checkpoints import FILE as CHECKPOINTS
from hie.errors import Unprocessable
from hie.settings import Settings
from hie.supervisor import mongod

DATABASES = ("exchange", "health_records", "emr", "terminology", "portal")
# Without its key the restored trail could not be verified.
FILES = ("keys/audit.pem", CHECKPOINTS)
BATCH = 500
MAGIC = b"HIE-BACKUP-1\n"
Progress = Callable[[str, int], None]


@contextmanager
def database(settings: Settings) -> Iterator[str]:
    """Address of the database; the embedded one is started for the while where the exchange does not run."""
    if settings.mongo_uri or _answers(settings.database_uri):
        yield settings.database_uri
        return
    server = mongod.start(settings.data_dir / "mongo", settings.mongo_port)
    try:
        yield server.uri
    finally:
        server.stop()


def _answers(uri: str) -> bool:
    with pymongo.MongoClient[dict[str, Any]](uri, serverSelectionTimeoutMS=500) as client:
        try:
            client.admin.command("ping")
        except PyMongoError:
            return False
    return True


def backup(settings: Settings, file: Path, progress: Progress) -> int:
    """Write every collection as one snapshot; returns how many documents."""
    partial = file.with_suffix(file.suffix + ".part")
    with database(settings) as uri, _private(partial) as raw, gzip.open(raw, "wb", compresslevel=3) as sink:
        sink.write(MAGIC)
        for name in FILES:
            if (found := settings.data_dir / name).exists():
                sink.write(bson.encode({"file": name, "content": found.read_bytes()}))
        total = _write_all(settings, uri, cast(BinaryIO, sink), progress)
    partial.rename(file)
    return total


@contextmanager
def _private(file: Path) -> Iterator[BinaryIO]:
    """A new file that only its owner can read: it will hold the whole region."""
    descriptor = os.open(file, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(descriptor, "wb") as sink:
        yield sink


def _write_all(settings: Settings, uri: str, sink: BinaryIO, progress: Progress) -> int:
    total = 0
    client = pymongo.MongoClient[RawBSONDocument](uri, document_class=RawBSONDocument)
    with client, client.start_session(snapshot=True) as session:
        for part in DATABASES:
            database_of_part = client[f"{settings.database_prefix}_{part}"]
            for name in sorted(database_of_part.list_collection_names(filter={"type": "collection"})):
                sink.write(bson.encode({"collection": name, "of": part}))
                count = 0
                for document in database_of_part[name].find(session=session):
                    sink.write(bson.encode({"document": document}))
                    count += 1
                total += count
                progress(f"{database_of_part.name}.{name}", count)
    return total


def restore(settings: Settings, file: Path, progress: Progress) -> int:
    """Read a backup into empty databases; Unprocessable where they are not empty or the file is none of ours."""
    try:
        with gzip.open(file, "rb") as source:
            if source.read(len(MAGIC)) != MAGIC:
                raise Unprocessable("This file is not a backup of the exchange.")
            with database(settings) as uri, pymongo.MongoClient[dict[str, Any]](uri) as client:
                _refuse_full(settings, client)
                return _read_all(settings, client, cast(BinaryIO, source), progress)
    except (gzip.BadGzipFile, EOFError) as error:
        raise Unprocessable("This file is not a backup of the exchange, or it is cut off.") from error


def _refuse_full(settings: Settings, client: pymongo.MongoClient[dict[str, Any]]) -> None:
    for name in DATABASES:
        found = client[f"{settings.database_prefix}_{name}"]
        if any(found[one].estimated_document_count() for one in found.list_collection_names()):
            raise Unprocessable(
                f"The database {found.name} is not empty; a restore never mixes two regions. Stop the exchange and "
                "give HIE_DATA_DIR or HIE_DATABASE_PREFIX of your own."
            )


def _read_all(
    settings: Settings, client: pymongo.MongoClient[dict[str, Any]], source: BinaryIO, progress: Progress
) -> int:
    target, batch, total, label = None, list[RawBSONDocument](), 0, ""
    for entry in _documents(source):
        if "file" in entry:
            _put_back(settings, str(entry["file"]), bytes(entry["content"]))
            continue
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


def _put_back(settings: Settings, name: str, content: bytes) -> None:
    if name not in FILES:
        raise Unprocessable("The backup holds a file that is none of the exchange.")
    file = settings.data_dir / name
    if file.exists() and file.read_bytes() != content:
        raise Unprocessable(f"{name} of this data folder belongs to another region.")
    file.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    with _private(file) as sink:
        sink.write(content)


def _documents(source: BinaryIO) -> Iterator[RawBSONDocument]:
    while head := source.read(4):
        (length,) = struct.unpack("<i", head)
        yield RawBSONDocument(head + source.read(length - 4))
