"""
`hie replay`, `hie pause`, `hie resume`, `hie prune`, `hie replace`, `hie close`: the message store in the operator's
hands.
"""

from __future__ import annotations

import asyncio
import uuid
from collections.abc import Awaitable, Callable, Sequence
from contextlib import AsyncExitStack
from datetime import datetime
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, TypeVar
from zoneinfo import ZoneInfo

import typer

from hie.settings import Settings

if TYPE_CHECKING:
    # The command line starts without what only these commands need.
    from hie.exchange.database import Client
    from hie.exchange.editing import Editing
    from hie.exchange.replaying import Selection

T = TypeVar("T")
Say = Callable[[str], None]
Site = Annotated[str, typer.Argument(help="MSH-3|MSH-4, as in 'HIS|H01', or the id of the site.")]
By = Annotated[str, typer.Option(help="Who does it.")]
Why = Annotated[str, typer.Option(help="Why; it is kept for good.")]


def say(text: str) -> None:
    """A line for the person at the terminal."""
    typer.echo(text, err=True)


def pause(site: Site, by: By = "command line", reason: Annotated[str, typer.Option(help="Why.")] = "") -> None:
    """
    Let the messages of a site wait: they are received and acknowledged, and not processed. Exit 1: it was paused.
    """
    raise typer.Exit(0 if asyncio.run(pause_site(Settings(), site, by=by, reason=reason)) else 1)


def resume(site: Site, by: By = "command line") -> None:
    """Let the messages of a paused site go on, in their order. Exit 1: it was not paused."""
    raise typer.Exit(0 if asyncio.run(resume_site(Settings(), site, by=by)) else 1)


async def pause_site(settings: Settings, site: str, *, by: str, reason: str = "") -> bool:
    """Pause a site; False where it was paused already."""
    from hie.commands.upkeep import database
    from hie.exchange.pausing import Pausing
    from hie.exchange.retention import site_id

    async with database(settings) as client:
        done = await Pausing(client, settings.database_prefix).pause(site_id(site), by=by, reason=reason)
    say(f"{site_id(site)} is paused." if done else f"{site_id(site)} was paused already.")
    return done


async def resume_site(settings: Settings, site: str, *, by: str) -> bool:
    """Resume a site; False where it was not paused."""
    from hie.commands.upkeep import database
    from hie.exchange.pausing import Pausing
    from hie.exchange.retention import site_id

    async with database(settings) as client:
        done = await Pausing(client, settings.database_prefix).resume(site_id(site), by=by)
    say(f"{site_id(site)} goes on." if done else f"{site_id(site)} is not paused.")
    return done


def prune(
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Only say what would be let go.")] = False,
    compact: Annotated[bool, typer.Option("--compact", help="Give the space back to the file system, too.")] = False,
) -> None:
    """
    Let go of the bytes of messages that had their time, by the rules of retention; what is known of them stays.

    Workers do the same by themselves at quiet moments. Exit 0: done; 1: a rule is shorter than the law allows.
    """
    asyncio.run(prune_store(Settings(), typer.echo, dry_run=dry_run, give_back=compact))


async def prune_store(settings: Settings, tell: Say, *, dry_run: bool = False, give_back: bool = False) -> int:
    """Prune now, or only count; returns how many messages lost (would lose) their bytes."""
    from hie.commands.upkeep import database
    from hie.exchange.leases import Leases
    from hie.exchange.pruning import Pruner
    from hie.exchange.retention import retention

    prefix = settings.database_prefix
    async with database(settings) as client, AsyncExitStack() as stack:
        leases = Leases(client, prefix, "pruning_leases", f"prune-{uuid.uuid4().hex[:8]}")
        pruner = Pruner(client, prefix, partial(retention, settings.data_dir), leases)
        if dry_run:
            found = await pruner.would()
            for name, one in sorted(found.items()):
                tell(f"{name}: {one.messages} of {one.seen} messages, {one.bytes} bytes")
            return sum(one.messages for one in found.values())
        stack.push_async_callback(leases.leave)
        done = await pruner.whole(lambda total: tell(f"{total.seen} looked at, {total.messages} pruned"))
        tell(f"{done.messages} messages, {done.bytes} bytes pruned.")
        if give_back:
            await _give_back(settings, tell, client)
    return done.messages


async def _give_back(settings: Settings, tell: Say, client: Client) -> None:
    from hie.exchange.compacting import compact

    freed = await compact(
        client, settings.database_uri, settings.database_prefix,
        lambda member, before, after: tell(f"{member}: {before} bytes before, {after} after"),
    )  # fmt: skip
    tell(f"{freed} bytes given back.")


def replay(
    message: Annotated[list[str] | None, typer.Argument(help="Journal ids.")] = None,
    dead: Annotated[bool, typer.Option("--dead", help="Only dead letters.")] = False,
    site: Annotated[str, typer.Option(help="Only of this site: MSH-3|MSH-4, or its id.")] = "",
    type_: Annotated[str, typer.Option("--type", help="Only of this type, as in ADT^A01.")] = "",
    state: Annotated[list[str] | None, typer.Option(help="dead, committed, kept; may be repeated.")] = None,
    since: Annotated[datetime | None, typer.Option(help="Only what was received from then on.")] = None,
    until: Annotated[datetime | None, typer.Option(help="... and before then.")] = None,
    everything: Annotated[bool, typer.Option("--all", help="Everything that can be replayed.")] = False,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Only count.")] = False,
    by: By = "hie replay",
) -> None:
    """
    Process journaled messages again: some by id, or all that fit what is said. Exit 1: nothing was found.

    The oldest first; each lane keeps its order. Ctrl-C stops between batches; the same command again is harmless.
    """
    from hie.exchange.replaying import REPLAYABLE, Selection
    from hie.exchange.retention import site_id

    states = tuple(state or ()) or (("dead",) if dead else REPLAYABLE)
    if not set(states) <= set(REPLAYABLE):
        raise typer.BadParameter(f"These can be replayed: {', '.join(REPLAYABLE)}.")
    if not (message or dead or site or type_ or state or since or until or everything):
        raise typer.BadParameter("Say which messages, or --all.")
    zone = ZoneInfo(Settings().default_zone)
    chosen = Selection(
        ids=tuple(message or ()), states=states, site=site_id(site) if site else "", type=type_,
        since=aware(since, zone), until=aware(until, zone),
    )  # fmt: skip
    raise typer.Exit(0 if asyncio.run(replay_selected(Settings(), chosen, say, by=by, dry_run=dry_run)) else 1)


def aware(moment: datetime | None, zone: ZoneInfo) -> datetime | None:
    """A time written without a zone is one of the region."""
    return moment.replace(tzinfo=zone) if moment is not None and moment.tzinfo is None else moment


async def replay_selected(settings: Settings, chosen: Selection, tell: Say, *, by: str, dry_run: bool = False) -> int:
    """Replay a `Selection`, or count it; returns how many messages."""
    from hie.commands.upkeep import database
    from hie.exchange.journal import Journal
    from hie.exchange.replaying import Replaying

    async with database(settings) as client:
        replaying = Replaying(Journal(client, settings.database_prefix))
        counts = await replaying.counts(chosen)
        pruned = counts.pop("pruned")
        if pruned:
            tell(f"{pruned} messages were pruned and cannot be replayed.")
        if dry_run:
            tell(", ".join(f"{state}: {count}" for state, count in counts.items()) or "Nothing would be replayed.")
            return sum(counts.values())
        total = sum(counts.values())
        done = await replaying.run(chosen, by=by, tell=lambda count: tell(f"{count} of {total}"))
    tell(f"{done} messages will be processed again.")
    return done


def replace_message(
    message: Annotated[str, typer.Argument(help="Journal id of a dead letter.")],
    file: Annotated[Path, typer.Argument(exists=True, dir_okay=False, help="The message in other words, as bytes.")],
    by: Annotated[str, typer.Option(help="Who does it.")],
    why: Why,
) -> None:
    """
    Put a corrected message in the place of a dead letter, which stays as it came and is closed. Exit 1: refused.
    """
    asyncio.run(replace_dead(Settings(), message, file.read_bytes(), say, by=by, why=why))


async def replace_dead(settings: Settings, message: str, raw: bytes, tell: Say, *, by: str, why: str) -> str:
    """Replace a dead letter, with its line in the audit trail; returns the id of the new entry."""

    async def work(editing: Editing) -> str:
        return await editing.replace(message, raw, by=by, why=why)

    new = await _edit(settings, work, [message], f"$replace?reason={why}", by)
    tell(f"{new} is in the place of {message}.")
    return new


def close_messages(
    message: Annotated[list[str], typer.Argument(help="Journal ids of dead letters.")],
    by: Annotated[str, typer.Option(help="Who does it.")],
    why: Why,
) -> None:
    """Set dead letters aside for good, with the reason. Exit 1: none of them is a dead letter."""
    raise typer.Exit(0 if asyncio.run(close_dead(Settings(), message, say, by=by, why=why)) else 1)


async def close_dead(settings: Settings, messages: Sequence[str], tell: Say, *, by: str, why: str) -> int:
    """Close dead letters, with their lines in the audit trail; returns how many."""

    async def work(editing: Editing) -> int:
        return await editing.close(messages, by=by, why=why)

    done = await _edit(settings, work, messages, f"$close?reason={why}", by)
    tell(f"{done} dead letters are closed.")
    return done


async def _edit(
    settings: Settings, work: Callable[[Editing], Awaitable[T]], messages: Sequence[str], query: str, by: str
) -> T:
    from hie.access.caller import Caller
    from hie.audit.events import Entry, Observer
    from hie.audit.trail import AuditTrail
    from hie.commands.upkeep import database
    from hie.directory.sites import Directory
    from hie.exchange.editing import Editing
    from hie.exchange.journal import Journal
    from records.resource_store import ResourceStore

    prefix = settings.database_prefix
    async with database(settings) as client:
        directory = Directory(client, prefix, ResourceStore(client, prefix), settings)
        found = await work(Editing(Journal(client, prefix), directory))
        trail = AuditTrail(client, prefix, data_dir=settings.data_dir, observer=Observer(settings.fhir_url))
        caller = Caller(subject=by, name=by, client="hie")
        named = [f"MessageHeader/{one}/{query}" for one in messages]
        await trail.record([Entry("operation", caller, "MessageHeader", query=one) for one in named])
        await trail.aclose()
    return found
