"""
The table: every row from the capability statement, the tests that passed, and the settings; no cell by hand.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import yaml

from hie.settings import Settings
from tests.features.evidence import named

Offered = Literal["yes", "partly", "no"]
ROWS = Path(__file__).with_name("rows.yaml")
HEAD = """# What the FHIR server does

Written by `python -m tests.features --write docs/fhir/features.md`: what is offered is what the capability statement
says, and what shows it are tests that passed when this was written. The rows are in `tests/features/rows.yaml`.
"""


@dataclass(frozen=True, slots=True)
class Row:
    """One feature: the claims it needs, the tests that show it, the settings that limit it."""

    section: str
    feature: str
    says: tuple[str, ...] = ()
    shown: tuple[str, ...] = ()
    limits: tuple[str, ...] = ()

    @property
    def tests(self) -> list[str]:
        return named(self.shown)

    def offered(self, claims: Collection[str], tests: Collection[str]) -> Offered:
        """Yes where every claim is made and a test shows it; no where neither is."""
        made = [one in claims for one in self.says]
        if all(made) and tests:
            return "yes"
        return "partly" if any(made) else "no"


def rows() -> list[Row]:
    """The rows in their order."""
    return [
        Row(section, feature, *(tuple(row.get(name, ())) for name in ("says", "shown", "limits")))
        for section, features in yaml.safe_load(ROWS.read_text()).items()
        for feature, row in features.items()
    ]


def written(claims: Collection[str], passed: Collection[str]) -> str:
    """The page."""
    return HEAD + "".join(_lines(claims, passed))


def _lines(claims: Collection[str], passed: Collection[str]) -> Iterator[str]:
    section = ""
    for row in rows():
        if row.section != section:
            section = row.section
            yield f"\n## {section}\n\n| feature | offered | tests | limits |\n|---|---|---|---|\n"
        tests = [one for one in row.tests if one in passed]
        yield f"| {row.feature} | {row.offered(claims, tests)} | {_shown(tests)} | {_limits(row.limits)} |\n"


def _shown(tests: list[str]) -> str:
    files = Counter(one.partition("::")[0] for one in tests)
    return ", ".join(f"{count} in `tests/{file}`" for file, count in files.items())


def _limits(names: tuple[str, ...]) -> str:
    return "; ".join(f"`HIE_{name.upper()}` ({_default(name)})" for name in names)


def _default(name: str) -> str:
    value = Settings.model_fields[name].default
    return f"{value:,}" if isinstance(value, int) else str(value) or "none"


def read(page: str) -> dict[str, tuple[str, dict[str, int]]]:
    """A written page back: what is offered of each feature, and the number of tests by file."""
    found = {}
    for line in page.splitlines():
        cells = [one.strip() for one in line.strip("|").split(" | ")]
        if line.startswith("| ") and len(cells) >= 3 and cells[0] != "feature":
            shown = (one.partition(" in ") for one in cells[2].split(", ") if one)
            found[cells[0]] = (cells[1], {file.strip("`"): int(count) for count, _, file in shown})
    return found
