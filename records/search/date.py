"""
date: every value is a span of time, compared with the span that the search names.

https://hl7.org/fhir/R4/search.html#date
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from functools import lru_cache
from typing import Any, NamedTuple
from zoneinfo import ZoneInfo

from records.errors import UnknownParameter
from records.search import ranges
from records.search.extract import Value
from records.search.key import END, START, TAIL, Condition, between, both, either
from records.search.values import plain, prefixed
from records.stored import Json

# A day written without a zone is a day of the region.
ZONE = ZoneInfo("Asia/Shanghai")
FIRST, LAST = "0001-01-01T00:00:00.000", "9999-12-31T23:59:59.999"
TICK = timedelta(milliseconds=1)
_PATTERN = re.compile(
    r"^(?P<year>\d{4})(?:-(?P<month>\d\d)(?:-(?P<day>\d\d)"
    r"(?:T(?P<hour>\d\d):(?P<minute>\d\d)(?::(?P<second>\d\d)(?:\.(?P<part>\d+))?)?(?P<zone>Z|[+-]\d\d:\d\d)?)?)?)?$"
)


class Span(NamedTuple):
    """First and last millisecond in UTC, as texts that sort by time."""

    start: str
    end: str


@lru_cache(maxsize=8192)
def span(text: str) -> Span | None:
    """The time that a FHIR date, dateTime or instant of any precision covers; None where it is none."""
    found = _PATTERN.match(text.replace(" ", "+"))
    if found is None:
        return None
    try:
        start = _start(found)
    except ValueError:
        return None
    try:
        return Span(stamp(start), stamp(_next(found, start) - TICK))
    except (ValueError, OverflowError):
        # It reaches to the end of what can be told.
        return Span(stamp(start), LAST)


def _next(found: re.Match[str], start: datetime) -> datetime:
    """Where the next span of the same precision begins."""
    if found["month"] is None:
        return start.replace(year=start.year + 1)
    length = _length(found)
    return _next_month(start) if length is None else start + length


def _start(found: re.Match[str]) -> datetime:
    zone: Any = ZONE if found["zone"] is None else datetime.fromisoformat("2000-01-01T00:00:00" + found["zone"]).tzinfo
    microsecond = int(((found["part"] or "") + "000000")[:6])
    numbers = (found["month"] or 1, found["day"] or 1, found["hour"] or 0, found["minute"] or 0, found["second"] or 0)
    month, day, hour, minute, second = map(int, numbers)
    # A leap second is counted with the second before it.
    return datetime(int(found["year"]), month, day, hour, minute, min(second, 59), microsecond, zone)


def _length(found: re.Match[str]) -> timedelta | None:
    if found["day"] is None:
        return None
    if found["hour"] is None:
        return timedelta(days=1)
    if found["second"] is None:
        return timedelta(minutes=1)
    return TICK if found["part"] else timedelta(seconds=1)


def _next_month(start: datetime) -> datetime:
    return start.replace(year=start.year + start.month // 12, month=start.month % 12 + 1)


def stamp(at: datetime) -> str:
    """UTC with milliseconds, of one length for all years."""
    try:
        at = at.astimezone(UTC)
    except OverflowError:
        at = at.replace(tzinfo=UTC)
    return f"{at.year:04d}-{at.month:02d}-{at.day:02d}T{at:%H:%M:%S}.{at.microsecond // 1000:03d}"


def spans(found: Value) -> Iterator[Span]:
    """The spans of a date, dateTime, instant, Period or Timing."""
    value: Any = found.value
    if isinstance(value, str):
        if known := span(value):
            yield known
    elif isinstance(value, dict) and ("start" in value or "end" in value):
        start, end = span(str(value.get("start", ""))), span(str(value.get("end", "")))
        yield Span(start.start if start else FIRST, end.end if end else LAST)
    elif isinstance(value, dict):
        yield from _outer_limits(value)


def _outer_limits(timing: Json) -> Iterator[Span]:
    """Of a Timing only the first and the last moment matter."""
    bounds = timing.get("repeat", {}).get("boundsPeriod")
    within = [Value("dateTime", one) for one in timing.get("event", ())] + ([Value("Period", bounds)] if bounds else [])
    if found := [one for value in within for one in spans(value)]:
        yield Span(min(one.start for one in found), max(one.end for one in found))


def keys(name: str, found: Value) -> list[str]:
    """The keys of one value."""
    return [key for one in spans(found) for key in (f"{name}{START}{one.start}", f"{name}{END}{one.end}")]


def repeated_keys(name: str, found: Value) -> list[str]:
    """One more key for each value of an element that repeats: with both ends."""
    return [f"{name}{ranges.LOW}{one.start}{TAIL}{one.end}{TAIL}" for one in spans(found)]


def sort_value(found: Value) -> str | None:
    """The beginning."""
    return next((one.start for one in spans(found)), None)


def asked(value: str) -> tuple[str, Span]:
    """Prefix and span of a search value; `ap` is widened by a tenth of the distance from now."""
    prefix, text = prefixed(value)
    wanted = span(text)
    if wanted is None:
        raise UnknownParameter("A date is YYYY, YYYY-MM, YYYY-MM-DD or YYYY-MM-DDThh:mm:ss with a zone.")
    return prefix, _wider(wanted) if prefix == "ap" else wanted


def _wider(wanted: Span) -> Span:
    start, end = (datetime.fromisoformat(one).replace(tzinfo=UTC) for one in wanted)
    slack = abs(datetime.now(UTC) - start) / 10
    try:
        return Span(stamp(start - slack), stamp(end + slack))
    except OverflowError:
        return wanted


def query(name: str, modifier: str, value: str, *, repeats: bool = False) -> Condition:
    """The condition of one alternative; `repeats`: there may be several values, of which one has to match whole."""
    if modifier:
        raise UnknownParameter(f"The modifier :{modifier[:32]} is not for dates.")
    prefix, wanted = asked(plain(value))
    if repeats and prefix == "eq":
        return ranges.within(name, wanted.start, wanted.end, inclusive=True)
    if repeats and prefix == "ap":
        return ranges.overlapping(name, wanted.start, wanted.end)
    return compare(f"{name}{START}", f"{name}{END}", prefix, wanted)


def compare(start: str, end: str, prefix: str, wanted: Span) -> Condition:
    """Compare spans whose beginnings are keys behind `start` and whose ends are behind `end`."""
    inside = both([between(start, wanted.start, wanted.end), between(end, wanted.start, wanted.end)])
    later = between(end, wanted.end, None, above=True)
    earlier = between(start, None, wanted.start, below=True)
    match prefix:
        case "eq":
            return inside
        case "ne":
            return either([earlier, later])
        case "gt":
            return later
        case "lt":
            return earlier
        case "ge":
            return either([between(start, wanted.start, None), later])
        case "le":
            return either([between(end, None, wanted.end), earlier])
        case "sa":
            return between(start, wanted.end, None, above=True)
        case "eb":
            return between(end, None, wanted.start, below=True)
        case _:
            return both([between(start, None, wanted.end), between(end, wanted.start, None)])
