"""
Raw bytes beside the journal: a body past a document's limit goes to GridFS, and none is ever lost for its size.

https://www.mongodb.com/docs/manual/core/gridfs/
"""

from __future__ import annotations

from bson import ObjectId
from gridfs.asynchronous import AsyncGridFSBucket
from pymongo.asynchronous.client_session import AsyncClientSession

from hie.exchange.database import Database

# A MongoDB document ends at 16 MB; the entry needs room beside its body.
INLINE_BYTES = 12_000_000


class Bodies:
    """Large raw messages."""

    def __init__(self, database: Database) -> None:
        self._files, self._chunks = database["bodies.files"], database["bodies.chunks"]
        self._bucket = AsyncGridFSBucket(database, bucket_name="bodies")

    async def put(self, name: str, raw: bytes) -> ObjectId:
        """Store a body under its journal id; returns the file's id."""
        return await self._bucket.upload_from_stream(name, raw)

    async def get(self, file: ObjectId) -> bytes:
        """The whole body."""
        stream = await self._bucket.open_download_stream(file)
        return bytes(await stream.read())

    async def drop(self, file: ObjectId, session: AsyncClientSession) -> None:
        """Let a body go, together with what the session does to its entry."""
        # The driver's own delete takes no transactions; these are the two collections that GridFS is specified as.
        await self._files.delete_one({"_id": file}, session=session)
        await self._chunks.delete_many({"files_id": file}, session=session)
