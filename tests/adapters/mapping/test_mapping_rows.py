"""
Every row of the guide's tables: carried out as data, or listed with the reason why not.
"""

from __future__ import annotations

import json
import lzma
from pathlib import Path

import pytest
from mapping_world import TablesAlone, scope_of

from adapters.hl7v2.mapping import build, executing, load
from adapters.hl7v2.mapping.executing import elements
from adapters.hl7v2.mapping.model import Row, Table
from adapters.hl7v2.mapping.scope import Scope
from adapters.hl7v2.message import Segment

ROWS = [(load.table(name), row) for name in load.tables() for row in load.table(name).rows]
SOURCE = Path(__file__).parents[4] / "shared" / "data" / "v2-to-fhir"


class TestRows:
    def test_share(self) -> None:
        """At least 95 of 100 rows with a target are carried out from the tables; the others say why not."""
        carried_out, left = len(ROWS), load.left()

        assert carried_out / (carried_out + len(left)) >= 0.95
        assert all(one.reason for one in left)

    def test_each(self) -> None:
        """Each row says something where its field is there and its condition holds."""
        silent = [f"{table.name} {row.at} {row.path}" for table, row in ROWS if _said(table, row) in (None, [])]

        assert silent == []

    def test_each_in_its_place(self) -> None:
        """Each row of a segment that is carried out alone says it at the end of its path."""
        lost = [
            f"{table.name} {row.at} {row.path}"
            for table, row in ROWS
            if table.is_segment and row.steps and not _placed(table, row) and not _of_another(row)
        ]

        assert lost == []

    def test_silence(self) -> None:
        """No row says anything of an empty segment but what is fixed for all segments of its name."""
        speaking = {
            f"{table.name} {row.at}"
            for table, row in ROWS
            if table.is_segment and "-" in row.at and not row.condition and _said_of_nothing(table, row)
        }

        assert speaking == set()


def _of_another(row: Row) -> bool:
    """What says something of another field's value (PRT-23 of the telecom in PRT-15, a unit of a number)."""
    return (row.at == "PRT-23" and row.element == "telecom") or (
        row.at in ("RXO-19", "RXO-26", "RXE-26") and row.element == "extension"
    )


def _said(table: Table, row: Row) -> object:
    kind = row.steps[-1].type if row.steps else table.root
    return executing.row_of(table, row, kind)(scope_of(row, table), TablesAlone())


def _said_of_nothing(table: Table, row: Row) -> object:
    kind = row.steps[-1].type if row.steps else table.root
    return executing.row_of(table, row, kind)(Scope(Segment(table.source, ())), TablesAlone())


def _placed(table: Table, row: Row) -> bool:
    """With the rows of the same field, which make its extension or identifier whole."""
    near = [one for one in table.rows if one.at == row.at and one.condition in ("", row.condition)]
    telling = [one for one in near if not one.value and one.steps[: len(row.steps) - 1] == row.steps[:-1]]
    return any(_found(table, row, near, scope_of(one, table)) for one in (row, *telling))


def _found(table: Table, row: Row, near: list[Row], scope: Scope) -> bool:
    at: object = executing.build_all(elements(table, near), scope.segment, TablesAlone(), scope.around)
    for step in row.steps:
        at = _below(at, step.name)
    return at is not None


def _below(at: object, name: str) -> object:
    if isinstance(at, list):
        return next((found for one in at if (found := _below(one, name)) is not None), None)
    if not isinstance(at, dict):
        return at
    content = at.get("content")
    found = at.get(name) if name in at else at.get(f"_{name}")
    return found if found is not None or not content else _below(content, name)


@pytest.mark.skipif(not SOURCE.is_dir(), reason="the guide's CSV files are not beside the checkout")
class TestBuild:
    def test_same(self) -> None:
        """The data file is what the build makes of the guide and the overlay."""
        structures = json.loads(lzma.decompress(build.STRUCTURES.read_bytes()))
        made = json.loads(json.dumps(build.compiled(SOURCE, structures)))

        assert made == json.loads(lzma.decompress((build.HERE / "data" / load.FILE).read_bytes()))
