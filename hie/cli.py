"""
The command line: `hie --help` lists it. Exit code 0: done; 1: it could not be done, and it says why; 2: wrong usage.
"""

from __future__ import annotations

import asyncio
import json
import sys
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Annotated

import typer
from pymongo.errors import PyMongoError

from hie.commands.engine import close_messages, pause, prune, replace_message, replay, resume
from hie.commands.feeds import feed_app
from hie.commands.sites import history, load, rollback, show, unmapped
from hie.errors import HieError
from hie.settings import Settings

app = typer.Typer(no_args_is_help=True, add_completion=False, help=__doc__, pretty_exceptions_enable=False)
site_app = typer.Typer(no_args_is_help=True, help="Sending sites.")
for _command in (load, show, history, rollback, unmapped):
    site_app.command(_command.__name__)(_command)
app.add_typer(site_app, name="site")
site_app.command("pause")(pause)
site_app.command("resume")(resume)
for _name, _engine in (
    ("replay", replay), ("pause", pause), ("resume", resume), ("prune", prune), ("replace", replace_message),
    ("close", close_messages),
):  # fmt: skip
    app.command(_name)(_engine)
account_app = typer.Typer(no_args_is_help=True, help="Accounts of residents.")
app.add_typer(account_app, name="account")
profile_app = typer.Typer(no_args_is_help=True, help="Profiles that resources are validated against.")
app.add_typer(profile_app, name="profile")
app.add_typer(feed_app, name="feed")

Size = Annotated[str, typer.Option(help="Demo region: tiny, small or city.")]


def say(text: str) -> None:
    """A line for the person at the terminal."""
    typer.echo(text, err=True)


@app.command()
def up(
    demo: Annotated[bool, typer.Option("--demo", help="Fill a demo region on the first start.")] = False,
    size: Size = "small",
) -> None:
    """Run every service of one machine under one supervisor; Ctrl-C stops all. Exit 0: stopped; 1: could not start."""
    from hie.commands.welcome import welcome
    from hie.simulation.run import done_file
    from hie.supervisor.up import run_up

    settings = Settings()
    seed = None
    if demo and not done_file(settings).exists():
        seed = [sys.executable, "-m", "hie.cli", "simulate", "--size", size]
    raise typer.Exit(run_up(settings, say, seed, lambda: welcome(settings, say, filling=seed is not None)))


@app.command()
def serve() -> None:
    """Run the web service: FHIR, workbench, HL7 v2 over HTTP, metrics, health."""
    from hie.commands.services import serve_web

    serve_web(Settings())


@app.command()
def listen() -> None:
    """Run the MLLP listener."""
    import uvloop

    from hie.commands.services import run_listener

    uvloop.run(run_listener(Settings()))


@app.command()
def work() -> None:
    """Run one worker: carries journaled messages to the stores."""
    import uvloop

    from hie.commands.services import run_worker

    uvloop.run(run_worker(Settings()))


@app.command()
def portal() -> None:
    """Run the resident portal."""
    from hie.commands.services import serve_portal

    serve_portal()


@app.command("sign-in")
def sign_in() -> None:
    """Run the demo sign-in; refuses to start in production."""
    from hie.commands.services import serve_sign_in

    serve_sign_in(Settings())


@app.command()
def token(account: Annotated[str, typer.Argument(help="resident, elder, clinician, ..., system")]) -> None:
    """Print an access token of the demo sign-in. Exit 1: no such account, or the sign-in does not run."""
    from hie.commands.tokens import token as get_token

    typer.echo(get_token(Settings(), account))


@app.command()
def status(as_json: Annotated[bool, typer.Option("--json", help="For scripts.")] = False) -> None:
    """Say whether all is ready, where it is, and what waits. Exit 0: ready; 1: not ready."""
    from hie.commands.status import status as get_status

    found = asyncio.run(get_status(Settings()))
    if as_json:
        typer.echo(json.dumps(found, ensure_ascii=False, indent=2, default=str))
    else:
        from hie.commands.welcome import show_status

        show_status(found, typer.echo)
    raise typer.Exit(0 if found["ready"] else 1)


@app.command()
def drain(
    timeout: Annotated[float, typer.Option(help="Seconds to wait at most.")] = 300.0,
    events: Annotated[bool, typer.Option("--events", help="Wait for the modules, too, to hear of everything.")] = False,
) -> None:
    """Wait until no message is pending. Exit 0: drained; 1: the time ran out."""
    from hie.commands.status import drain as wait

    if not asyncio.run(wait(Settings(), timeout, events=events)):
        say(f"Messages are still pending after {timeout:g} s.")
        raise typer.Exit(1)


@app.command()
def send(
    files: Annotated[list[Path], typer.Argument(exists=True, dir_okay=False)],
    to: Annotated[str, typer.Option(help="HOST:PORT; the listener of this machine without it.")] = "",
) -> None:
    """Send HL7 v2 files over MLLP, show each acknowledgement and a count by code. Exit 1: not every answer was AA."""
    from hie.commands.sending import send_files

    settings = Settings()
    host, _, port = to.rpartition(":")
    target = (host, int(port)) if to else (settings.host, settings.mllp_port)
    codes = asyncio.run(send_files(files, *target, typer.echo))
    typer.echo(", ".join(f"{code}: {count}" for code, count in sorted(codes.items())))
    raise typer.Exit(0 if set(codes) <= {"AA", "CA"} else 1)


@app.command()
def simulate(
    size: Size = "small",
    seed: Annotated[int, typer.Option(help="The same seed makes the same region.")] = 1251,
    as_of: Annotated[str, typer.Option(help="The region's today, YYYY-MM-DD.")] = "",
) -> None:
    """Make a demo region and send it through the doors of a running exchange. Exit 1: something was not taken."""
    from hie.simulation.run import simulate as run

    today = date.fromisoformat(as_of) if as_of else datetime.now(UTC).date()
    tally = run(Settings(), size, seed, today)
    say(
        f"HL7 v2: {tally.accepted} accepted, {tally.refused} refused (one on purpose). "
        f"FHIR: {tally.transactions} transactions, {tally.failed} failed."
    )
    raise typer.Exit(1 if tally.failed else 0)


@app.command()
def backup(file: Annotated[Path, typer.Argument(dir_okay=False)]) -> None:
    """Write every database of the exchange into one file, as of one moment. Exit 1: it could not be written."""
    from hie.commands.backup import backup as run

    say(f"{run(Settings(), file, lambda name, count: say(f'{name}: {count}'))} documents saved.")


@app.command()
def restore(file: Annotated[Path, typer.Argument(exists=True, dir_okay=False)]) -> None:
    """Read a backup into empty databases. Exit 1: the databases are not empty, or the file is no backup."""
    from hie.commands.backup import restore as run

    say(f"{run(Settings(), file, lambda name, _: say(name))} documents restored.")


@app.command("verify-audit")
def verify_audit() -> None:
    """Check the hash chain of the audit trail. Exit 0: unbroken; 1: it says where it is broken."""
    from hie.commands.upkeep import verify

    raise typer.Exit(asyncio.run(verify(Settings(), typer.echo)))


@app.command()
def reindex(
    types: Annotated[list[str] | None, typer.Option("--type", help="A resource type; may be repeated.")] = None,
    url: Annotated[str, typer.Option(help="Address of a search parameter that was added.")] = "",
    rate: Annotated[int, typer.Option(min=0, help="Resources a second; 0: as fast as it can.")] = 0,
    show: Annotated[bool, typer.Option("--list", help="Only show the newest jobs.")] = False,
    order: Annotated[str, typer.Option("--do", help="pause, resume or cancel, with --job.")] = "",
    job: Annotated[str, typer.Option(help="The job to pause, resume or cancel.")] = "",
) -> None:
    """
    Compute search keys again: of every resource, of some types, or for a parameter; also while nothing else runs.

    Ctrl-C leaves the job where it is: a worker goes on with it, or the next `hie reindex`. Exit 0: done; 1: not whole.
    """
    from hie.commands.logs import configure_logs
    from hie.commands.reindexing import run

    configure_logs("WARNING")
    raise typer.Exit(asyncio.run(run(Settings(), say, types or [], url, rate, show=show, order=order, job=job)))


@app.command()
def migrate(dry_run: Annotated[bool, typer.Option("--dry-run", help="Only say what would be done.")] = False) -> None:
    """Bring the stores to the schema of this release; forward only, safe to repeat. Exit 0: done."""
    from hie.commands.upkeep import migrate_stores

    asyncio.run(migrate_stores(Settings(), say, dry_run=dry_run))


@site_app.command("check")
def site_check(
    files: Annotated[list[Path], typer.Argument(exists=True, dir_okay=False)],
    sender: Annotated[str, typer.Option(help="MSH-3|MSH-4; taken from each message without it.")] = "",
    as_json: Annotated[bool, typer.Option("--json", help="For scripts: one entry a message.")] = False,
    profile: Annotated[
        Path | None, typer.Option(exists=True, dir_okay=False, help="A new profile: what would be otherwise under it.")
    ] = None,
    fields: Annotated[bool, typer.Option("--fields", help="With what becomes of each field.")] = False,
) -> None:
    """
    Show what sample messages of a site would become; nothing is stored.

    Exit 0: all would be taken. 1: some would not, or would not be valid FHIR. 3: a new profile changes something.
    """
    from hie.commands.site_check import check_files

    code = check_files(Settings(), files, sender, typer.echo, as_json=as_json, profile=profile, fields=fields)
    raise typer.Exit(code)


@app.command(hidden=True)
def corpus(
    places: Annotated[list[Path], typer.Argument(exists=True)],
    report: Annotated[Path | None, typer.Option(help="Markdown file to write; the terminal without it.")] = None,
) -> None:
    """For developers: send whole folders through the MLLP port and report by message type. Exit 1: one was lost."""
    from hie.commands.corpus import corpus as run

    raise typer.Exit(run(Settings(), places, report, say))


@account_app.command("bind")
def account_bind(
    subject: Annotated[str, typer.Argument(help="The `sub` of the account at the sign-in service.")],
    system: Annotated[str, typer.Argument(help="Identifier system, e.g. urn:oid:2.16.156.10011.1.3.")],
    by: Annotated[str, typer.Option(help="Who checked that they are one person.")],
) -> None:
    """
    Say which resident an account is; the identifier's value is read from standard input, so that no shell keeps it.

    Exit 0: bound; 1: the value is empty.
    """
    from hie.commands.accounts import bind

    asyncio.run(bind(Settings(), subject, system, sys.stdin.readline().strip(), by))
    say("The account is bound.")


@profile_app.command("load")
def profile_load(
    places: Annotated[list[Path], typer.Argument(exists=True, help="JSON files, folders, npm packages (.tgz).")],
) -> None:
    """
    Load profiles, extensions, value sets and code systems; nothing is fetched, and loading again replaces.

    Exit 0: all are loaded; 1: some are no valid R4, or there was nothing.
    """
    from hie.commands.logs import configure_logs
    from hie.commands.profiles import load

    configure_logs("WARNING")
    raise typer.Exit(1 if asyncio.run(load(Settings(), places, say)) else 0)


def main() -> None:
    """Entry point: a refusal is a sentence and exit code 1, never a traceback."""
    try:
        app()
    except HieError as error:
        say(error.text)
        sys.exit(1)
    except PyMongoError as error:
        say(f"The database does not answer as it should ({type(error).__name__}); is the exchange running?")
        sys.exit(1)


if __name__ == "__main__":
    main()
