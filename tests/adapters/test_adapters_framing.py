"""Frames, however the stream is cut."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from adapters.mllp.framing import Frame, Framer, wrap

A, B = b"MSH|^~\\&|A\rPID|1\r", b"MSH|^~\\&|B\r"


def feed(framer: Framer, stream: bytes, size: int) -> list[Frame]:
    frames: list[Frame] = []
    for at in range(0, len(stream), size):
        frames += framer.feed(stream[at : at + size])
    return frames


def data(frames: list[Frame]) -> list[tuple[bytes, str]]:
    return [(frame.data, frame.problem) for frame in frames]


class TestFramer:
    def test_split_and_merged(self) -> None:
        """One frame in many reads, many frames in one read."""
        for size in (1, 2, 3, 7, 1000):
            assert data(feed(Framer(), wrap(A) + wrap(B) + wrap(A), size)) == [(A, ""), (B, ""), (A, "")]

    def test_noise(self) -> None:
        """What is between frames is skipped and counted; line ends are no noise."""
        framer = Framer()

        assert data(framer.feed(b"xx" + wrap(A) + b"\r\nGET /\x1c" + wrap(B))) == [(A, ""), (B, "")]
        assert framer.noise == 8

    def test_without_carriage_return(self) -> None:
        """A bare end byte ends a frame when the next one begins, when the sender waits, and when the stream ends."""
        framer = Framer()

        assert data(framer.feed(b"\x0b" + A + b"\x1c\x0b" + B + b"\x1c")) == [(A, "")]
        assert framer.ends_open
        assert data(framer.flush()) == [(B, "")]
        assert framer.flush() == framer.close() == []
        framer.feed(b"\x0b" + A + b"\x1c")
        assert data(framer.close()) == [(A, "")]

    def test_end_byte_inside(self) -> None:
        """An end byte that nothing follows up is content."""
        assert data(Framer().feed(wrap(b"MSH|a\x1cb"))) == [(b"MSH|a\x1cb", "")]

    def test_restart(self) -> None:
        """A frame that never ended before the next message began is told apart; a vertical tabulator in text is not."""
        broken = b"\x0bMSH|^~\\&|A\rPI" + wrap(B)

        assert data(Framer().feed(broken)) == [(b"MSH|^~\\&|A\rPI", "truncated"), (B, "")]
        assert data(Framer().feed(wrap(b"MSH|^~\\&|A\x0bMSHX\x0bx"))) == [(b"MSH|^~\\&|A\x0bMSHX\x0bx", "")]

    def test_truncated(self) -> None:
        """The stream ends inside a frame: what came is given, with the problem."""
        framer = Framer(peer="p")
        framer.feed(wrap(A) + b"\x0bMSH|^")

        assert framer.close() == [Frame(b"MSH|^", False, 5, "p", "truncated")]
        assert framer.close() == []

    def test_oversize(self) -> None:
        """Too large is marked and kept; far too large is kept as far as the ceiling, and counted to its end."""
        for size in (1, 4, 5, 64, 1000):
            (large,) = feed(Framer(max_bytes=10, keep_bytes=30), wrap(b"x" * 20), size)
            (huge, after) = feed(Framer(max_bytes=10, keep_bytes=30), wrap(b"y" * 500) + wrap(b"z"), size)

            assert (large.data, large.truncated, large.total) == (b"x" * 20, True, 20)
            assert (huge.data, huge.truncated, huge.total) == (b"y" * 30, True, 500)
            assert after.data == b"z"

    def test_memory(self) -> None:
        """A frame without an end does not fill the memory."""
        framer = Framer(max_bytes=10, keep_bytes=1000)
        framer.feed(b"\x0b")
        for _ in range(100):
            framer.feed(b"x" * 10_000)

        assert framer.pending == 1_000_000
        assert len(framer._buffer) < 2000
        assert framer.close()[0].total == 1_000_000

    @given(
        st.lists(st.sampled_from([b"\x0b", b"\x1c", b"\r", b"\x1c\r", b"MSH|^", A, b"x" * 30, wrap(B)]), max_size=12),
        st.data(),
    )
    def test_any_cut(self, parts: list[bytes], cuts: st.DataObject) -> None:
        """The frames do not depend on how the bytes were cut into reads."""
        stream = b"".join(parts)
        whole, piecewise = Framer(max_bytes=20, keep_bytes=25), Framer(max_bytes=20, keep_bytes=25)
        expected = whole.feed(stream) + whole.close()
        found: list[Frame] = []
        while stream:
            size = cuts.draw(st.integers(1, len(stream)))
            found += piecewise.feed(stream[:size])
            stream = stream[size:]

        assert found + piecewise.close() == expected

    @given(st.lists(st.binary(max_size=60).filter(lambda b: not set(b) & {0x0B, 0x1C}), max_size=5))
    def test_round_trip(self, messages: list[bytes]) -> None:
        """Wrapped messages come out as they went in."""
        assert [frame.data for frame in Framer().feed(b"".join(map(wrap, messages)))] == messages
