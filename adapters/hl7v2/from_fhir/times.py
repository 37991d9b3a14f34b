"""
FHIR date, dateTime and instant to DTM: precision and offset kept.

https://build.fhir.org/ig/HL7/v2-to-fhir/ConceptMap-datatype-dtm-to-datetime.html, read backwards
"""

from __future__ import annotations

import re

_WRITTEN = re.compile(
    r"(\d{4})(?:-(\d\d)(?:-(\d\d)(?:T(\d\d):(\d\d)(?::(\d\d)(\.\d+)?)?(Z|[+-]\d\d:\d\d)?)?)?)?"
)


def dtm(text: str) -> str:
    """`2026-01-05T08:00:00.25+08:00` as `20260105080000.25+0800`; "" for what is no time. Four digits of a second."""
    match = _WRITTEN.fullmatch(text.strip())
    if match is None:
        return ""
    year, month, day, hour, minute, second, fraction, zone = match.groups(default="")
    offset = "+0000" if zone == "Z" else zone.replace(":", "")
    return year + month + day + hour + minute + second + fraction[:5] + offset


def day(text: str) -> str:
    """The date alone."""
    return dtm(text[:10])


def time_of_day(text: str) -> str:
    """A FHIR time as TM."""
    return text.replace(":", "")[:11]
