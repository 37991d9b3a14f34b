"""
`python -m tests.features --write PAGE`: run the tests that show the features, ask the server, write the page.

With `--ran REPORT` a JUnit report of an earlier run is taken instead of running the tests.
"""

from __future__ import annotations

import argparse
import asyncio
import subprocess
import sys
import tempfile
from pathlib import Path

from hie.supervisor import mongod
from tests.features.claims import claims
from tests.features.evidence import ROOT, passed
from tests.features.served import statement
from tests.features.table import rows, written
from tests.free_ports import free_port


def main() -> None:
    """The command."""
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("--write", type=Path, required=True, help="the page to write")
    options.add_argument("--ran", type=Path, help="a JUnit report of these tests")
    given = options.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        report = given.ran or _run(Path(folder) / "report.xml")
        good = passed(report)
        page = written(claims(_served(Path(folder))), good)
    lacking = sorted({one for row in rows() for one in row.tests} - good)
    sys.stdout.writelines(f"did not pass: {one}\n" for one in lacking)
    given.write.parent.mkdir(parents=True, exist_ok=True)
    given.write.write_text(page)


def _run(report: Path) -> Path:
    files = sorted({f"tests/{one.partition('::')[0]}" for row in rows() for one in row.tests})
    command = [sys.executable, "-m", "pytest", *files, f"--junitxml={report}"]
    subprocess.run(command, cwd=ROOT, check=False)
    return report


def _served(folder: Path) -> dict[str, object]:
    server = mongod.start(folder / "mongo", free_port(), cache_gb=0.25)
    try:
        return asyncio.run(statement(server.uri, folder))
    finally:
        server.stop()


if __name__ == "__main__":
    main()
