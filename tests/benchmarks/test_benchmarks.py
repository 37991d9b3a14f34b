"""The benchmarks run to their end and say what they measured; how fast it was is for a quiet machine to tell."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

from tests.benchmarks.measure import Floor, Result, Timing, measure, measure_plain
from tests.benchmarks.peer import side_by_side
from tests.benchmarks.report import markdown, write_into

ROOT = Path(__file__).resolve().parents[2]


class TestTiming:
    def test_percentiles(self) -> None:
        """Nearest rank: half of ten stay within the fifth."""
        timing = Timing(10, 2.0, tuple(float(number) for number in range(1, 11)))

        assert (timing.per_second, timing.percentile(0.5), timing.percentile(0.99)) == (5.0, 5.0, 10.0)

    def test_no_single_times(self) -> None:
        """A workload that is only timed as a whole has no percentiles."""
        assert Timing(10, 1.0).percentile(0.5) is None


class TestMeasure:
    async def test_every_number_once(self) -> None:
        """Warm-up first, then each operation once, whichever task takes it."""
        seen: list[int] = []

        async def one(_: int, number: int) -> None:
            seen.append(number)

        timing = await measure(one, 50, at_once=4, warm=5)

        assert sorted(seen) == list(range(55)) and len(timing.each) == 50

    def test_plain(self) -> None:
        """The same for what only computes."""
        assert measure_plain(lambda number: number * number, 30).operations == 30


class TestReport:
    def test_second_floor(self) -> None:
        """Each floor of a workload has a ratio and a line."""
        floors = (Floor("bare", Timing(10, 1.0)), Floor("barer", Timing(100, 1.0)))
        text = markdown([Result("Group", "work", Timing(5, 1.0, (1.0, 2.0)), floors)])

        assert "| work | 5.0 | 1.00 | 2.00 | 2.00 | bare | 10 | 0.50 |" in text
        assert "|  |  |  |  |  | barer | 100 | 0.05 |" in text


    def test_page(self, tmp_path: Path) -> None:
        """Written into a page, the tables replace those of an earlier run and leave the rest."""
        page = tmp_path / "page.md"
        page.write_text("# Page\n\n## Measured\n\nold\n")
        shape = dict.fromkeys(("cores", "memory_gb", "system", "python", "pymongo", "mongodb"), 2)

        write_into([Result("Group", "work", Timing(5, 1.0), ())], shape, "make bench", page)

        text = page.read_text()
        assert text.startswith("# Page") and "`make bench` on 2 cores" in text and "### Group" in text
        assert "old" not in text


class TestPeer:
    def test_side_by_side(self) -> None:
        """Every work has both speeds, their ratio, errors, and the rows that each found."""
        one = {"per_s": 20.0, "p50_ms": 1.0, "p95_ms": 2.0, "p99_ms": 3.0, "ok": 10, "errors": 0, "rows": 50}
        half = one | {"per_s": 10.0, "errors": 1}
        crud = dict.fromkeys(("create", "read", "update", "delete"), one)
        own = {"import": one | {"entries_per_s": 900}, "crud": one | crud, "search": {"chain": one}}
        peer = {"import": half | {"entries_per_s": 300}, "crud": half | crud, "search": {"chain": half}}

        table = side_by_side(own, peer)

        assert "| transaction import (resources) | 900 | 1.0 / 2.0 / 3.0 | 300 |" in table
        assert "| search: chain | 20 | 1.0 / 2.0 / 3.0 | 10 | 1.0 / 2.0 / 3.0 | 2.0 | 0 / 1 | 5.0 / 5.0 |" in table


class TestRun:
    @pytest.mark.e2e
    @pytest.mark.slow
    @pytest.mark.timeout(300)
    def test_every_workload(self, tmp_path: Path) -> None:
        """A quick run of all: every workload has a speed and a ratio."""
        file = tmp_path / "results.json"
        command = [sys.executable, "-m", "tests.benchmarks", "--quick", "--patients", "20", "--bundles", "1"]

        done = subprocess.run([*command, "--json", str(file)], cwd=ROOT, capture_output=True, text=True, check=False)

        assert done.returncode == 0, done.stderr
        results = json.loads(file.read_text())["results"]
        assert len({one["group"] for one in results}) >= 5
        assert all(one["per_second"] > 0 and one["floors"][0]["ratio"] > 0 for one in results)
