"""
`hie simulate`: make the demo region, send it, write the truth beside the data.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from datetime import date
from pathlib import Path

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

from hie.errors import Unprocessable
from hie.settings import Settings
from hie.simulation.plan import SIZES, Planner
from hie.simulation.sending import Region, Tally

SEED = 1251


def truth_file(settings: Settings) -> Path:
    """Where the truth about the demo region is kept."""
    return settings.data_dir / "demo" / "truth.jsonl"


def done_file(settings: Settings) -> Path:
    """Exists once the demo region was sent whole: a second start keeps the data."""
    return settings.data_dir / "demo" / "filled"


def begun_file(settings: Settings) -> Path:
    """Which region was begun: one that was interrupted goes on as the same region, also on another day."""
    return settings.data_dir / "demo" / "begun"


def simulate(settings: Settings, size: str, seed: int, as_of: date) -> Tally:
    """Make and send; a terminal shows a progress bar, a log a line at each quarter."""
    if size not in SIZES:
        raise Unprocessable(f"The sizes of a demo region are {', '.join(SIZES)}.")
    size, seed, as_of = _begin(settings, size, seed, as_of)
    plan = Planner(seed, SIZES[size], as_of).plan()
    plan.write_truth(truth_file(settings))
    console = Console(stderr=True)
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn())
    with Progress(*columns, console=console, disable=not console.is_terminal) as progress:
        task = progress.add_task("Filling the demo region", total=plan.size)
        note = _quarters(plan.size, console)

        def advance() -> None:
            progress.advance(task)
            note()

        tally = asyncio.run(Region(settings, plan, advance).send())
    if not tally.failed:
        done_file(settings).write_text(f"{size} {seed} {as_of}\n", encoding="utf-8")
    return tally


def _begin(settings: Settings, size: str, seed: int, as_of: date) -> tuple[str, int, date]:
    """The region that was begun and not finished, else this one."""
    file = begun_file(settings)
    if file.exists() and not done_file(settings).exists():
        kept_size, kept_seed, kept_day = file.read_text("utf-8").split()
        if (kept_size, int(kept_seed)) == (size, seed):
            return size, seed, date.fromisoformat(kept_day)
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(f"{size} {seed} {as_of}\n", encoding="utf-8")
    return size, seed, as_of


def _quarters(total: int, console: Console) -> Callable[[], None]:
    """Where there is no terminal: a line at each quarter."""
    sent = 0

    def note() -> None:
        nonlocal sent
        sent += 1
        if not console.is_terminal and sent * 4 // total > (sent - 1) * 4 // total:
            console.print(f"Filling the demo region: {sent} of {total}")

    return note
