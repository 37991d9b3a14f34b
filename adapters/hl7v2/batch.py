"""
Batches: files and frames that hold many messages, between FHS/BHS and BTS/FTS.

HL7 v2 chapter 2.10.3
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from adapters.hl7v2.charset import start
from adapters.hl7v2.message import Finding

_HEADERS = (b"FHS", b"BHS")
_SEGMENT = re.compile(rb"(?:^|[\r\n]+)(?=(?:MSH|FHS|BHS|BTS|FTS)[^\w\s])")
_MANY = re.compile(rb"[\r\n]MSH[^\w\s]")


def split(raw: bytes) -> list[bytes]:
    """
    The messages, each from its MSH on; what is no batch comes back whole and untouched, as the only one.

    Two messages in one frame without batch segments are divided as well: MSH begins nothing else.
    """
    begin = start(raw)
    if not raw.startswith((b"MSH", *_HEADERS), begin) or (
        raw.startswith(b"MSH", begin) and not _MANY.search(raw, begin)
    ):
        return [raw]
    messages = [part for part in _parts(raw[begin:]) if part.startswith(b"MSH")]
    return messages or [raw]


def _parts(body: bytes) -> Iterator[bytes]:
    starts = [found.end() for found in _SEGMENT.finditer(body)]
    for at, end in zip(starts, [*starts[1:], len(body)], strict=False):
        yield body[at:end]


def findings(raw: bytes) -> tuple[Finding, ...]:
    """Where the counts of BTS-1 and FTS-1 are not those of the messages and batches between."""
    messages = batches = 0
    found: list[Finding] = []
    for part in _parts(raw[start(raw) :]):
        name = part[:3]
        if name == b"MSH":
            messages += 1
        elif name == b"BTS":
            batches += 1
            found += _compare("BTS^1^1", part, messages)
            messages = 0
        elif name == b"FTS":
            found += _compare("FTS^1^1", part, batches)
    return tuple(found)


def _compare(location: str, segment: bytes, counted: int) -> list[Finding]:
    stated = re.split(rb"[\r\n]", segment, maxsplit=1)[0].split(segment[3:4])[1].strip()
    if not stated.isdigit() or int(stated) == counted:
        return []
    return [Finding(location, "102", f"The count says {int(stated)}; {counted} came.")]
