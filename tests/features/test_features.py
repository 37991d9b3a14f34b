"""The table of features says what the server says, and names tests that are there."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

import pytest

from tests.features.claims import claims
from tests.features.evidence import ROOT, named, passed
from tests.features.served import statement
from tests.features.table import Row, read, rows, written

PAGE = ROOT / "docs" / "fhir" / "features.md"


@pytest.fixture
async def said(mongo_uri: str, database_prefix: str, tmp_path: Path) -> frozenset[str]:
    """What the capability statement claims."""
    return claims(await statement(mongo_uri, tmp_path, database_prefix))


class TestPage:
    async def test_offered(self, said: frozenset[str]) -> None:
        """The committed page has every row, offered as the statement says; write it anew where this fails."""
        page = read(PAGE.read_text())

        assert list(page) == [row.feature for row in rows()]
        assert {name: offered for name, (offered, _) in page.items()} == {
            row.feature: row.offered(said, row.tests) for row in rows()
        }

    def test_tests_are_there(self) -> None:
        """No more tests are named than there are."""
        page = read(PAGE.read_text())

        for row in rows():
            there = Counter(f"tests/{one.partition('::')[0]}" for one in row.tests)
            assert Counter(page[row.feature][1]) <= there, row.feature

    async def test_every_operation_has_a_row(self, said: frozenset[str]) -> None:
        """Whatever the statement offers beyond the parameters of searches stands in a row."""
        known = {claim for row in rows() for claim in row.says}
        silent = {one for one in said if one.split()[0] in ("operation", "interaction", "format") and " of " not in one}

        assert silent - known == set()


class TestRow:
    @pytest.mark.parametrize(
        ("made", "tests", "offered"),
        [({"a", "b"}, ["t"], "yes"), ({"a"}, ["t"], "partly"), ({"a", "b"}, [], "partly"), (set(), ["t"], "no")],
    )
    def test_offered(self, made: set[str], tests: list[str], offered: str) -> None:
        """A claim without a test is half the truth, a test without a claim none."""
        assert Row("s", "f", says=("a", "b")).offered(made, tests) == offered

    def test_written_and_read(self) -> None:
        """Only what passed is counted."""
        chosen = [one for row in rows() for one in row.tests][:3]
        page = read(written(set(), chosen))

        assert sum(count for _, files in page.values() for count in files.values()) >= 3
        assert not any(files for name, (_, files) in page.items() if name == "capabilities")


class TestEvidence:
    def test_nowhere(self) -> None:
        """A place without tests is an error, not an empty cell."""
        with pytest.raises(LookupError):
            named(["features/test_features.py::TestNowhere"])

    def test_report(self, tmp_path: Path) -> None:
        """A test counts where all of its cases passed; a skipped one does not."""
        report = tmp_path / "report.xml"
        report.write_text(
            "<testsuites><testsuite>"
            '<testcase classname="tests.a.test_b.TestC" name="test_d[1]"/>'
            '<testcase classname="tests.a.test_b.TestC" name="test_e[1]"/>'
            '<testcase classname="tests.a.test_b.TestC" name="test_e[2]"><failure/></testcase>'
            '<testcase classname="tests.a.test_b" name="test_f"><skipped/></testcase>'
            '<testcase classname="tests.a.test_b" name="test_g"/>'
            "</testsuite></testsuites>"
        )

        assert passed(report) == {"a/test_b.py::TestC::test_d", "a/test_b.py::test_g"}
