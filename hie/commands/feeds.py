"""
`hie feed`: load the profiles of feeds, see what they send, hold them back, and deal with what was refused.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, TypeVar

import msgspec
import typer
import yaml
from pymongo import AsyncMongoClient

from hie.errors import Unprocessable
from hie.settings import Settings

if TYPE_CHECKING:
    # The command line starts without what only feeds need.
    from hie.feeds.registry import Feed, Feeds

T = TypeVar("T")
feed_app = typer.Typer(no_args_is_help=True, help="Outbound HL7 v2 feeds.")
Name = Annotated[str, typer.Argument(help="The name of the feed.")]


def _with_feeds(work: Callable[[Feeds], Awaitable[T]]) -> T:
    from hie.feeds.registry import Feeds

    async def run() -> T:
        settings = Settings()
        async with AsyncMongoClient[dict[str, Any]](settings.database_uri, tz_aware=True, w="majority") as client:
            return await work(Feeds(client, settings.database_prefix))

    return asyncio.run(run())


async def _known(feeds: Feeds, name: str) -> Feed:
    found = await feeds.find(name)
    if found is None:
        raise Unprocessable(f"There is no feed {name}.")
    return found


@feed_app.command("load")
def load(
    files: Annotated[list[Path], typer.Argument(exists=True, dir_okay=False, help="YAML, one feed or several a file.")],
    by: Annotated[str, typer.Option(help="Who loads them.")] = "command line",
) -> None:
    """
    Load profiles of feeds, new ones or in place of what they were; events from a few seconds later on are sent.

    Exit 0: all are loaded; 1: one is wrong, it says why, and none is loaded.
    """
    from hie.feeds.profile import read

    documents = [one for file in files for one in _documents(file)]
    for one in documents:
        read(one)

    async def work(feeds: Feeds) -> None:
        await feeds.ensure_indexes()
        for one in documents:
            feed = await feeds.load(one, by=by)
            typer.echo(f"{feed.name}: {', '.join(feed.profile.messages)} to {feed.profile.host}:{feed.profile.port}")

    _with_feeds(work)


def _documents(file: Path) -> list[Any]:
    try:
        return [one for one in yaml.safe_load_all(file.read_text("utf-8")) if one is not None]
    except (yaml.YAMLError, UnicodeDecodeError) as error:
        raise Unprocessable(f"{file.name} is no YAML.") from error


@feed_app.command("list")
def listed() -> None:
    """Every feed with what waits, was sent, refused, withheld. Exit 0."""

    async def work(feeds: Feeds) -> None:
        for feed in await feeds.all():
            counts = await feeds.counts(feed.name)
            typer.echo(f"{feed.name}{' (paused)' if feed.paused else ''}: {_counted(counts)}")

    _with_feeds(work)


def _counted(counts: dict[str, int]) -> str:
    return ", ".join(f"{count} {state}" for state, count in counts.items())


@feed_app.command("show")
def show(name: Name) -> None:
    """The profile of a feed, its counts, and what its oldest message waits for. Exit 1: there is no such feed."""

    async def work(feeds: Feeds) -> None:
        feed = await _known(feeds, name)
        found = await feeds.feeds.find_one({"_id": name}) or {}
        typer.echo(yaml.safe_dump(msgspec.json.decode(bytes(found["profile"])), allow_unicode=True, sort_keys=False))
        typer.echo(f"loaded by {found['by']}, version {feed.version}{', paused' if feed.paused else ''}")
        typer.echo(_counted(await feeds.counts(name)))
        head = await feeds.messages.find_one({"feed": name, "state": "waiting"}, sort=[("_id", 1)])
        if head is not None:
            typer.echo(f"first: {_line(head)}")

    _with_feeds(work)


def _line(message: dict[str, Any]) -> str:
    """A message in ids: nothing of the person."""
    kind, tried = f"{message['code']}^{message['trigger']}", f"tried {message['tries']} times"
    about = f"{message['type']}/{message['resource']}"
    return " ".join(filter(None, (message["event"], kind, about, tried, message.get("reason", ""))))


@feed_app.command("pause")
def pause(name: Name) -> None:
    """Hold the messages of a feed back; what happens meanwhile is queued. Exit 1: there is no such feed."""
    _hold(name, paused=True)


@feed_app.command("resume")
def resume(name: Name) -> None:
    """Send what was held back, now, in order. Exit 1: there is no such feed."""
    _hold(name, paused=False)


def _hold(name: str, *, paused: bool) -> None:
    async def work(feeds: Feeds) -> None:
        await _known(feeds, name)
        await feeds.pause(name, paused=paused)

    _with_feeds(work)


@feed_app.command("replay")
def replay(
    name: Name,
    messages: Annotated[list[str] | None, typer.Argument(help="Ids, as `hie feed dead` shows them.")] = None,
    dead: Annotated[bool, typer.Option("--dead", help="Every dead letter.")] = False,
) -> None:
    """
    Send messages again that were settled, under control ids of their own. Exit 1: nothing was found.
    """

    async def work(feeds: Feeds) -> int:
        await _known(feeds, name)
        chosen: dict[str, Any] = {"_id": {"$in": [f"{name}/{one}" for one in messages or ()]}}
        return await feeds.replay(name, {"state": "dead"} if dead else chosen)

    count = _with_feeds(work)
    typer.echo(f"{count} messages will be sent again.", err=True)
    raise typer.Exit(0 if count else 1)


@feed_app.command("dead")
def dead_letters(
    name: Name,
    set_aside: Annotated[str, typer.Option(help="A waiting message that shall hold up the others no longer.")] = "",
) -> None:
    """
    What the receiver refused, with its code and place; or set a waiting message aside, too.

    Exit 0; 1: there is no such feed, or no such message waits.
    """

    async def work(feeds: Feeds) -> bool:
        await _known(feeds, name)
        done = not set_aside or await feeds.set_aside(name, set_aside)
        for message in await feeds.dead(name):
            typer.echo(_line(message))
        return done

    if not _with_feeds(work):
        raise Unprocessable(f"No message {set_aside} waits.")
