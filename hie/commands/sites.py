"""
`hie site load`, `show`, `history`, `rollback`, `unmapped`: profiles of sending sites, and what they do not cover yet.
"""

from __future__ import annotations

import asyncio
import difflib
from collections.abc import Awaitable, Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, TypeVar

import typer
from pymongo import AsyncMongoClient

from hie.errors import Unprocessable
from hie.settings import Settings

if TYPE_CHECKING:
    # The command line starts without what only profiles need.
    from hie.directory.profiles import Version
    from hie.directory.sites import Directory
    from hie.exchange.unmapped import UnmappedQueue

T = TypeVar("T")
CACHE_SECONDS = 3.0  # as long as the workers keep a profile (hie.directory.sites)
Sender = Annotated[str, typer.Argument(help="MSH-3|MSH-4, as in 'HIS|H01'.")]
By = Annotated[str, typer.Option(help="Who does it; it is kept with the version.")]


@dataclass(frozen=True, slots=True)
class Stores:
    """What the commands work on."""

    directory: Directory
    unmapped: UnmappedQueue


def _with_stores(work: Callable[[Stores], Awaitable[T]]) -> T:
    from hie.directory.sites import Directory
    from hie.exchange.unmapped import UnmappedQueue
    from records.resource_store import ResourceStore

    async def run() -> T:
        settings = Settings()
        prefix = settings.database_prefix
        async with AsyncMongoClient[dict[str, Any]](settings.database_uri, tz_aware=True, w="majority") as client:
            directory = Directory(client, prefix, ResourceStore(client, prefix), settings)
            return await work(Stores(directory, UnmappedQueue(client, prefix)))

    return asyncio.run(run())


def _checked(files: list[Path]) -> list[tuple[Path, str]]:
    """All texts, after every problem of every file was said."""
    from hie.directory.profile import read
    from hie.directory.yaml_lines import Invalid

    texts = [(file, file.read_text(encoding="utf-8")) for file in files]
    wrong = False
    for file, text in texts:
        try:
            if not read(text).sender:
                typer.echo(f"{file.name}: the profile names no sender")
                wrong = True
        except Invalid as error:
            wrong = True
            for problem in error.problems:
                typer.echo(f"{file.name} {problem}")
    if wrong:
        raise typer.Exit(1)
    return texts


def load(
    files: Annotated[list[Path], typer.Argument(exists=True, dir_okay=False, help="One profile a file.")],
    by: By = "command line",
    reason: Annotated[str, typer.Option(help="What for; it is kept with the version.")] = "",
    replay: Annotated[
        bool, typer.Option("--replay", help="Process the messages again that held what is resolved now.")
    ] = False,
) -> None:
    """
    Check profiles and put them in force, all or none; messages are read with them a few seconds later.

    What a profile resolves leaves the queue of unmapped parts. Exit 0: in force. 1: one is wrong, and none was
    loaded; each problem is shown with its line.
    """
    from hie.directory.profile import read

    texts = _checked(files)

    async def work(stores: Stores) -> None:
        for file, text in texts:
            version = await stores.directory.profiles.load(text, by=by, reason=reason)
            organization = read(text).organization
            if organization:
                await stores.directory.register(version.sender, organization, by=by)
            typer.echo(f"{file.name}: {version.sender}, version {version.number}")
            await _resolve(stores, version.sender, by, replay=replay)

    _with_stores(work)


async def _resolve(stores: Stores, sender: str, by: str, *, replay: bool) -> None:
    """Take what is resolved from the queue of unmapped parts, and say how many messages it was in."""
    site = (await stores.directory.known())[sender]
    parts = await stores.unmapped.resolve(site)
    if not parts:
        return
    messages = await stores.unmapped.affected(site.id, parts)
    typer.echo(f"  resolved: {len(parts)} unmapped parts, in {messages} messages that can be replayed (--replay)")
    if replay:
        # Readers of the profile look again every few seconds: nothing is replayed before they have.
        await asyncio.sleep(CACHE_SECONDS + 1)
        released = await stores.unmapped.replay(site.id, parts, by=by, at=datetime.now(UTC))
        typer.echo(f"  replayed: {released}")


def unmapped(
    sender: Annotated[str, typer.Argument(help="MSH-3|MSH-4; all senders without it.")] = "",
    limit: Annotated[int, typer.Option(help="How many, the most frequent first.")] = 50,
) -> None:
    """List what was kept and not translated, with how often; no health data."""

    async def work(stores: Stores) -> list[dict[str, Any]]:
        from hie.directory.senders import slug

        site = f"site-{slug(sender)}" if sender else None
        return await stores.unmapped.find(site=site, limit=limit)

    for one in _with_stores(work):
        code = f"{one['system']}|{one['code']}" if one["system"] or one["code"] else ""
        typer.echo(f"{one['count']:>8}  {one['site']:<20} {one['kind']:<8} {one['location']:<8} {code}".rstrip())


def show(sender: Sender, version: Annotated[int, typer.Option(help="0: the one in force.")] = 0) -> None:
    """Show a profile as it was written. Exit 1: there is none."""

    async def work(stores: Stores) -> Version:
        return await _found(stores.directory, sender, version)

    found = _with_stores(work)
    typer.echo(f"# {found.sender}, version {found.number}, {_signed(found)}")
    typer.echo(found.text.rstrip("\n"))


async def _found(directory: Directory, sender: str, version: int) -> Version:
    if version:
        return await directory.profiles.version(sender, version)
    found = await directory.profiles.current(sender)
    if found is None:
        raise Unprocessable(f"{sender} has no profile.")
    return found


def _signed(version: Version) -> str:
    told = f", {version.reason}" if version.reason else ""
    at = f", {version.at:%Y-%m-%d %H:%M:%S %Z}" if version.at else ""
    return f"by {version.by or 'nobody knows'}{at}{told}"


def history(
    sender: Sender, diff: Annotated[bool, typer.Option("--diff", help="With what each version changed.")] = False
) -> None:
    """List the versions of a profile, the newest first. Exit 1: there are none."""

    async def work(stores: Stores) -> list[Version]:
        return await stores.directory.profiles.history(sender)

    found = _with_stores(work)
    if not found:
        raise Unprocessable(f"{sender} has no profile with versions.")
    for line in told(found, diff=diff):
        typer.echo(line)


def told(versions: list[Version], *, diff: bool) -> Iterator[str]:
    """A line a version, and its difference from the one before."""
    for at, version in enumerate(versions):
        yield f"{version.number:>4}  {_signed(version)}"
        if diff:
            before = versions[at + 1].text if at + 1 < len(versions) else ""
            lines = difflib.unified_diff(before.splitlines(), version.text.splitlines(), lineterm="", n=0)
            yield from (f"      {line}" for line in lines if not line.startswith(("---", "+++", "@@")))


def rollback(
    sender: Sender,
    version: Annotated[int, typer.Argument(help="The version to put in force again.")],
    by: By = "command line",
) -> None:
    """Put an earlier version in force again, as a new one. Exit 1: there is no such version, or it is not valid."""

    async def work(stores: Stores) -> Version:
        return await stores.directory.profiles.rollback(sender, version, by=by)

    found = _with_stores(work)
    typer.echo(f"{found.sender}, version {found.number}, {_signed(found)}")
