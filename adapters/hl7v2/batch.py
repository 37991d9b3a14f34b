"""
Batches: files and frames that hold many messages, between FHS/BHS and BTS/FTS; and the batch that answers one.

HL7 v2 chapter 2.10.3 (2.10.3.3: acknowledging batches)
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime

from adapters.hl7v2.charset import start
from adapters.hl7v2.message import Finding

_HEADERS = (b"FHS", b"BHS")
_ENDS = {b"BTS": b"BHS", b"FTS": b"FHS"}
# One line end before it is enough to look for: runs of them, searched from each of their places, take the square.
_SEGMENT = re.compile(rb"(?:^|[\r\n])(?=(?:MSH|FHS|BHS|BTS|FTS)[^\w\s])")
_CONTROLS = re.compile(r"[\x00-\x1f\x7f-\x9f]")
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
    """Where the counts of BTS-1 and FTS-1 are not those of the messages and batches between, or an end is missing."""
    messages = batches = 0
    opened: list[bytes] = []
    found: list[Finding] = []
    for part in _parts(raw[start(raw) :]):
        name = part[:3]
        if name in _HEADERS:
            opened.append(name)
        elif name in _ENDS:
            opened = [one for one in opened if one != _ENDS[name]]
        if name == b"MSH":
            messages += 1
        elif name == b"BTS":
            batches += 1
            found += _compare("BTS^1^1", part, messages)
            messages = 0
        elif name == b"FTS":
            found += _compare("FTS^1^1", part, batches)
    missing = [end.decode() for end, begin in _ENDS.items() if begin in opened]
    return (*found, *(Finding(end, "100", f"{end} is missing: the end may not have come.") for end in missing))


def _compare(location: str, segment: bytes, counted: int) -> list[Finding]:
    stated = re.split(rb"[\r\n]", segment, maxsplit=1)[0].split(segment[3:4])[1].strip()
    if not stated.isdigit() or int(stated) == counted:
        return []
    return [Finding(location, "102", f"The count says {int(stated)}; {counted} came.")]


@dataclass(frozen=True, slots=True)
class Batch:
    """
    A frame as it was sent: its messages in order, each with the control id of its batch (BHS-11, else FHS-11).

    `enveloped`: FHS or BHS stand around them, and the answer is a batch as well.
    """

    raw: bytes
    messages: tuple[bytes, ...]
    names: tuple[str, ...]
    enveloped: bool
    findings: tuple[Finding, ...] = ()


def read(raw: bytes) -> Batch:
    """Divide a frame; what is no batch is its only message."""
    begin = start(raw)
    messages = tuple(split(raw))
    if not raw.startswith(_HEADERS, begin):
        return Batch(raw, messages, ("",) * len(messages), enveloped=False)
    names, name = [], ""
    for part in _parts(raw[begin:]):
        if part.startswith(_HEADERS):
            name = _fields(part)[10].strip() or name
        elif part.startswith(b"MSH"):
            names.append(name)
    messages = tuple(part for part in messages if part.startswith(b"MSH", start(part)))
    return Batch(raw, messages, tuple(names), enveloped=True, findings=findings(raw))


def respond(batch: Batch, answers: Sequence[bytes | None], clock: Callable[[], datetime]) -> bytes:
    """
    The batch that answers a batch: FHS and BHS with the parties changed and the control ids referred to, the answer of
    each message, and what does not add up as the comment of BTS or FTS.
    """
    told, segments = iter(answers), list[bytes]()
    trailer = _Trailers()
    for part in _parts(batch.raw[start(batch.raw) :]):
        match part[:3]:
            case b"FHS" | b"BHS":
                segments += [*trailer.close(part[:3]), _header(part, clock)]
                trailer.open(part)
            case b"MSH":
                trailer.messages += 1
                answer = next(told, None)
                trailer.answered += answer is not None
                segments.append(answer or b"")
            case b"BTS" | b"FTS":
                segments += trailer.end(part)
    return b"".join((*segments, *trailer.close(b"FHS")))


class _Trailers:
    """What is open, and how many it holds by now."""

    def __init__(self) -> None:
        self.messages = self.answered = self.batches = 0
        self._file = self._batch = b""

    def open(self, header: bytes) -> None:
        if header[:3] == b"FHS":
            self._file = header[3:4]
        else:
            self._batch = header[3:4]

    def close(self, coming: bytes) -> list[bytes]:
        """What was opened and never ended, where a header comes."""
        lines = [self._line(b"BTS")] if self._batch else []
        if coming == b"FHS" and self._file:
            lines.append(self._line(b"FTS"))
        return lines

    def end(self, trailer: bytes) -> list[bytes]:
        """A trailer that came is answered; of a file it ends an open batch as well."""
        name = trailer[:3]
        found = _compare(name.decode(), trailer, self.messages if name == b"BTS" else self.batches + bool(self._batch))
        comment = found[0].text if found else ""
        if name == b"BTS":
            return [self._line(b"BTS", comment)] if self._batch else []
        lines = [self._line(b"BTS")] if self._batch else []
        return [*lines, self._line(b"FTS", comment)] if self._file else lines

    def _line(self, name: bytes, comment: str = "") -> bytes:
        if name == b"BTS":
            separator, count, self._batch = self._batch, self.answered, b""
            self.batches += 1
            self.messages = self.answered = 0
        else:
            separator, count, self._file = self._file, self.batches, b""
            self.batches = 0
        return separator.join((name, str(count).encode(), comment.encode())).rstrip(separator) + b"\r"


def _header(part: bytes, clock: Callable[[], datetime]) -> bytes:
    """FHS or BHS of the answer: sender and receiver change places, FHS-12 or BHS-12 names what is answered."""
    line, codec = _line_of(part)
    sent = _fields(part)
    separator = line[3:4]
    now = clock().strftime("%Y%m%d%H%M%S%z")
    own = f"R{_CONTROLS.sub('', sent[10])}"[:20] if sent[10] else ""
    fields = [line[:3], sent[1], sent[4], sent[5], sent[2], sent[3], now, "", "", "", own, sent[10]]
    return (separator.join(_CONTROLS.sub("", one) for one in fields).rstrip(separator) + "\r").encode(codec, "replace")


def _fields(part: bytes) -> list[str]:
    """The segment's name, then field 2 onward (field 1 is the separator itself); twelve of them at least."""
    line, _ = _line_of(part)
    fields = line.split(line[3:4])
    return fields + [""] * (12 - len(fields))


def _line_of(part: bytes) -> tuple[str, str]:
    """The first line as text: a header of a batch names no character set."""
    line = re.split(rb"[\r\n]", part, maxsplit=1)[0]
    for codec in ("utf-8", "gb18030"):
        try:
            return line.decode(codec), codec
        except UnicodeDecodeError:
            continue
    return line.decode("latin-1"), "latin-1"
