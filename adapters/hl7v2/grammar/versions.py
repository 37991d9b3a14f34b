"""
Versions that have a grammar, and the nearest one for a version that has none.

HL7 table 0104
"""

from __future__ import annotations

import re

VERSIONS = ("2.1", "2.2", "2.3", "2.3.1", "2.4", "2.5", "2.5.1", "2.6", "2.7", "2.8", "2.8.1", "2.8.2")
# What most systems here speak when they do not say.
USUAL = "2.5.1"
_FORM = re.compile(r"2(\.\d{1,3}){0,3}")


def parts(version: str) -> tuple[int, ...]:
    """`2.5.1` as (2, 5, 1), for comparison; () when it is no version 2."""
    return tuple(map(int, version.split("."))) if _FORM.fullmatch(version) else ()


_KNOWN = tuple(map(parts, VERSIONS))


def nearest(version: str) -> str | None:
    """The version itself, else the last known one before it; the usual one for "", None when it is not 2.x."""
    if version in VERSIONS:
        return version
    if not version:
        return USUAL
    wanted = parts(version)
    if not wanted:
        return None
    return VERSIONS[max((at for at, known in enumerate(_KNOWN) if known <= wanted), default=0)]
