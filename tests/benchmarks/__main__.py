"""
Run the workloads and print their table: `python -m tests.benchmarks --help`.

Each runs beside a floor in the same minute on the same machine, so that the ratio says more than the numbers.
"""

from __future__ import annotations

import argparse
import asyncio
import shutil
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from tests.benchmarks import conversion, crud, intake, pipeline, search, transactions
from tests.benchmarks.measure import Result
from tests.benchmarks.report import machine, markdown, write_json
from tests.benchmarks.stage import say, stage

WORKLOADS = {
    "conversion": conversion.run,
    "intake": intake.run,
    "pipeline": pipeline.run,
    "crud": crud.run,
    "search": search.run,
    "transactions": transactions.run,
}


def main() -> None:
    """Measure, then print."""
    parser = argparse.ArgumentParser(prog="python -m tests.benchmarks", description=__doc__)
    parser.add_argument("workloads", nargs="*", metavar="WORKLOAD", help=f"some of {', '.join(WORKLOADS)}; else all")
    parser.add_argument("--patients", type=int, default=300, help="size of the region that is searched")
    parser.add_argument("--bundles", type=int, default=6, help="patient histories that are imported")
    parser.add_argument("--json", type=Path, metavar="FILE", help="write the results there too")
    asked = parser.parse_args()
    if unknown := set(asked.workloads) - set(WORKLOADS):
        parser.error(f"no such workload: {', '.join(sorted(unknown))}")
    results, shape = asyncio.run(run(asked.workloads or list(WORKLOADS), asked.patients, asked.bundles))
    sys.stdout.write(markdown(results))
    if asked.json:
        write_json(results, shape, asked.json)


async def run(names: list[str], patients: int, bundles: int) -> tuple[list[Result], dict[str, object]]:
    """The results, and the machine they are of."""
    # In the checkout, not in a memory disk: what is measured waits for a disk.
    home = Path("var")
    home.mkdir(exist_ok=True)
    data = Path(tempfile.mkdtemp(prefix="benchmark-", dir=home)).resolve()
    results: list[Result] = []
    with kept_on_failure(data):
        async with stage(data, patients=patients, bundles=bundles) as running:
            shape = machine((await running.client.server_info())["version"])
            for name in names:
                say(name)
                results += await WORKLOADS[name](running)
    return results, shape


@contextmanager
def kept_on_failure(data: Path) -> Iterator[None]:
    """Remove the data afterwards; after a failure the logs are wanted."""
    try:
        yield
    except BaseException:
        say(f"The logs are in {data / 'logs'}; remove the folder when they are read.")
        raise
    shutil.rmtree(data, ignore_errors=True)


if __name__ == "__main__":
    main()
