"""
`hie profile load`: StructureDefinitions, ValueSets, CodeSystems of a file, a folder or an npm package, into the store.

Nothing is fetched. What was loaded before is replaced under the same address and version.
https://hl7.org/fhir/R4/packages.html
"""

from __future__ import annotations

import re
import tarfile
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from hashlib import sha256
from pathlib import Path
from typing import Any

from pymongo import AsyncMongoClient
from pymongo.asynchronous.client_session import AsyncClientSession

from hie.commands import backup
from hie.errors import Unprocessable
from hie.exchange.filing import Filing
from hie.exchange.outbox import Outbox
from hie.identity.registry import ClientRegistry
from hie.settings import Settings
from records import validation
from records.errors import NotUnderstood, RecordError
from records.resource_store import ResourceStore
from records.stored import Json, Write, encode
from records.validation.profiles import Known, Unusable, Version

Say = Callable[[str], None]
TYPES = ("StructureDefinition", "ValueSet", "CodeSystem")
SOURCE = "urn:hie:command:profile-load"
PORTION = 50
LARGEST = 32_000_000
_ID = re.compile(r"[A-Za-z0-9\-.]{1,64}")


@dataclass(frozen=True, slots=True)
class Found:
    """A definition of a file: its content, and whether it is one that profiles need."""

    name: str
    resource: Json

    @property
    def canonical(self) -> str:
        return f"{self.resource.get('url', '')}|{self.resource.get('version', '')}"


def read(place: Path) -> list[Found]:
    """The definitions of a JSON file, of all JSON files below a folder, or of a package; Unprocessable otherwise."""
    if place.is_dir():
        files: Iterable[tuple[str, bytes]] = ((str(one), one.read_bytes()) for one in sorted(place.rglob("*.json")))
    elif place.name.endswith((".tgz", ".tar.gz")):
        files = _packed(place)
    else:
        files = [(str(place), place.read_bytes())]
    return [one for name, text in files for one in _definitions(name, text)]


def _packed(place: Path) -> Iterator[tuple[str, bytes]]:
    try:
        with tarfile.open(place) as archive:
            for member in archive:
                # The folder of examples and of other things lies below: definitions are at the top.
                if member.isfile() and member.name.endswith(".json") and member.name.count("/") == 1:
                    content = archive.extractfile(member)
                    if content is not None and member.size <= LARGEST:
                        yield member.name, content.read()
    except tarfile.TarError as error:
        raise Unprocessable(f"{place.name} is no package: {type(error).__name__}.") from error


def _definitions(name: str, text: bytes) -> Iterator[Found]:
    try:
        resource = validation.read_json(text)
    except NotUnderstood as error:
        raise Unprocessable(f"{name}: {error.text}") from error
    kind = resource.get("resourceType") if isinstance(resource, dict) else None
    if kind == "Bundle":
        for entry in resource.get("entry", ()):
            if isinstance(entry.get("resource"), dict):
                yield from _one(name, entry["resource"])
    elif kind is not None:
        yield from _one(name, resource)


def _one(name: str, resource: Json) -> Iterator[Found]:
    if resource.get("resourceType") not in TYPES or not resource.get("url"):
        return
    if resource["resourceType"] == "StructureDefinition" and resource.get("derivation") != "constraint":
        # R4's own types are built in; others cannot be stored.
        return
    yield Found(name, resource)


async def load(settings: Settings, places: Sequence[Path], say: Say) -> int:
    """Store everything that is valid R4 and say what is not, or cannot be used; returns how many were refused."""
    found = list({one.canonical: one for place in places for one in read(place)}.values())
    if not found:
        raise Unprocessable("There is no profile, value set or code system here.")
    valid = [one for one in found if _is_valid(one, say)]
    with backup.database(settings) as uri:
        async with AsyncMongoClient[dict[str, Any]](uri, tz_aware=True, w="majority") as client:
            store = ResourceStore(client, settings.database_prefix, base=settings.fhir_url)
            filing = Filing(
                store,
                ClientRegistry(client, settings.database_prefix, store),
                Outbox(client, settings.database_prefix),
            )
            await _file(filing, valid, say)
    for one in _unusable([item.resource for item in valid]):
        say(one)
    say(f"{len(valid)} of {len(found)} definitions are loaded.")
    return len(found) - len(valid)


def _is_valid(found: Found, say: Say) -> bool:
    issues = [one for one in validation.validate(found.resource) if one.severity == "error"]
    if issues:
        say(f"{found.name} is no valid R4: {issues[0].expression}: {issues[0].text}")
    return not issues


def _unusable(resources: Sequence[Json]) -> Iterator[str]:
    profiles = [one for one in resources if one["resourceType"] == "StructureDefinition"]
    known = Known.of(Version(one, sha256(encode(one)).hexdigest()) for one in profiles)
    for one in profiles:
        try:
            known.profile(f"{one['url']}|{one.get('version', '')}".rstrip("|"))
        except Unusable as reason:
            yield f"{one['url']} is loaded, and cannot be used yet: {reason}."


async def _file(filing: Filing, found: Sequence[Found], say: Say) -> None:
    async with filing.store.parameters.kept():
        for at in range(0, len(found), PORTION):
            writes = [await _write(filing.store, one.resource) for one in found[at : at + PORTION]]
            try:
                await filing.store.in_transaction(partial(_portion, filing, writes))
            except RecordError as error:
                raise Unprocessable(error.text) from error
            say(f"{min(at + PORTION, len(found))} of {len(found)}")


async def _portion(filing: Filing, writes: Sequence[Write], session: AsyncClientSession) -> None:
    await filing.file(writes, session=session, source=SOURCE)


async def _write(store: ResourceStore, resource: Json) -> Write:
    """Under the id of what has the same address and version; else under its own id, where that is free."""
    kind = resource["resourceType"]
    url = str(resource["url"]).replace("\\", "\\\\").replace(",", "\\,")
    async for row in store.iterate(kind, [("url", url)]):
        if row.resource().get("version") == resource.get("version"):
            return Write("update", kind, row.id, {**resource, "id": row.id})
    wanted = str(resource.get("id", ""))
    taken = not _ID.fullmatch(wanted) or f"{kind}/{wanted}" in await store.read_many([f"{kind}/{wanted}"])
    chosen = sha256(f"{resource['url']}|{resource.get('version', '')}".encode()).hexdigest()[:32] if taken else wanted
    return Write("update", kind, chosen, {**resource, "id": chosen})
