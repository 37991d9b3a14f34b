"""
Every sample message beside the checkout through the real port: vendors' samples, simulators, certification tests.

None may go unanswered, crash a service, or stay pending; what is not accepted has a reason.
"""

from __future__ import annotations

import asyncio
import re
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import pytest
from e2e_region import Region, in_loop

from adapters.hl7v2.parser import read_header
from adapters.mllp.client import MllpClient
from hie.commands.sending import messages_in

pytestmark = [pytest.mark.e2e, pytest.mark.slow]

CONNECTIONS = 4
KINDS = frozenset({".hl7", ".txt", ".out"})
# Samples of acknowledgements and certification suites; below this the folder is not the one that is meant.
AT_LEAST = 1_300


def samples(folder: Path) -> Iterator[bytes]:
    """Every message of every file, in order."""
    for file in sorted(one for one in folder.rglob("*") if one.suffix in KINDS):
        yield from messages_in(file.read_bytes())


async def send(port: int, messages: list[bytes]) -> list[bytes]:
    """Over a few connections, each with several messages on their way; the answers in the order of the messages."""
    answers: dict[int, bytes] = {}

    async def one(start: int) -> None:
        async with MllpClient("127.0.0.1", port, timeout=120) as client:
            number = start
            async for answer in client.send_all(messages[start::CONNECTIONS], window=8):
                answers[number] = answer
                number += CONNECTIONS

    await asyncio.gather(*(one(start) for start in range(CONNECTIONS)))
    return [answers[number] for number in range(len(messages))]


async def post(port: int, messages: list[bytes]) -> None:
    """Without waiting for answers: these senders want none."""
    async with MllpClient("127.0.0.1", port) as client:
        for message in messages:
            await client.post(message)


def wants_none(message: bytes) -> bool:
    """MSH-15 and MSH-16 both say never (table 0155)."""
    header = read_header(message)
    return header.accept_acknowledgement == header.application_acknowledgement == "NE"


class TestCorpus:
    @pytest.mark.timeout(600)
    def test_every_message(self, region: Region, shared_data: Path) -> None:
        """AA, or AE and AR with place and text; afterwards nothing waits, and the services are the same processes."""
        everything = list(samples(shared_data / "hl7v2"))
        assert len(everything) >= AT_LEAST
        messages = [one for one in everything if not wants_none(one)]
        silent = [one for one in everything if wants_none(one)]
        services = {name: region.children(name) for name in ("listen", "work", "serve")}

        answers = in_loop(send(region.port("MLLP_PORT"), messages))
        in_loop(post(region.port("MLLP_PORT"), silent))

        codes = Counter(_code(answer) for answer in answers)
        assert set(codes) <= {"AA", "AE", "AR", "CA", "CE", "CR"}, codes
        assert codes["AA"] + codes["CA"] > 0.99 * len(messages), codes
        unexplained = [answer for answer in answers if not _code(answer).endswith("A") and b"\rERR|" not in answer]
        assert not unexplained
        assert silent and all(region.kept(one) for one in silent)
        region.drain(400)
        assert {name: region.children(name) for name in services} == services

    def test_nothing_unexplained_in_the_journal(self, region: Region) -> None:
        """Whatever is rejected or dead says why, and never because of a fault of ours."""
        with region.database() as database:
            found = list(database["journal"].find({"state": {"$in": ["rejected", "dead"]}}, {"reason": 1, "type": 1}))

        assert all(entry["reason"] for entry in found)
        assert not [entry for entry in found if entry["reason"].startswith("Unexpected")]


def _code(answer: bytes) -> str:
    found = re.search(rb"[\r\n]MSA.([AC][AER])", answer)
    return found[1].decode() if found else "none"
