"""
The module's indicator: how many of the cards that were due in a window were reported in time.

Specification: region-1251 section 6, PUB-04.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import datetime, timedelta
from decimal import Decimal

from hie.applications.fhir import ZONE
from hie.applications.public_health.card import CODED, Card, card_from
from hie.applications.public_health.rules import rules_on
from hie.indicators.engine import Collector, Source
from hie.indicators.indicator import Evidence, Row, Window

UNKNOWN_FACILITY = "unknown"
DISMISSED = "dismissed"


def collectors(clock: Callable[[], datetime]) -> Mapping[str, Collector]:
    """By indicator id."""

    async def timeliness(source: Source, window: Window) -> Evidence:
        return await report_timeliness(source, window, clock())

    return {"report-timeliness": timeliness}


async def report_timeliness(source: Source, window: Window, now: datetime) -> Evidence:
    """
    Above: reported by the due moment. Below: due in the window, and either reported or past its moment.

    What was dismissed did not have to be reported: it is excluded, and listed as that.
    """
    above: list[Row] = []
    below: list[Row] = []
    excluded: list[Row] = []
    for card in await _due_in(source, window):
        row = Row(f"Task/{card.id}", card.facility or UNKNOWN_FACILITY)
        if card.state == DISMISSED:
            excluded.append(Row(row.reference, row.facility, Decimal(1), DISMISSED))
        elif card.reported or card.due < now:
            below.append(row)
            if card.in_time:
                above.append(row)
    return Evidence(tuple(above), tuple(below), tuple(excluded))


async def _due_in(source: Source, window: Window) -> list[Card]:
    # R4 cannot search by the limit itself: a card is drafted no earlier than a limit before it is due, and no later
    # than the diagnosis may be old.
    rules = rules_on(window.start)
    before = timedelta(hours=max(rules["limit_hours"].values())) + timedelta(days=1)
    after = timedelta(days=rules["draft_within_days"] + 1)
    span = (
        ("authored-on", f"ge{(window.start - before).isoformat()}"),
        ("authored-on", f"lt{(window.end + after).isoformat()}"),
    )
    found = [card_from(task) for task in await source.all("Task", CODED, *span)]
    return [card for card in found if window.holds(card.due.astimezone(ZONE).date())]
