"""
`hie site load`, `show`, `history`, `rollback`: the profiles of sending sites, with all their versions.
"""

from __future__ import annotations

import asyncio
import difflib
from collections.abc import Awaitable, Callable, Iterator
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

T = TypeVar("T")
Sender = Annotated[str, typer.Argument(help="MSH-3|MSH-4, as in 'HIS|H01'.")]
By = Annotated[str, typer.Option(help="Who does it; it is kept with the version.")]


def _with_directory(work: Callable[[Directory], Awaitable[T]]) -> T:
    from hie.directory.sites import Directory
    from records.resource_store import ResourceStore

    async def run() -> T:
        settings = Settings()
        prefix = settings.database_prefix
        async with AsyncMongoClient[dict[str, Any]](settings.database_uri, tz_aware=True, w="majority") as client:
            return await work(Directory(client, prefix, ResourceStore(client, prefix), settings))

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
) -> None:
    """
    Check profiles and put them in force, all or none; messages are read with them a few seconds later.

    Exit 0: in force. 1: one is wrong, and none was loaded; each problem is shown with its line.
    """
    from hie.directory.profile import read

    texts = _checked(files)

    async def work(directory: Directory) -> None:
        for file, text in texts:
            version = await directory.profiles.load(text, by=by, reason=reason)
            profile = read(text)
            if profile.organization:
                await directory.register(version.sender, profile.organization, by=by)
            typer.echo(f"{file.name}: {version.sender}, version {version.number}")

    _with_directory(work)


def show(sender: Sender, version: Annotated[int, typer.Option(help="0: the one in force.")] = 0) -> None:
    """Show a profile as it was written. Exit 1: there is none."""

    async def work(directory: Directory) -> Version:
        return await _found(directory, sender, version)

    found = _with_directory(work)
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

    async def work(directory: Directory) -> list[Version]:
        return await directory.profiles.history(sender)

    found = _with_directory(work)
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

    async def work(directory: Directory) -> Version:
        return await directory.profiles.rollback(sender, version, by=by)

    found = _with_directory(work)
    typer.echo(f"{found.sender}, version {found.number}, {_signed(found)}")
