"""
The mapping queue as CSV, out and in again: a terminologist fills three columns in his own program. Pure.

https://www.rfc-editor.org/rfc/rfc4180, https://owasp.org/www-community/attacks/CSV_Injection
"""

from __future__ import annotations

import csv
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from io import StringIO
from typing import Any

from hie.applications.administration.mapping import Mapped, table_of

COLUMNS = ("site", "location", "system", "code", "display", "count", "target_system", "target_code", "target_display")
MOST = 5_000
_FORMULA = ("=", "+", "-", "@", "\t", "\r")


@dataclass(frozen=True, slots=True)
class Problem:
    """What is wrong with a line, counted from 1 with the heads."""

    line: int
    text: str


@dataclass(frozen=True, slots=True)
class Table:
    """What a table says: mappings by site, and what is wrong with it."""

    rows: Mapping[str, tuple[Mapped, ...]]
    problems: tuple[Problem, ...]

    @property
    def count(self) -> int:
        return sum(len(rows) for rows in self.rows.values())


def written(parts: Iterable[Mapping[str, Any]]) -> str:
    """The queue with empty targets; with a byte order mark, without which Excel reads no Chinese."""
    out = StringIO()
    writer = csv.writer(out)
    writer.writerow(COLUMNS)
    for part in parts:
        writer.writerow([_plain(str(part.get(name, ""))) for name in COLUMNS])
    return "\ufeff" + out.getvalue()


def _plain(text: str) -> str:
    return f"'{text}" if text.startswith(_FORMULA) else text


def _back(text: str) -> str:
    text = text.strip()
    return text[1:] if text.startswith("'") and text[1:].startswith(_FORMULA) else text


def read(text: str) -> Table:
    """The lines that name a target; commas, semicolons or tabs, as the program wrote them."""
    text = text.lstrip("\ufeff").strip()
    heads = text.split("\n", 1)[0]
    delimiter = max((",", ";", "\t"), key=heads.count)
    reader = csv.DictReader(StringIO(text), delimiter=delimiter)
    if missing := {"site", "system", "code", "target_system", "target_code"} - set(reader.fieldnames or ()):
        return Table({}, (Problem(1, ", ".join(sorted(missing))),))
    rows: dict[str, list[Mapped]] = {}
    problems: list[Problem] = []
    for line, row in enumerate(reader, start=2):
        said = {name: _back(str(row.get(name) or "")) for name in COLUMNS}
        if line > MOST:
            return Table({}, (Problem(line, f"> {MOST}"),))
        if not said["target_code"]:
            continue
        table = table_of(said | {"kind": "code"}) if said["site"] else ""
        if not table or not said["target_system"]:
            problems.append(Problem(line, f"{said['site']} {said['system']} {said['code']}"))
            continue
        mapped = Mapped(table, said["code"], said["target_system"], said["target_code"], said["target_display"])
        rows.setdefault(said["site"], []).append(mapped)
    return Table({site: tuple(found) for site, found in rows.items()}, tuple(problems))
