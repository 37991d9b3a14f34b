"""The results as a Markdown table, and as JSON for comparing two runs."""

from __future__ import annotations

import json
import os
import platform
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pymongo

from tests.benchmarks.measure import Result

MEASURED = "## Measured"
HEAD = ("workload", "ops/s", "p50 ms", "p95 ms", "p99 ms", "floor", "floor ops/s", "ratio")


def markdown(results: Sequence[Result]) -> str:
    """One table a group; ratio 1 is as fast as the floor."""
    groups = dict.fromkeys(result.group for result in results)
    return "\n".join(_table(group, [one for one in results if one.group == group]) for group in groups)


def _table(group: str, results: Sequence[Result]) -> str:
    lines = [f"### {group}", "", f"| {' | '.join(HEAD)} |", "|---|---:|---:|---:|---:|---|---:|---:|"]
    for result in results:
        for place, floor in enumerate(result.floors):
            # A second floor of the same workload has a line of its own.
            own = [_name(result), _speed(result.timing.per_second), *map(_time, _percentiles(result))]
            shown = own if place == 0 else [""] * 5
            beside = [floor.name, _speed(floor.timing.per_second), f"{result.ratio(floor):.2f}"]
            lines.append(f"| {' | '.join([*shown, *beside])} |")
    return "\n".join(lines) + "\n"


def _name(result: Result) -> str:
    return result.workload if result.unit == "operation" else f"{result.workload} ({result.unit}s)"


def _percentiles(result: Result) -> list[float | None]:
    return [result.timing.percentile(share) for share in (0.5, 0.95, 0.99)]


def _time(milliseconds: float | None) -> str:
    if milliseconds is None:
        return ""
    return f"{milliseconds:.2f}" if milliseconds < 10 else f"{milliseconds:.0f}"


def _speed(per_second: float) -> str:
    return f"{per_second:,.0f}" if per_second >= 10 else f"{per_second:.1f}"


def write_json(results: Sequence[Result], machine: dict[str, Any], file: Path) -> None:
    """Everything, with the machine it was measured on."""
    rows = [
        {
            "group": result.group, "workload": result.workload, "unit": result.unit,
            "per_second": round(result.timing.per_second, 2), "operations": result.timing.operations,
            **{f"p{share}_ms": result.timing.percentile(share / 100) for share in (50, 95, 99)},
            "floors": [
                {
                    "name": floor.name, "per_second": round(floor.timing.per_second, 2),
                    "ratio": round(result.ratio(floor), 4),
                }
                for floor in result.floors
            ],
        }
        for result in results
    ]  # fmt: skip
    file.write_text(json.dumps({"machine": machine, "results": rows}, indent=2) + "\n", encoding="utf-8")


def write_into(results: Sequence[Result], machine: dict[str, Any], command: str, page: Path) -> None:
    """Put the tables at the end of a page, in place of those of an earlier run."""
    before = page.read_text(encoding="utf-8").partition(MEASURED)[0]
    shape = "{cores} cores, {memory_gb} GB, {system}, Python {python}, MongoDB {mongodb}, pymongo {pymongo}"
    said = f"`{command}` on {shape.format(**machine)}."
    page.write_text(f"{before}{MEASURED}\n\n{said}\n\n{markdown(results)}", encoding="utf-8")


def machine(mongodb: str) -> dict[str, Any]:
    """The shape of this machine."""
    return {
        "cores": os.cpu_count(), "memory_gb": round(os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 2**30),
        "system": platform.system(), "python": platform.python_version(), "pymongo": pymongo.version,
        "mongodb": mongodb,
    }  # fmt: skip
