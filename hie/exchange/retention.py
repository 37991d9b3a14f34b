"""
Retention: how long the bytes of a message are kept, as dated rules with their sources; pure.

`data/retention.yaml` has the laws and the usual rules; a file of the same form in the data directory adds rules, also
for single sites. What waits, and what is dead, is never pruned.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from pathlib import Path
from typing import Any

import yaml

from hie.directory.senders import slug
from hie.errors import Unavailable

FILE = "retention.yaml"
USUAL = Path(__file__).parent / "data" / FILE
# States in which nothing more happens to a message by itself.
PRUNABLE = ("committed", "rejected", "kept")


@dataclass(frozen=True, slots=True)
class Law:
    """What holds from a day on; `least_days`: no rule may be shorter."""

    since: date
    says: str
    source: str
    least_days: int = 0


@dataclass(frozen=True, slots=True)
class Rule:
    """
    Messages in a state keep their bytes so many days; None: for good.

    With `site` those of one site; without, those of all sites that have no rule of their own.
    """

    since: date
    state: str
    days: int | None
    site: str = ""


@dataclass(frozen=True, slots=True)
class Retention:
    """Laws and rules of all days."""

    laws: tuple[Law, ...]
    rules: tuple[Rule, ...]

    def on(self, day: date) -> tuple[Rule, ...]:
        """The rules in force on a day: of each state and site the newest. Raises Unavailable where one is too short."""
        newest: dict[tuple[str, str], Rule] = {}
        for rule in sorted(self.rules, key=lambda one: one.since):
            if rule.since <= day:
                newest[rule.state, rule.site] = rule
        least = self.least(day)
        for rule in newest.values():
            if least is not None and rule.days is not None and rule.days < least.least_days:
                raise Unavailable(f"{rule.days} days are too short: at least {least.least_days}, {least.source}.")
        return tuple(newest.values())

    def least(self, day: date) -> Law | None:
        """The law that asks for the longest time on a day."""
        asking = [law for law in self.laws if law.since <= day and law.least_days]
        return max(asking, key=lambda law: (law.least_days, law.since), default=None)

    def own_sites(self, state: str, day: date) -> frozenset[str]:
        """The sites that have a rule of their own for a state."""
        return frozenset(rule.site for rule in self.on(day) if rule.state == state and rule.site)


def cutoff(rule: Rule, at: datetime) -> datetime | None:
    """Messages that came before this have had their time; None: never."""
    return None if rule.days is None else at - timedelta(days=rule.days)


def retention(data_dir: Path) -> Retention:
    """The usual rules and those of the deployment. Raises Unavailable with what is wrong."""
    files = [USUAL, *(file for file in (data_dir / FILE,) if file.is_file())]
    read = [_read(file) for file in files]
    return Retention(tuple(law for one in read for law in one.laws), tuple(rule for one in read for rule in one.rules))


def _read(file: Path) -> Retention:
    try:
        said = yaml.safe_load(file.read_text(encoding="utf-8")) or {}
        laws = _rows(said, "laws")
        return Retention(tuple(map(_law, laws)), tuple(map(_rule, _rows(said, "rules"))))
    except (OSError, yaml.YAMLError, KeyError, TypeError, ValueError) as error:
        raise Unavailable(f"{file.name} cannot be read: {type(error).__name__} {error}.") from error


def _rows(said: Mapping[str, Any], name: str) -> Sequence[Mapping[str, Any]]:
    found: Iterable[Mapping[str, Any]] = said.get(name) or ()
    return list(found)


def _law(row: Mapping[str, Any]) -> Law:
    return Law(_day(row["from"]), str(row["says"]).strip(), str(row["source"]), int(row.get("least_days", 0)))


def _rule(row: Mapping[str, Any]) -> Rule:
    state, days, site = row["state"], row["days"], str(row.get("site", ""))
    if state not in PRUNABLE:
        raise ValueError(f"{state} is no state whose bytes are pruned; {', '.join(PRUNABLE)} are")
    if days != "never" and (not isinstance(days, int) or days < 1):
        raise ValueError("days is a number from 1 on, or never")
    return Rule(_day(row["from"]), state, None if days == "never" else days, site_id(site) if site else "")


def _day(value: Any) -> date:
    if not isinstance(value, date):
        raise ValueError("from is a day, as 2026-01-01")
    return value


def site_id(text: str) -> str:
    """The id of a site: as it is, or of MSH-3|MSH-4."""
    return f"site-{slug(text)}" if "|" in text else text
