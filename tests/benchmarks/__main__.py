"""
Run the workloads and print their table: `python -m tests.benchmarks --help`.

Each runs beside a floor in the same minute on the same machine, so that the ratio says more than the numbers.
"""

from __future__ import annotations

import argparse
import asyncio
import inspect
import shutil
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from tests.benchmarks import backlog, conversion, crud, intake, pipeline, search, transactions
from tests.benchmarks.measure import Result
from tests.benchmarks.report import machine, markdown, write_into, write_json
from tests.benchmarks.stage import say, stage

ROOT = Path(__file__).resolve().parents[2]
WORKLOADS = {
    "conversion": conversion.run,
    "intake": intake.run,
    "pipeline": pipeline.run,
    "backlog": backlog.run,
    "crud": crud.run,
    "search": search.run,
    "transactions": transactions.run,
}


def main() -> None:
    """Measure, then print."""
    parser = argparse.ArgumentParser(
        prog="python -m tests.benchmarks", description=__doc__, epilog=_about(),
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )  # fmt: skip
    parser.add_argument("workloads", nargs="*", metavar="WORKLOAD", help=f"some of {', '.join(WORKLOADS)}; else all")
    parser.add_argument(
        "--patients", type=int, nargs="+", default=[300], metavar="N", help="sizes of the region that is searched"
    )
    parser.add_argument("--bundles", type=int, default=6, help="patient histories that are imported")
    parser.add_argument("--quick", action="store_true", help="few operations: shows that it runs, not how fast")
    parser.add_argument("--json", type=Path, metavar="FILE", help="write the results there too")
    parser.add_argument("--write", type=Path, metavar="PAGE", help="put the tables at the end of this page")
    asked = parser.parse_args()
    if unknown := set(asked.workloads) - set(WORKLOADS):
        parser.error(f"no such workload: {', '.join(sorted(unknown))}")
    scale = 0.02 if asked.quick else 1.0
    names = asked.workloads or list(WORKLOADS)
    results, shape = asyncio.run(run(names, patients=tuple(asked.patients), bundles=asked.bundles, scale=scale))
    sys.stdout.write(markdown(results))
    if asked.json:
        write_json(results, shape, asked.json)
    if asked.write:
        arguments = " ".join(name for name in sys.argv[1:] if name not in ("--write", str(asked.write)))
        write_into(results, shape, f"python -m tests.benchmarks {arguments}".strip(), asked.write)


def _about() -> str:
    """What each workload is, in its own words."""
    texts = {name: inspect.getdoc(sys.modules[work.__module__]) or "" for name, work in WORKLOADS.items()}
    return "workloads:\n" + "\n".join(f"  {name:13}{text.splitlines()[0]}" for name, text in texts.items())


async def run(
    names: list[str], *, patients: tuple[int, ...], bundles: int, scale: float
) -> tuple[list[Result], dict[str, object]]:
    """The results, and the machine they are of."""
    results: list[Result] = []
    with workplace() as data:
        async with stage(data, patients=patients, bundles=bundles, scale=scale) as running:
            shape = machine((await running.client.server_info())["version"])
            for name in names:
                say(name)
                results += await WORKLOADS[name](running)
    return results, shape


@contextmanager
def workplace() -> Iterator[Path]:
    """A folder in the checkout, not in a memory disk: what is measured waits for a disk. After a failure it stays."""
    home = ROOT / "var"
    home.mkdir(exist_ok=True)
    data = Path(tempfile.mkdtemp(prefix="benchmark-", dir=home)).resolve()
    try:
        yield data
    except BaseException:
        say(f"The logs are in {data / 'logs'}; remove the folder when they are read.")
        raise
    shutil.rmtree(data, ignore_errors=True)


if __name__ == "__main__":
    main()
