"""
Item 7: batches (FHS, BHS, BTS, FTS).

Each message of a batch has its own fate and its own answer; the answer to a batch is a batch that refers to it; counts
of BTS and FTS that are not what came are said, and lose no message.
"""

from __future__ import annotations

import pytest
from hl7v2_socket import Peer, adt, listening
from hl7v2_world import Hl7World

BAD = adt("bad").replace("王".encode(), b"\xff")


def batch(*messages: bytes, count: str | None = None, files: str = "1", end: str = "\r") -> bytes:
    head = "FHS|^~\\&|HIS|H01|HIE|ZB|20261124080000||||F7\rBHS|^~\\&|HIS|H01|HIE|ZB|20261124080000||||B7\r"
    tail = f"BTS|{len(messages) if count is None else count}\rFTS|{files}\r"
    return (head.encode() + b"".join(messages) + tail.encode()).replace(b"\r", end.encode())


async def ask(hl7: Hl7World, raw: bytes) -> list[str]:
    """The lines of the answer."""
    async with listening(hl7) as server, Peer.of(server) as peer:
        return (await peer.ask(raw)).decode().rstrip("\r").split("\r")


class TestDisposition:
    @pytest.mark.parametrize("end", ["\r", "\n", "\r\n"])
    async def test_each_for_itself(self, hl7: Hl7World, end: str) -> None:
        """A bad message between two good ones: AA, AE, AA, in the order of the batch; the good ones are filed."""
        lines = await ask(hl7, batch(adt("1"), BAD, adt("2", patient="L2"), end=end))
        await hl7.drain()

        assert [one[:10] for one in lines if one.startswith("MSA")] == ["MSA|AA|1", "MSA|AE|bad", "MSA|AA|2"]
        counts = await hl7.services.journal.counts()
        assert (counts["committed"], counts["rejected"]) == (2, 1)
        assert len(await hl7.find("Patient")) == 2

    async def test_resend(self, hl7: Hl7World) -> None:
        """A batch that is sent again, or in part, is known message by message."""
        async with listening(hl7) as server, Peer.of(server) as peer:
            first = await peer.ask(batch(adt("1"), adt("2")))
            await peer.ask(batch(adt("1"), adt("2"), adt("3")))
        await hl7.drain()

        assert b"BTS|2" in first
        # The same bytes in the same batch position: the journal holds each once.
        assert (await hl7.services.journal.counts())["received"] == 3

    async def test_remarks(self, hl7: Hl7World) -> None:
        """The journal says of each message which batch it came in."""
        await ask(hl7, batch(adt("1"), adt("2")))
        found = {one.control_id: one.remarks for one in await hl7.services.journal.search()}

        assert found["2"][0] == "Message 2 of 2 of a batch (B7)"


class TestAnswer:
    async def test_batch(self, hl7: Hl7World) -> None:
        """The answer is a batch: parties changed, FHS-12 and BHS-12 refer, counts are those of the answers."""
        lines = await ask(hl7, batch(adt("1"), adt("2")))

        assert [one[:3] for one in lines] == ["FHS", "BHS", "MSH", "MSA", "MSH", "MSA", "BTS", "FTS"]
        header = lines[1].split("|")
        assert (header[2:6], header[11]) == (["HIE", "ZB", "HIS", "H01"], "B7")
        assert lines[0].split("|")[11] == "F7"
        assert lines[-2:] == ["BTS|2", "FTS|1"]

    async def test_no_file_header(self, hl7: Hl7World) -> None:
        """A batch without a file around it is answered without one."""
        raw = batch(adt("1")).split(b"\r", 1)[1].replace(b"FTS|1\r", b"")
        lines = await ask(hl7, raw)

        assert [one[:3] for one in lines] == ["BHS", "MSH", "MSA", "BTS"]

    async def test_empty(self, hl7: Hl7World) -> None:
        """A batch of nothing is answered by one, and kept."""
        lines = await ask(hl7, batch())

        assert [one[:3] for one in lines] == ["FHS", "BHS", "BTS", "FTS"]
        assert (await hl7.services.journal.counts())["rejected"] == 1

    async def test_several_without_header(self, hl7: Hl7World) -> None:
        """Messages in one frame without FHS or BHS are answered one after the other."""
        lines = await ask(hl7, adt("1") + adt("2"))

        assert [one[:3] for one in lines] == ["MSH", "MSA", "MSH", "MSA"]


class TestCounts:
    async def test_wrong_counts(self, hl7: Hl7World) -> None:
        """A count that is not what came is said in the answer and in the journal; what came is processed."""
        lines = await ask(hl7, batch(adt("1"), adt("2", patient="L2"), count="3", files="2"))
        await hl7.drain()

        assert lines[-2:] == ["BTS|2|The count says 3; 2 came.", "FTS|1|The count says 2; 1 came."]
        counts = await hl7.services.journal.counts()
        assert counts["committed"] == 2
        remarks = {remark for one in await hl7.services.journal.search() for remark in one.remarks}
        assert "BTS^1^1: The count says 3; 2 came." in remarks

    async def test_missing_end(self, hl7: Hl7World) -> None:
        """A batch without its end is taken, and the remarks say that more may have been meant."""
        raw = batch(adt("1")).partition(b"BTS")[0]
        lines = await ask(hl7, raw)

        assert [one[:3] for one in lines] == ["FHS", "BHS", "MSH", "MSA", "BTS", "FTS"]
        (kept,) = await hl7.services.journal.search()
        assert "BTS: BTS is missing: the end may not have come." in kept.remarks

    async def test_two_batches(self, hl7: Hl7World) -> None:
        """A file of two batches: each is counted and answered for itself."""
        one, two = batch(adt("1")), batch(adt("2"), adt("3"))
        raw = one.replace(b"FTS|1\r", b"") + two.split(b"\r", 1)[1].replace(b"FTS|1", b"FTS|2").replace(b"B7", b"B8")
        lines = await ask(hl7, raw)

        assert [line for line in lines if line[:3] in ("BTS", "FTS")] == ["BTS|1", "BTS|2", "FTS|2"]
        assert [line.split("|")[11] for line in lines if line.startswith("BHS")] == ["B7", "B8"]
