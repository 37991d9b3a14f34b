"""
Traffic: how many messages are in which state, for the region and for each site, and how fast they go through. Pure.

https://openhim.org/docs/user-guide/transaction-log/ shows the same figures.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal

from hie.applications.administration.queues import SiteQueue
from hie.applications.administration.stacks import COLOURS, Series
from hie.ui import N_, Option
from hie.ui.parts import Tone

STATE_WORDS = {
    "pending": N_("待处理"),
    "committed": N_("已入库"),
    "kept": N_("已保存未翻译"),
    "dead": N_("死信"),
    "quarantined": N_("隔离"),
    "rejected": N_("已拒收"),
    "paused": N_("已暂停"),
}
STATE_TONES: Mapping[str, Tone] = {
    "pending": "info", "committed": "good", "kept": "", "dead": "bad", "quarantined": "warn", "rejected": "warn",
    "paused": "warn",
}  # fmt: skip
STATE_OPTIONS = tuple(Option(state, text) for state, text in STATE_WORDS.items())


@dataclass(frozen=True, slots=True)
class Share:
    """What failed of all that came, in a span of time."""

    failed: int
    received: int

    @property
    def rate(self) -> Decimal | None:
        """Between 0 and 1; None where nothing came."""
        return min(Decimal(self.failed) / self.received, Decimal(1)) if self.received else None


@dataclass(frozen=True, slots=True)
class SiteTraffic:
    """One line of the table of sites: its last hour by minute, its queue, its failures today and in seven days."""

    site: str
    name: str
    minutes: Sequence[int]
    queue: SiteQueue
    today: Share
    week: Share

    @property
    def hour(self) -> int:
        """Messages of the last sixty minutes."""
        return sum(self.minutes)


def lines(
    sites: Iterable[str], names: Mapping[str, str], minutes: Mapping[str, Sequence[int]],
    queues: Mapping[str, SiteQueue], today: Mapping[str, Share], week: Mapping[str, Share],
) -> list[SiteTraffic]:  # fmt: skip
    """The sites, those with most failures of today first, then the busiest."""
    nothing = Share(0, 0)
    rows = [
        SiteTraffic(one, names.get(one, ""), minutes.get(one, (0,) * 60), queues.get(one, SiteQueue()),
                    today.get(one, nothing), week.get(one, nothing))
        for one in sites
    ]  # fmt: skip
    return sorted(rows, key=lambda row: (-row.today.failed, -row.hour, -row.week.received, row.site))


def shares(failed: Mapping[str, int], received: Mapping[str, int]) -> dict[str, Share]:
    """By site."""
    return {one: Share(failed.get(one, 0), received.get(one, 0)) for one in failed.keys() | received.keys()}


def minute_by_minute(counts: Mapping[datetime, Mapping[str, int]], start: datetime) -> dict[str, list[int]]:
    """The sixty minutes from `start` on, by site, the oldest first."""
    found: dict[str, list[int]] = {}
    for at, sites in counts.items():
        place = int((at - start).total_seconds() // 60)
        for site, n in sites.items() if 0 <= place < 60 else ():
            found.setdefault(site, [0] * 60)[place] += n
    return found


def stacked(minutes: Mapping[str, Sequence[int]], names: Mapping[str, str], rest: str) -> list[Series]:
    """The busiest sites one by one, and all others as one."""
    order = sorted(minutes, key=lambda site: (-sum(minutes[site]), site))
    shown = order if len(order) <= len(COLOURS) else order[: len(COLOURS) - 1]
    series = [Series(names.get(site) or site, minutes[site]) for site in shown]
    if others := order[len(shown) :]:
        series.append(Series(rest, [sum(column) for column in zip(*(minutes[one] for one in others), strict=True)]))
    return series


def waited(seconds: float) -> tuple[str, int]:
    """An age as a unit and a number: the unit is a template of one number."""
    if seconds < 120:
        return N_("%(n)s 秒"), int(seconds)
    if seconds < 7200:
        return N_("%(n)s 分钟"), int(seconds // 60)
    return N_("%(n)s 小时"), int(seconds // 3600)


def since(now: datetime) -> Callable[[datetime], tuple[str, int]]:
    """For templates: how long ago a moment was, as `waited` says it."""
    return lambda moment: waited(max((now - moment).total_seconds(), 0.0))
