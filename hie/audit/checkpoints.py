"""
Checkpoints: where a chain stood, signed, written to a file that can be copied off this machine, and to the database.

They show what the chain alone cannot: that its end, or a whole chain, was cut off.
https://www.rfc-editor.org/rfc/rfc7515
"""

from __future__ import annotations

import asyncio
import json
import os
import secrets
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from joserfc import jws
from joserfc.errors import JoseError
from joserfc.jwk import ECKey

from hie.audit.chain import Link
from hie.exchange.database import Database

FILE = "audit-checkpoints.jsonl"
ALGORITHM = "ES256"


@dataclass(frozen=True, slots=True)
class Checkpoint:
    """One signed statement about a chain."""

    link: Link
    at: str
    signature: str


class Checkpoints:
    """Writes and reads checkpoints below `data_dir`; the private key stays in `data_dir/keys`."""

    def __init__(self, database: Database, data_dir: Path) -> None:
        self._collection = database["audit_checkpoints"]
        self._data_dir = data_dir
        self._key: ECKey | None = None

    @property
    def file(self) -> Path:
        """One line a checkpoint, in the order of writing."""
        return self._data_dir / FILE

    async def write(self, link: Link, at: datetime) -> None:
        """Sign where the chain stands; durable in file and database when it returns."""
        checkpoint = await asyncio.to_thread(self._sign_and_append, link, at.isoformat())
        row = {"_id": f"{link.shard}-{link.sequence:010d}", "at": at, "signature": checkpoint.signature}
        await self._collection.replace_one({"_id": row["_id"]}, row, upsert=True)

    async def read(self) -> tuple[list[Checkpoint], list[str]]:
        """Every checkpoint of file and database that holds, and where one was found that does not."""
        known: dict[tuple[str, int], Checkpoint] = {}
        broken: list[str] = []
        lines = await asyncio.to_thread(lambda: list(self._lines()))
        lines += [(str(row["_id"]), str(row["signature"])) async for row in self._collection.find().sort("_id", 1)]
        for where, signature in lines:
            checkpoint = self._verified(signature)
            if checkpoint is None:
                broken.append(where)
            else:
                known[checkpoint.link.shard, checkpoint.link.sequence] = checkpoint
        return list(known.values()), broken

    def _sign_and_append(self, link: Link, at: str) -> Checkpoint:
        said = {"shard": link.shard, "sequence": link.sequence, "hash": link.hash.hex(), "at": at}
        signature = jws.serialize_compact({"alg": ALGORITHM}, json.dumps(said).encode(), self._signing_key())
        line = json.dumps({**said, "signature": signature}) + "\n"
        self._data_dir.mkdir(parents=True, exist_ok=True)
        with self.file.open("a", encoding="ascii") as sink:
            sink.write(line)
            sink.flush()
            os.fsync(sink.fileno())
        return Checkpoint(link, at, signature)

    def _lines(self) -> Iterator[tuple[str, str]]:
        if not self.file.exists():
            return
        for number, line in enumerate(self.file.read_text("ascii", "replace").splitlines(), 1):
            try:
                yield f"{FILE}:{number}", str(json.loads(line)["signature"])
            except (ValueError, KeyError, TypeError):
                yield f"{FILE}:{number}", ""

    def _verified(self, signature: str) -> Checkpoint | None:
        try:
            payload = jws.deserialize_compact(signature, self._signing_key(), algorithms=[ALGORITHM]).payload
            said = json.loads(payload)
            link = Link(said["shard"], said["sequence"], bytes.fromhex(said["hash"]))
        except (JoseError, ValueError, KeyError, TypeError):
            return None
        return Checkpoint(link, said["at"], signature)

    def _signing_key(self) -> ECKey:
        if self._key is None:
            self._key = load_key(self._data_dir / "keys" / "audit.pem")
        return self._key


def load_key(file: Path) -> ECKey:
    """The P-256 key in a file; made, readable by its owner alone, where there is none."""
    file.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    pem = ECKey.generate_key("P-256").as_pem(private=True)
    # Written aside and linked: of two processes that start at once one makes the key and both use it.
    aside = file.with_name(f"{file.name}.{secrets.token_hex(8)}")
    descriptor = os.open(aside, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    try:
        os.write(descriptor, pem)
        os.fsync(descriptor)
        os.link(aside, file)
    except FileExistsError:
        pass
    finally:
        os.close(descriptor)
        aside.unlink()
    return ECKey.import_key(file.read_bytes())
