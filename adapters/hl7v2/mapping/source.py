"""
The guide's CSV files as plain rows; only `build` reads them.

https://github.com/HL7/v2-to-fhir (Apache-2.0)
"""

from __future__ import annotations

import csv
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

_NAME = re.compile(r"_ ?(.+?) - ")
_ROOT = re.compile(r".*\[([A-Za-z.]+)")


@dataclass(frozen=True, slots=True)
class Written:
    """A row as it is written: `table` "PID[Patient]", `at` "PID-3", v2 `kind` "CX", and the FHIR side."""

    table: str
    is_segment: bool
    at: str
    kind: str
    condition: str
    narrative: str
    path: str
    through: str
    codes: str
    value: str


def rows(folder: Path) -> Iterator[Written]:
    """Every row with a target, of segments and data types, in the order of the files."""
    for kind in ("segments", "datatypes"):
        for file in sorted((folder / kind).glob("*.csv")):
            yield from _rows(file, is_segment=kind == "segments")


def _read(file: Path) -> list[list[str]]:
    with file.open(encoding="utf-8-sig", newline="") as opened:
        lines = list(csv.reader(opened))[2:]
    return [[" ".join(cell.split()) for cell in line] + [""] * 20 for line in lines]


def _name(file: Path) -> str:
    match = _NAME.search(file.name)
    if match is None:
        raise ValueError(file.name)
    return match[1]


def _rows(file: Path, *, is_segment: bool) -> Iterator[Written]:
    table = _name(file)
    for line in _read(file):
        if line[9]:
            at = line[1] or (table.partition("[")[0] if is_segment else "")
            yield Written(
                table, is_segment, at, line[3], line[6], line[8], line[9], line[14], line[15], line[16]
            )  # fmt: skip


def names(folder: Path) -> dict[str, str]:
    """The name of every field that the tables list: PID-3, Patient Identifier List."""
    found: dict[str, str] = {}
    for file in sorted((folder / "segments").glob("*.csv")):
        found |= {line[1]: line[2] for line in _read(file) if "-" in line[1] and line[2] and line[1] not in found}
    return found


def codes(folder: Path) -> Iterator[tuple[str, str, dict[str, tuple[str, str, str]]]]:
    """Every table of codes: its name, the system of the codes sent, and the targets."""
    for file in sorted((folder / "codesystems").glob("*.csv")):
        yield _codes(file)


def _codes(file: Path) -> tuple[str, str, dict[str, tuple[str, str, str]]]:
    """The columns differ: the target is what stands under the last `Code`, `Display` and `Code System`."""
    with file.open(encoding="utf-8-sig", newline="") as opened:
        heads = [*list(csv.reader(opened))[1:2], []][0]
    columns = {head.strip(): at for at, head in enumerate(heads) if head.strip()}
    lines = _read(file)
    system = next((line[2] for line in lines if line[2]), "")
    targets: dict[str, tuple[str, str, str]] = {}
    for line in lines:
        code, display, uri = (line[columns[name]] for name in ("Code", "Display", "Code System"))
        if line[0] and code and columns["Code"] > 0:
            targets.setdefault(line[0], (uri, code, display))
    return _name(file), system, targets


def root_of(table: str) -> str:
    """`CX[Identifier]`: Identifier; `EI[Identifier-Extension]` too."""
    match = _ROOT.match(table)
    return match[1] if match else ""
