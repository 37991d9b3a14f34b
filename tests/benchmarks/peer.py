"""
The same load on this exchange and on another FHIR server, side by side: `python -m tests.benchmarks.peer --help`.

`run` starts the exchange fresh, with validation, decisions and the audit trail on, and sends it the load of a program
that knows any FHIR R4 server (transaction import, CRUD mix, nine searches); `table` sets two results side by side.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import subprocess
import sys
from pathlib import Path
from typing import Any

from hie.commands.tokens import token
from tests.benchmarks.__main__ import workplace
from tests.benchmarks.stage import Stage, say, stage

HEAD = "| work | exchange /s | p50 / p95 / p99 ms | peer /s | p50 / p95 / p99 ms | ratio | errors | rows a request |"
CRUD = ("create", "read", "update", "delete")


def main() -> None:
    """One of the two commands."""
    parser = argparse.ArgumentParser(prog="python -m tests.benchmarks.peer", description=__doc__)
    commands = parser.add_subparsers(dest="command", required=True)
    run = commands.add_parser("run", help="measure the exchange")
    run.add_argument("program", type=Path, help="the load program: takes -base, -token, -bundles and -workers")
    run.add_argument("--bundles", type=Path, required=True, help="folder of transaction bundles")
    run.add_argument("--clients", type=int, default=8)
    run.add_argument("--web-workers", type=int, default=2, help="web processes of the exchange")
    run.add_argument("--json", type=Path, required=True, metavar="FILE")
    table = commands.add_parser("table", help="two results side by side")
    table.add_argument("own", type=Path)
    table.add_argument("peer", type=Path)
    asked = parser.parse_args()
    if asked.command == "table":
        sys.stdout.write(side_by_side(*(json.loads(file.read_text()) for file in (asked.own, asked.peer))))
    else:
        asyncio.run(measure(asked))


async def measure(asked: argparse.Namespace) -> None:
    """Start, load, write what the program prints."""
    with workplace() as data:
        async with stage(data, web_workers=asked.web_workers) as running:
            done = await asyncio.to_thread(_load, running, asked)
            say(f"memory of the web service: {_memory(running)} MB")
    asked.json.write_text(done)


def _load(running: Stage, asked: argparse.Namespace) -> str:
    command = [
        str(asked.program.resolve()), "-base", running.settings.fhir_url, "-token", token(running.settings, "system"),
        "-bundles", str(asked.bundles), "-workers", str(asked.clients),
    ]  # fmt: skip
    return subprocess.run(command, stdout=subprocess.PIPE, text=True, check=True).stdout


def _memory(running: Stage) -> list[int]:
    """Resident megabytes of each web process."""
    (web,) = [child.process.pid for child in running.supervisor.children if child.program.name == "web"]
    children = Path(f"/proc/{web}/task/{web}/children").read_text().split() or [str(web)]
    found = []
    for pid in children:
        words = Path(f"/proc/{pid}/status").read_text().split()
        found.append(int(words[words.index("VmRSS:") + 1]) // 1024)
    return found


def side_by_side(own: dict[str, Any], peer: dict[str, Any]) -> str:
    """A table in Markdown; of the import, resources a second."""
    lines = [HEAD, "|---|---:|---|---:|---|---:|---:|---|"]
    for name, pick in _works(own):
        ours, theirs = pick(own), pick(peer)
        speeds = [one.get("entries_per_s", one["per_s"]) for one in (ours, theirs)]
        rows = " / ".join(f"{one['rows'] / one['ok']:.1f}" if one["ok"] else "-" for one in (ours, theirs))
        lines.append(
            f"| {name} | {speeds[0]:,.0f} | {_times(ours)} | {speeds[1]:,.0f} | {_times(theirs)} "
            f"| {speeds[0] / speeds[1]:.1f} | {ours['errors']} / {theirs['errors']} | {rows} |"
        )
    return "\n".join(lines) + "\n"


def _works(own: dict[str, Any]) -> list[tuple[str, Any]]:
    works: list[tuple[str, Any]] = [("transaction import (resources)", lambda one: one["import"])]
    works.append(("CRUD mix", lambda one: one["crud"]))
    works += [(f"CRUD: {kind}", lambda one, kind=kind: one["crud"][kind]) for kind in CRUD]
    return works + [(f"search: {shape}", lambda one, shape=shape: one["search"][shape]) for shape in own["search"]]


def _times(one: dict[str, Any]) -> str:
    return " / ".join(f"{one[f'p{share}_ms']:,.1f}" for share in (50, 95, 99))


if __name__ == "__main__":
    main()
