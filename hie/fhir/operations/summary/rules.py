"""
What a summary takes in: dated rule data, read once; the version in force on a day.

https://hl7.org/fhir/uv/ips/Generation-and-Data-Inclusion.html
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, timedelta
from functools import cache
from importlib.resources import files
from typing import Any


@dataclass(frozen=True, slots=True)
class Source:
    """
    One search that fills a section. `read` rows are looked at, newest first, at most `each` of a code and `limit` in
    all are taken; `since` are days back by search parameter; `keep` are values of plain elements.
    """

    type: str
    about: str
    sort: str
    limit: int
    read: int
    each: int
    where: Mapping[str, str]
    since: Mapping[str, int]
    keep: Mapping[str, frozenset[str]]

    def params(self, patients: tuple[str, ...], today: date) -> tuple[tuple[str, str], ...]:
        """The search parameters for these source Patients."""
        named = ",".join(f"Patient/{one}" for one in patients)
        windows = ((name, f"ge{(today - timedelta(days=days)).isoformat()}") for name, days in self.since.items())
        shape = (("_sort", self.sort), ("_count", str(self.read)), ("_total", "none"))
        return ((self.about, named), *self.where.items(), *windows, *shape)


@dataclass(frozen=True, slots=True)
class Section:
    """One section; `use` is required, recommended (both are there when empty too) or optional."""

    key: str
    use: str
    code: str
    display: str
    sources: tuple[Source, ...]


@dataclass(frozen=True, slots=True)
class Rules:
    """One version of the rule set."""

    version: str
    valid_from: date
    source: str
    verified: bool
    values: Mapping[str, Any]
    sections: tuple[Section, ...]

    def __getitem__(self, name: str) -> Any:
        return self.values[name]


def rules(day: date) -> Rules:
    """The version in force; the oldest one for days before all of them."""
    versions = _versions()
    in_force = [one for one in versions if one.valid_from <= day]
    return in_force[-1] if in_force else versions[0]


@cache
def _versions() -> tuple[Rules, ...]:
    raw = json.loads(files(__package__).joinpath("rules.json").read_text("utf-8"))
    return tuple(sorted(map(_version, raw["versions"]), key=lambda one: one.valid_from))


def _version(row: Mapping[str, Any]) -> Rules:
    start = date.fromisoformat(row["valid_from"])
    return Rules(row["version"], start, row["source"], row["verified"], row, tuple(map(_section, row["sections"])))


def _section(row: Mapping[str, Any]) -> Section:
    return Section(row["key"], row["use"], row["code"], row["display"], tuple(map(_source, row["sources"])))


def _source(row: Mapping[str, Any]) -> Source:
    limit = row["limit"]
    keep = {name: frozenset(values) for name, values in row.get("keep", {}).items()}
    return Source(
        row["type"], row["about"], row["sort"], limit, row.get("read", limit), row.get("each", limit),
        row.get("where", {}), row.get("since", {}), keep,
    )  # fmt: skip
