"""
Closed periods as documents: one head, and the rows behind it in parts small enough for one document.

Specification: region-1251 section 3: each rate stores numerator, denominator, query version and freeze time.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from decimal import Decimal
from typing import Any

from hie.indicators.indicator import Evidence, Indicator, Row, Value, Window

ROWS_A_PART = 10_000


def key(indicator: Indicator, window: Window) -> str:
    """A period is closed once for each version of a definition."""
    return f"{indicator.id}|{indicator.version}|{window.start.isoformat()}|{window.end.isoformat()}"


def documents(
    indicator: Indicator, window: Window, evidence: Evidence, now: datetime
) -> tuple[dict[str, Any], list[dict[str, Any]]]:
    """The head and the parts to insert."""
    period = key(indicator, window)
    rows = [
        [kind, row.reference, row.facility, str(row.amount), row.flag]
        for kind, found in (("n", evidence.numerator), ("d", evidence.denominator), ("x", evidence.excluded))
        for row in found
    ]
    head = {"_id": period, "at": now, "flags": list(evidence.flags), "rows": len(rows)}
    parts = [rows[start : start + ROWS_A_PART] for start in range(0, len(rows), ROWS_A_PART)]
    return head, [
        {"_id": f"{period}|{number}", "period": period, "part": number, "rows": part}
        for number, part in enumerate(parts)
    ]


def evidence(head: Mapping[str, Any], parts: Sequence[Mapping[str, Any]]) -> Evidence:
    """The rows as they were on the day of closing."""
    found: dict[str, list[Row]] = {"n": [], "d": [], "x": []}
    for part in parts:
        for kind, reference, facility, amount, flag in part["rows"]:
            found[kind].append(Row(reference, facility, Decimal(amount), flag))
    return Evidence(tuple(found["n"]), tuple(found["d"]), tuple(found["x"]), tuple(head["flags"]))


def closed(value: Value, moment: datetime | None) -> Value:
    """The value, marked with the time of its closing."""
    return replace(value, frozen=moment) if moment else value
