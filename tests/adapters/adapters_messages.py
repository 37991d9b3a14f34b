"""Messages for the tests of the HL7 v2 parser and of MLLP; sample files as they were sent."""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

from adapters.hl7v2.message import Message
from adapters.hl7v2.parser import parse
from adapters.hl7v2.site import Site

SITE = Site("site-a", authority="urn:hie:authority:A")
NOW = datetime(2026, 1, 1, 4, 0, 0, tzinfo=UTC)
PID = "PID|1||L1^^^H01^MR||王^晓梅||19850612|F"
PV1 = "PV1|1|I|W1^^1"


def clock() -> datetime:
    return NOW


def header(
    kind: str = "ADT^A01^ADT_A01", *, control: str = "C1", version: str = "2.5.1", charset: str = "",
    processing: str = "P", sender: str = "HIS|H01", accept: str = "", application: str = "",
) -> str:  # fmt: skip
    return (
        f"MSH|^~\\&|{sender}|HIE|ZIBO|20260101120000||{kind}|{control}|{processing}|{version}"
        f"|||{accept}|{application}||{charset}"
    )


def message(*lines: str, codec: str = "utf-8", end: str = "\r") -> bytes:
    return (end.join(lines) + end).encode(codec)


def admission(**fields: str) -> bytes:
    return message(header(**fields), "EVN||20260101120000", PID, PV1)


def read(*lines: str, site: Site = SITE) -> Message:
    return parse(message(*lines), site=site)


def samples(folder: Path) -> Iterator[tuple[str, bytes]]:
    """Every sample message with its file name, as it stands in the file; comments between messages left out."""
    for path in sorted(folder.rglob("*")):
        if not path.is_file() or path.name == "LICENSE":
            continue
        for body in re.split(rb"[\r\n\x0b\x1c]+(?=MSH\|)", path.read_bytes().lstrip(b"\x0b")):
            lines = re.findall(rb"[A-Z][A-Z0-9]{2}\|[^\r\n\x1c]*[\r\n]*", body)
            if lines and b"MSH|" in body[:8]:
                yield path.name, b"".join(lines)
