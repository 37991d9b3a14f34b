"""
Item 6: a message that comes again.

Known by sender, MSH-10 and content: the same again is answered as the first time and kept once, however often and over
however many connections it comes, also after a restart. The same id with another content is processed with a remark: a
counter began anew.
"""

from __future__ import annotations

import asyncio

from hl7v2_socket import Peer, adt, listening
from hl7v2_world import Hl7World

from hie.app import build
from hie.exchange.journal import REUSED


async def reused(hl7: Hl7World) -> list[bool]:
    """Of each message, whether its id is said to have been used before."""
    return [REUSED in one.remarks for one in await hl7.services.journal.search(limit=100)]


class TestSameAgain:
    async def test_flood(self, hl7: Hl7World) -> None:
        """A sender that times out sends again on new connections, many times at once: one entry, one answer."""
        async with listening(hl7) as server:

            async def resend() -> set[bytes]:
                async with Peer.of(server) as peer:
                    return {await peer.ask(adt("1")) for _ in range(10)}

            answers = await asyncio.gather(*(resend() for _ in range(12)))
        await hl7.drain()

        assert len(set.union(*answers)) == 1
        counts = await hl7.services.journal.counts()
        assert (counts["received"], counts["committed"]) == (1, 1)
        assert (await hl7.one("Patient"))["meta"]["versionId"] == "1"

    async def test_impatient(self, hl7: Hl7World) -> None:
        """Sent twice without waiting for the answer: both are answered, in order, with the same words."""
        async with listening(hl7) as server, Peer.of(server) as peer:
            for _ in range(3):
                await peer.write(b"\x0b" + adt("1") + b"\x1c\r")
            answers = {await peer.answer() for _ in range(3)}
            assert len(answers) == 1
            assert b"MSA|AA|next" in await peer.ask(adt("next"))

    async def test_refused_again(self, hl7: Hl7World) -> None:
        """What was refused is refused again, and kept once."""
        wrong = adt("1").replace("王".encode(), b"\xff")
        assert await hl7.send(wrong, wrong) == ["AE", "AE"]
        assert (await hl7.services.journal.counts())["rejected"] == 1

    async def test_restart(self, hl7: Hl7World) -> None:
        """After a restart the sender is still answered as the first time."""
        await hl7.send(adt("1"))
        async with build(hl7.services.settings) as services:
            again = await services.intake.accept(_frame(adt("1")), "mllp")
            counts = await services.journal.counts()

        assert again == hl7.answers[0]
        assert counts["received"] == 1

    async def test_another_sender(self, hl7: Hl7World) -> None:
        """Ids are the sender's own: another application may use the same."""
        await hl7.tell(adt("1"), adt("1", sender="LIS|H01"))
        assert (await hl7.services.journal.counts())["received"] == 2
        assert await reused(hl7) == [False, False]


class TestSameIdOtherContent:
    async def test_counter_reset(self, hl7: Hl7World) -> None:
        """Processed, with a remark, over a restart as well; the next resend of either is known."""
        await hl7.tell(adt("1"))
        async with build(hl7.services.settings) as services:
            for patient in ("L2", "L2", "L1"):
                answer = await services.intake.accept(_frame(adt("1", patient=patient)), "mllp")
                assert b"MSA|AA|1" in (answer or b"")
        await hl7.drain()

        assert (await hl7.services.journal.counts())["committed"] == 2
        assert sorted(await reused(hl7)) == [False, True]
        assert len(await hl7.find("Patient")) == 2


def _frame(raw: bytes) -> _Frame:
    return _Frame(raw)


class _Frame:
    truncated, problem = False, ""

    def __init__(self, data: bytes) -> None:
        self.data, self.total = data, len(data)
