"""
Frames in a stream of bytes: pure, whatever way the stream is cut into reads.

A frame begins with 0x0B and ends with 0x1C followed by 0x0D. Neither byte is part of a character in UTF-8, GB18030,
Big5 or the ISO 8859 sets. HL7 v2 Transport Specification: MLLP, release 1
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field

START, END, RETURN = b"\x0b", b"\x1c", b"\x0d"
TRUNCATED, NOISE = "truncated", "noise"
# Some senders leave out the carriage return after the end byte. A start byte inside a frame may be a vertical tabulator
# of a word processor, unless a message begins there.
_FINISH = re.compile(rb"\x1c(?=[\x0d\x0b])|\x0b(?=(?:MSH|FHS|BHS)[^\w\s])")
# Bytes that the expression may have to see again when more have come.
_LOOK_BACK = 5
# What came outside of frames is kept up to this; the rest is counted.
KEPT_NOISE = 65_536


@dataclass(frozen=True, slots=True)
class Frame:
    """
    What came between start and end.

    `total` bytes were sent; `data` has them, or their beginning when there were more than the listener keeps.
    `truncated`: more than the listener takes. `problem` is "truncated" when the frame never ended, "noise" where it
    is no frame at all: what came between frames. `connection` numbers the connections of a listener.
    """

    data: bytes
    truncated: bool = False
    total: int = 0
    peer: str = ""
    problem: str = ""
    connection: int = field(default=0, compare=False)


def wrap(message: bytes) -> bytes:
    """A message as a frame."""
    return START + message + END + RETURN


class Framer:
    """
    Takes bytes, gives frames.

    A frame of more than `max_bytes` is marked truncated; of one longer than `keep_bytes` only that much is kept.
    `noise` counts bytes outside of frames; the first of them are kept for `outside`.
    """

    def __init__(
        self, *, max_bytes: int = 16_000_000, keep_bytes: int = 64_000_000, peer: str = "", connection: int = 0
    ) -> None:
        self.max_bytes, self.keep_bytes, self.peer = max_bytes, max(max_bytes, keep_bytes), peer
        self.connection = connection
        self.noise = 0
        self._outside = bytearray()
        self._buffer = bytearray()
        self._inside = False
        self._dropped = 0
        self._searched = 0

    @property
    def inside(self) -> bool:
        """True while a frame is open."""
        return self._inside

    @property
    def pending(self) -> int:
        """Bytes of the open frame so far, kept or not."""
        return self._dropped + len(self._buffer) if self._inside else 0

    @property
    def ends_open(self) -> bool:
        """True when the last byte is an end byte: either its carriage return follows, or the sender never sends one."""
        return self._inside and self._buffer.endswith(END)

    def feed(self, chunk: bytes) -> list[Frame]:
        """Frames that are complete with this chunk."""
        self._buffer += chunk
        frames: list[Frame] = []
        while self._inside or self._enter():
            found = _FINISH.search(self._buffer, self._searched)
            if found is None:
                self._wait()
                break
            frames += self._finish(found.start())
        return frames

    def _enter(self) -> bool:
        at = self._buffer.find(START)
        skipped = len(self._buffer) if at < 0 else at
        # Line ends between frames are usual.
        if noise := skipped - sum(self._buffer.count(end, 0, skipped) for end in b"\r\n"):
            self.noise += noise
            self._outside += self._buffer[: min(skipped, max(KEPT_NOISE - len(self._outside), 0))]
        del self._buffer[: skipped + (at >= 0)]
        self._inside, self._searched = at >= 0, 0
        return self._inside

    def _wait(self) -> None:
        """Nothing ends here: remember where to look on, and let go of what is too much to keep."""
        surplus = len(self._buffer) - self.keep_bytes - _LOOK_BACK
        if surplus > 0:
            self._dropped += surplus
            del self._buffer[self.keep_bytes : -_LOOK_BACK]
        self._searched = max(0, len(self._buffer) - _LOOK_BACK)

    def _finish(self, end: int) -> list[Frame]:
        """A frame ends properly, or because the next one begins."""
        restarted = self._buffer[end] == START[0]
        frames = self._frame(end, TRUNCATED if restarted else "")
        followed = not restarted and self._buffer[end + 1] == RETURN[0]
        del self._buffer[: end + 1 + followed]
        self._inside = restarted
        return frames

    def _frame(self, end: int, problem: str) -> list[Frame]:
        data, total = bytes(self._buffer[: min(end, self.keep_bytes)]), end + self._dropped
        self._inside, self._searched, self._dropped = False, 0, 0
        # Start bytes in a row are no lost message.
        if problem and not data.strip():
            return []
        return [Frame(data, total > self.max_bytes, total, self.peer, problem, self.connection)]

    def flush(self) -> list[Frame]:
        """The sender waits for an answer after a bare end byte: what is open is complete."""
        if not self.ends_open:
            return []
        frames = self._frame(len(self._buffer) - 1, "")
        self._buffer.clear()
        return frames

    def close(self) -> list[Frame]:
        """The stream has ended: what is open comes as it is, with a problem."""
        if self.ends_open or not self._inside:
            return self.flush()
        frames = self._frame(len(self._buffer), TRUNCATED)
        self._buffer.clear()
        return frames

    def outside(self) -> Frame | None:
        """What came outside of frames so far, up to `KEPT_NOISE` bytes; `total` counts all that were not line ends."""
        if not self.noise:
            return None
        return Frame(bytes(self._outside), False, self.noise, self.peer, NOISE, self.connection)
