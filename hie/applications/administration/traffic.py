"""
Traffic: how many messages are in which state, for the region and for each site, and how fast they go through. Pure.

https://openhim.org/docs/user-guide/transaction-log/ shows the same figures.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from hie.exchange.journal_reading import STATES
from hie.ui import N_, Option
from hie.ui.charts import Point
from hie.ui.parts import Tone

STATE_WORDS = {
    "pending": N_("待处理"),
    "committed": N_("已入库"),
    "kept": N_("已保存未翻译"),
    "dead": N_("死信"),
    "quarantined": N_("隔离"),
    "rejected": N_("已拒收"),
}
STATE_TONES: Mapping[str, Tone] = {
    "pending": "info", "committed": "good", "kept": "", "dead": "bad", "quarantined": "warn", "rejected": "warn",
}  # fmt: skip
STATE_OPTIONS = tuple(Option(state, STATE_WORDS[state]) for state in STATES)
FAILED = ("dead", "rejected")


@dataclass(frozen=True, slots=True)
class SiteTraffic:
    """One line of the table of sites."""

    site: str
    name: str
    counts: Mapping[str, int]

    @property
    def total(self) -> int:
        return sum(self.counts.values())

    @property
    def failed(self) -> int:
        """Messages that did not get in."""
        return sum(self.counts.get(state, 0) for state in FAILED)

    @property
    def error_rate(self) -> Decimal | None:
        """Share of what failed, between 0 and 1; None where nothing came."""
        return Decimal(self.failed) / self.total if self.total else None


@dataclass(frozen=True, slots=True)
class Hour:
    """What came in the last sixty minutes, in steps of five, the oldest first, and how much of it is done."""

    labels: Sequence[str]
    received: Sequence[int]
    done: int

    @property
    def total(self) -> int:
        return sum(self.received)

    @property
    def points(self) -> list[Point]:
        """For the chart."""
        return [Point(label, n) for label, n in zip(self.labels, self.received, strict=True)]


def by_site(counts: Mapping[str, Any], names: Mapping[str, str]) -> list[SiteTraffic]:
    """The sites, those with most failures first."""
    rows = [SiteTraffic(site, names.get(site, ""), states) for site, states in counts["by_site"].items()]
    return sorted(rows, key=lambda row: (-row.failed, -row.total, row.site))


def waited(seconds: float) -> tuple[str, int]:
    """An age as a unit and a number: the unit is a template of one number."""
    if seconds < 120:
        return N_("%(n)s 秒"), int(seconds)
    if seconds < 7200:
        return N_("%(n)s 分钟"), int(seconds // 60)
    return N_("%(n)s 小时"), int(seconds // 3600)


def known_states(given: Iterable[str]) -> tuple[str, ...]:
    """Those that are states."""
    return tuple(one for one in given if one in STATES)
