"""
Thresholds of medicine and law as data: dated versions of a rule set, chosen by the day they are applied to.

Specification: region-1251, rule for the whole project.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from functools import cache
from importlib.resources import files
from typing import Any


@dataclass(frozen=True, slots=True)
class Rules:
    """One version of a rule set. `verified` is True only where the original text was read."""

    rule_set: str
    version: str
    valid_from: date
    source: str
    verified: bool
    values: Mapping[str, Any]

    def __getitem__(self, name: str) -> Any:
        return self.values[name]


@dataclass(frozen=True, slots=True)
class RuleBook:
    """All versions of one rule set, oldest first."""

    versions: tuple[Rules, ...]

    def at(self, day: date) -> Rules:
        """The version in force on a day; the oldest one for days before all of them."""
        in_force = [rules for rules in self.versions if rules.valid_from <= day]
        return in_force[-1] if in_force else self.versions[0]

    def named(self, version: str) -> Rules | None:
        """The version that a decision of the past names."""
        return next((rules for rules in self.versions if rules.version == version), None)


@cache
def rule_book(module: str, name: str) -> RuleBook:
    """The rule book `rules/NAME.json` of an application module such as `primary_care`."""
    text = files(f"hie.applications.{module}").joinpath("rules", f"{name}.json").read_text(encoding="utf-8")
    raw = json.loads(text)
    versions = (_version(raw["rule_set"], row) for row in raw["versions"])
    return RuleBook(tuple(sorted(versions, key=lambda rules: rules.valid_from)))


def _version(rule_set: str, row: Mapping[str, Any]) -> Rules:
    start = date.fromisoformat(row["valid_from"])
    return Rules(rule_set, row["version"], start, row["source"], row["verified"], row["values"])
