"""
HL7 times to FHIR: precision kept, offset kept, never a time without a zone.

Data types DT, TM, TS and DTM: https://build.fhir.org/ig/HL7/v2-to-fhir/ConceptMap-datatype-dtm-to-datetime.html
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta, timezone, tzinfo
from functools import lru_cache
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

_DTM = re.compile(
    r"(?P<year>\d{4})(?:(?P<month>\d\d)(?:(?P<day>\d\d)"
    r"(?:(?P<hour>\d\d)(?:(?P<minute>\d\d)(?:(?P<second>\d\d)(?:\.(?P<fraction>\d{1,9}))?)?)?)?)?)?(?P<zone>[+-]\d{4}|Z)?"
)
_TM = re.compile(r"(\d\d)(?:(\d\d)(?:(\d\d)(\.\d{1,9})?)?)?(?:[+-]\d{4})?")
_WRITTEN = re.compile(
    r"(\d{4})[-/](\d{1,2})[-/](\d{1,2})(?:[ T](\d{1,2}):(\d\d)(?::(\d\d)(\.\d+)?)?)?([+-]\d\d:?\d\d|Z)?"
)
_PARTS = ("year", "month", "day", "hour", "minute", "second")


def parse_offset(text: str) -> tzinfo | None:
    """`+0800` or `Z` as a zone."""
    if text == "Z":
        return UTC
    if not re.fullmatch(r"[+-]\d{4}", text) or int(text[1:3]) > 14 or int(text[3:]) > 59:
        return None
    minutes = int(text[1:3]) * 60 + int(text[3:])
    return timezone(timedelta(minutes=-minutes if text[0] == "-" else minutes))


def _compact(text: str) -> str:
    """`2024-01-05 10:20:30`, which HL7 does not allow and senders write, as `20240105102030`."""
    match = _WRITTEN.fullmatch(text)
    if match is None:
        return text
    year, month, day, hour, minute, second, fraction, zone = match.groups(default="")
    clock = hour.zfill(2) + minute + second + fraction if hour else ""
    return year + month.zfill(2) + day.zfill(2) + clock + zone.replace(":", "")


@dataclass(frozen=True, slots=True)
class Reading:
    """A time as sent: how precisely, and when; `when` always has a zone if there is an hour."""

    parts: int  # 1 year .. 6 second
    when: datetime
    zoned: bool
    fraction: str = ""

    def date(self) -> str:
        """FHIR date: no more than the day."""
        return self.when.date().isoformat()[: (4, 7, 10)[min(self.parts, 3) - 1]]

    def date_time(self) -> str:
        """FHIR dateTime; an hour without any zone is a date, since nobody can say which instant it was."""
        if self.parts <= 3 or not self.zoned:
            return self.date()
        offset = self.when.replace(microsecond=0).isoformat()[19:25]
        return self.when.isoformat()[:19] + (f".{self.fraction}" if self.fraction else "") + offset


@lru_cache(maxsize=4096)
def _read(text: str, usual: tzinfo | None) -> Reading | None:
    # The results of one specimen name one time.
    match = _DTM.fullmatch(_compact(text.strip()))
    if match is None:
        return None
    present = [int(match[part]) for part in _PARTS if match[part] is not None]
    numbers = present + [1] * max(0, 3 - len(present))
    zone = parse_offset(match["zone"]) if match["zone"] else usual
    fraction = match["fraction"] or ""
    try:
        when = datetime(*numbers, microsecond=int(fraction[:6].ljust(6, "0") or 0), tzinfo=zone or UTC)  # type: ignore[arg-type,misc]
    except ValueError:
        return None
    return Reading(len(present), _in_minutes(when), zone is not None, fraction)


@dataclass(frozen=True, slots=True)
class Times:
    """Reads times of one message: zone from the value, else from MSH-7, else from the site."""

    offset: tzinfo | None = None
    site_zone: tzinfo | None = None

    @classmethod
    def of(cls, message_time: str, zone: str) -> Times:
        """`message_time` is MSH-7, `zone` the site's IANA zone name ("" when none is configured)."""
        match = _DTM.fullmatch(_compact(message_time.strip()))
        return cls(parse_offset(match["zone"]) if match and match["zone"] else None, _zone(zone))

    def read(self, text: str) -> Reading | None:
        """None when the text is no time of this calendar."""
        return _read(text, self.offset or self.site_zone)

    def date_time(self, text: str) -> str:
        """FHIR dateTime, "" when unreadable."""
        reading = self.read(text)
        return reading.date_time() if reading else ""

    def date(self, text: str) -> str:
        """FHIR date, "" when unreadable."""
        reading = self.read(text)
        return reading.date() if reading else ""

    def instant(self, text: str) -> str:
        """FHIR instant: only of what has at least hours and minutes and a zone."""
        reading = self.read(text)
        return reading.date_time() if reading and reading.parts >= 5 and reading.zoned else ""

    def moment(self, text: str) -> datetime | None:
        """A comparable point in time, None when unreadable."""
        reading = self.read(text)
        return reading.when if reading else None


def _in_minutes(when: datetime) -> datetime:
    """Offsets of local mean time, before 1901, have seconds: FHIR has no room for them."""
    offset = when.utcoffset() or timedelta()
    seconds = int(offset.total_seconds()) % 60
    return when.replace(tzinfo=timezone(offset - timedelta(seconds=seconds))) if seconds else when


def _zone(name: str) -> tzinfo | None:
    try:
        return ZoneInfo(name) if name else None
    except (ZoneInfoNotFoundError, ValueError):
        return None


def time_of_day(text: str) -> str:
    """HL7 TM as FHIR time, "" when unreadable; FHIR wants the seconds."""
    match = _TM.fullmatch(text.strip())
    if match is None:
        return ""
    hour, minute, second, fraction = match.groups(default="")
    if int(hour) > 23 or int(minute or 0) > 59 or int(second or 0) > 59:
        return ""
    return f"{hour}:{minute or '00'}:{second or '00'}{fraction}"


def as_datetime(text: str) -> datetime | None:
    """A FHIR date or dateTime as a comparable point in time; what is not said counts from the start, in UTC."""
    try:
        if len(text) > 10:
            return datetime.fromisoformat(text)
        year, month, day = (*map(int, text.split("-")), 1, 1)[:3]
        start = date(year, month, day)
    except ValueError:
        return None
    return datetime(start.year, start.month, start.day, tzinfo=UTC)
