"""
NDJSON: one resource a line, every number and every escape as it was stored.

https://github.com/ndjson/ndjson-spec
"""

from __future__ import annotations

import zlib
from collections.abc import Iterable, Iterator

import msgspec

from records.stored import Json, Stored, encode

NDJSON = "application/fhir+ndjson"
SPELLINGS = frozenset({NDJSON, "application/ndjson", "ndjson"})
_LEVEL = 1


def one_line(text: bytes) -> bytes:
    """A stored JSON text without its line breaks; inside a string JSON has none, so nothing is lost."""
    if b"\n" not in text and b"\r" not in text:
        return text
    return msgspec.json.format(text, indent=-1)


def deletion(row: Stored) -> bytes:
    """A deleted resource as the line that says so: a transaction that would delete it."""
    entry: Json = {"request": {"method": "DELETE", "url": row.reference}}
    return encode({"resourceType": "Bundle", "type": "transaction", "entry": [entry]})


def pack(lines: Iterable[bytes]) -> bytes:
    """Lines as they are kept: each with its line break, deflated together."""
    return zlib.compress(b"".join(line + b"\n" for line in lines), _LEVEL)


def unpack(data: bytes) -> list[bytes]:
    """The lines again, without their line breaks."""
    return zlib.decompress(data).split(b"\n")[:-1]


class LineReader:
    """
    Lines out of a stream of bytes of any cut; a line longer than `longest` comes as its beginning, and `None` behind.

    What is held is never more than one line and one part of the stream.
    """

    def __init__(self, longest: int) -> None:
        self._longest = longest
        self._held = b""
        self._overlong = False

    def feed(self, part: bytes) -> Iterator[tuple[bytes, bool]]:
        """The lines that end in this part, each with whether it is whole."""
        *ended, rest = part.split(b"\n")
        for line in ended:
            yield self._end(line)
        self._hold(rest)

    def last(self) -> Iterator[tuple[bytes, bool]]:
        """What stands behind the last line break."""
        if self._held:
            yield self._end(b"")

    def _end(self, line: bytes) -> tuple[bytes, bool]:
        self._hold(line)
        found = self._held.rstrip(b"\r"), not self._overlong
        self._held, self._overlong = b"", False
        return found

    def _hold(self, part: bytes) -> None:
        room = self._longest - len(self._held)
        self._overlong = self._overlong or len(part) > room
        self._held += part[:room]
