"""
Space given back to the file system after pruning, while everything goes on.

WiredTiger keeps the room of deleted bytes in its files and fills it again; `compact` gives it back. Since MongoDB 4.4
it lets reads and writes go on; it works on one member of a replica set at a time, so the primary comes last.
https://www.mongodb.com/docs/manual/reference/command/compact/
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from pymongo import AsyncMongoClient
from pymongo.uri_parser import parse_uri

from hie.exchange.database import Client

COLLECTIONS = ("journal", "bodies.chunks", "bodies.files")


async def compact(client: Client, uri: str, prefix: str, tell: Callable[[str, int, int], None]) -> int:
    """Compact the message store on every member; `tell(member, before, after)`. Returns the bytes given back."""
    hello = await client.admin.command("hello")
    primary = str(hello.get("primary", ""))
    members = sorted(map(str, hello.get("hosts", ())), key=lambda host: host == primary) or [primary]
    freed = 0
    for member in members:
        async with _directly(uri, member) as one:
            before, after = await _compact_member(one, f"{prefix}_exchange")
        tell(member, before, after)
        freed += max(before - after, 0)
    return freed


def _directly(uri: str, member: str) -> Client:
    """One member, with the credentials and options of the whole set."""
    said = parse_uri(uri)
    options = {name: value for name, value in said["options"].items() if name.lower() != "replicaset"}
    if said["username"]:
        options |= {"username": said["username"], "password": said["password"]}
        options.setdefault("authSource", said["database"] or "admin")
    return AsyncMongoClient[dict[str, Any]](member, directConnection=True, **options)


async def _compact_member(client: Client, database: str) -> tuple[int, int]:
    before = after = 0
    known = set(await client[database].list_collection_names())
    for name in (one for one in COLLECTIONS if one in known):
        before += await _stored(client, database, name)
        await client[database].command("compact", name, force=True)
        after += await _stored(client, database, name)
    return before, after


async def _stored(client: Client, database: str, name: str) -> int:
    return int((await client[database].command("collStats", name))["storageSize"])
