"""
How dates, numbers and senders' words are shown: by Babel, in the page's language, in the region's time.

https://hl7.org/fhir/R4/datatypes.html#dateTime
"""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import UTC, date, datetime
from decimal import Decimal, InvalidOperation
from typing import Any
from zoneinfo import ZoneInfo

from babel.dates import format_date, format_datetime, format_skeleton
from babel.numbers import format_decimal, format_percent
from markupsafe import Markup, escape

from hie.ui.i18n import LOCALES, SOURCE

ZONE = ZoneInfo("Asia/Shanghai")
HAN = re.compile(r"[\u3400-\u9fff\U00020000-\U0003ffff]")
MOMENT = {"zh-CN": "y年M月d日 HH:mm", "en": "d MMM y, HH:mm"}
When = str | date | datetime | None


def filters(language: str) -> dict[str, Callable[..., Any]]:
    """The filters of one language's pages."""
    locale = LOCALES[language]
    return {
        "day": lambda value: day(value, locale),
        "moment": lambda value: moment(value, language),
        "number": lambda value: number(value, locale),
        "percent": lambda value: "" if value is None else format_percent(value, "#,##0.#%", locale=locale),
        "age": age,
        "iso": iso,
        "masked": masked,
        "zh": lambda value: zh(value, language),
    }


def day(value: When, locale: str) -> str:
    """A date in words; a FHIR date of a year or month alone stays one."""
    if isinstance(value, str) and len(value) == 4:
        return format_skeleton("y", date(int(value), 1, 1), locale=locale)
    if isinstance(value, str) and len(value) == 7:
        return format_skeleton("yMMM", date(int(value[:4]), int(value[5:]), 1), locale=locale)
    found = _date(value)
    return format_date(found, "medium", locale=locale) if found else ""


def moment(value: When, language: str) -> str:
    """A date and time of day; a date alone stays one."""
    if isinstance(value, datetime) or (isinstance(value, str) and "T" in value):
        return format_datetime(_local(value), MOMENT[language], locale=LOCALES[language])
    return day(value, LOCALES[language])


def number(value: Any, locale: str) -> str:
    """A number with the decimals it was given with: 1.50 stays 1.50."""
    if value is None or value == "":
        return ""
    try:
        exact = value if isinstance(value, Decimal) else Decimal(str(value))
    except InvalidOperation:
        return str(value)
    exponent = exact.as_tuple().exponent
    places = -exponent if isinstance(exponent, int) and exponent < 0 else 0
    return format_decimal(exact, "#,##0" + ("." + "0" * places if places else ""), locale=locale)


def age(born: When, today: date | None = None) -> str:
    """Full years since birth."""
    start = _date(born)
    if start is None:
        return ""
    end = today or datetime.now(ZONE).date()
    return str(end.year - start.year - ((end.month, end.day) < (start.month, start.day)))


def iso(value: When) -> str:
    """For the datetime attribute of `time`."""
    return value.isoformat() if isinstance(value, date) else value or ""


def masked(value: str | None) -> str:
    """An ID or telephone number with its middle hidden: 3703**********1224."""
    text = value or ""
    kept = 4 if len(text) > 11 else 2
    return text[:kept] + "*" * max(len(text) - 2 * kept, 3) + text[-kept:] if len(text) > 4 else "*" * len(text)


def zh(value: Any, language: str) -> Any:
    """A sender's words; on a page of another language they say that they are Chinese."""
    if value is None:
        return ""
    if language == SOURCE or not HAN.search(str(value)):
        return value
    return Markup('<span lang="zh-CN">{}</span>').format(escape(value))


def _date(value: When) -> date | None:
    if isinstance(value, datetime):
        return value.astimezone(ZONE).date()
    if isinstance(value, str) and "T" in value:
        return _local(value).date()
    if isinstance(value, str):
        padded = f"{value}-01-01"[:10] if len(value) == 4 else f"{value}-01"[:10]
        return date.fromisoformat(padded) if value else None
    return value


def _local(value: str | datetime) -> datetime:
    moment_ = datetime.fromisoformat(value) if isinstance(value, str) else value
    return (moment_ if moment_.tzinfo else moment_.replace(tzinfo=UTC)).astimezone(ZONE)
