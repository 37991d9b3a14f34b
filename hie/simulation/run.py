"""
`hie simulate`: make the demo region, send it, write the truth beside the data.
"""

from __future__ import annotations

import asyncio
from datetime import date
from pathlib import Path

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

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


def simulate(settings: Settings, size: str, seed: int, as_of: date) -> Tally:
    """Make and send; the terminal shows a progress bar."""
    plan = Planner(seed, SIZES[size], as_of).plan()
    plan.write_truth(truth_file(settings))
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn())
    with Progress(*columns, console=Console(stderr=True)) as progress:
        task = progress.add_task("Filling the demo region", total=plan.size)
        tally = asyncio.run(Region(settings, plan, lambda: progress.advance(task)).send())
    done_file(settings).write_text(f"{size} {seed} {as_of}\n", encoding="utf-8")
    return tally
