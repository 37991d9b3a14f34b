"""A site that sends over MLLP, hears of its messages at an address of its own, and an exchange between the two."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from itertools import count
from typing import Any

import yaml
from feed_hospital import Hospital
from feed_world import until

from adapters.hl7v2.message import Message
from adapters.hl7v2.parser import parse
from adapters.hl7v2.site import Site
from adapters.mllp.client import MllpClient
from adapters.mllp.framing import Framer, wrap
from hie.app import Services
from hie.exchange.listeners import Listener
from hie.exchange.mllp_door import mllp_server

SENDER, FEED = "LIS|H01", "answers-lis-h01"
PID = "PID|1||L1^^^H01^MR||王^晓梅||19850612|F"
OBX = "OBX|1|NM|2345-7^葡萄糖^LN||5.1|mmol/L|3.9-6.1|N|||F"
_numbers = count(1)


def message(
    kind: str, *segments: str, control: str = "", asks: str = "AL|AL", at: str = "20260301080000",
    version: str = "2.5.1", sender: str = SENDER, pid: str = PID,
) -> bytes:  # fmt: skip
    """`asks` is MSH-15 and MSH-16."""
    control = control or f"M{next(_numbers)}"
    structure = kind.replace("^", "_")
    charset = "UNICODE UTF-8" if version >= "2.5" else "UNICODE"
    head = f"MSH|^~\\&|{sender}|HIE|ZB|{at}||{kind}^{structure}|{control}|P|{version}|||{asks}|CHN|{charset}"
    return "".join(f"{line}\r" for line in (head, *filter(None, [pid]), *segments)).encode()


def result(control: str, placer: str = "O1", filler: str = "F1", **words: Any) -> bytes:
    """A final report; O1 with F2 contradicts what `orders` has said."""
    obr = f"OBR|1|{placer}|{filler}|GLU^血糖^LIS|||20260301090000{'|' * 15}20260301120000||LAB|F"
    return message("ORU^R01", obr, OBX, control=control, at="20260301120000", **words)


def orders(**words: Any) -> tuple[bytes, bytes]:
    """Two orders, O1 that the filler calls F1, and O2 that it calls F2."""
    pairs = [(f"O{n}", f"F{n}") for n in "12"]
    placed = [f"ORC|NW|{o}\rOBR|{n}|{o}||GLU^血糖^LIS" for n, (o, _) in enumerate(pairs, 1)]
    said = ["MSA|AA|1", *(f"ORC|OK|{o}|{f}" for o, f in pairs)]
    return message("OML^O21", *placed, **words), message("ORL^O22", *said, pid="", at="20260301081000", **words)


@dataclass
class AnswerWorld:
    """`hospital` is where the answers go, `said` what came on the connection."""

    services: Services
    hospital: Hospital
    port: int

    async def profile(self, hospital: Hospital | int | None = None, **answers: Any) -> None:
        """Load the site's profile."""
        target = hospital if isinstance(hospital, int) else (hospital or self.hospital).server
        port = target if isinstance(target, int) else target.port if target else 0
        said = {"address": f"127.0.0.1:{port}", "timeout": 2, **answers}
        await self.load({"sender": SENDER, "answers": said})

    async def load(self, profile: dict[str, Any]) -> None:
        await self.services.directory.profiles.load(yaml.safe_dump(profile), by="test")
        await self.services.directory.refresh()

    async def send(self, *messages: bytes) -> list[str]:
        """Over one connection; MSA-1 and MSA-2 of each answer."""
        async with MllpClient("127.0.0.1", self.port, timeout=10) as client:
            return [told(parse(await client.send(one), site=Site("lis"))) for one in messages]

    async def ordered(self) -> None:
        """The two orders are filed, one statement after the other: they are of no common lane."""
        for one in orders(asks="AL|NE"):
            await self.send(one)
            await self.filed()

    async def post(self, raw: bytes) -> list[str]:
        """Without waiting for an answer: what came on the connection before the next message was answered."""
        reader, writer = await asyncio.open_connection("127.0.0.1", self.port)
        writer.write(wrap(raw) + wrap(message("ADT^A04", "PV1|1|O", control="LAST", asks="AL|NE")))
        framer, said = Framer(), list[str]()
        async with asyncio.timeout(10):
            while "CA LAST" not in said:
                said += [told(parse(f.data, site=Site("lis"))) for f in framer.feed(await reader.read(65536))]
        writer.close()
        return said[:-1]

    async def filed(self) -> None:
        """Wait until nothing is pending."""
        await until(self._nothing_pending)

    async def _nothing_pending(self) -> bool:
        return not await self.services.journal.pending()

    async def answers(self, number: int) -> list[str]:
        """Wait for that many answers at the address; MSA-1 and MSA-2 of each."""
        await until(lambda: len(self.hospital.messages) >= number)
        return self.heard

    @property
    def heard(self) -> list[str]:
        return [told(one) for one in self.hospital.messages]

    async def quiet(self) -> list[str]:
        """Everything is filed, and every answer settled."""
        await self.filed()
        await until(self._nothing_waits)
        return self.heard

    async def _nothing_waits(self) -> bool:
        return not await self.services.feeds.waits(FEED)

    async def entry(self, control: str) -> dict[str, Any]:
        """What the journal has of a message."""
        found = await self.services.journal.collection.find_one({"control": control})
        assert found is not None
        return found


def told(answer: Message) -> str:
    """`AE C1`"""
    return f"{answer.first('MSA').text(1)} {answer.first('MSA').text(2)}"


@asynccontextmanager
async def answering(services: Services, hospital: Hospital) -> AsyncIterator[AnswerWorld]:
    """The listener of the exchange."""
    server = mllp_server(services.intake, services.settings, Listener(0, "127.0.0.1"))
    await server.start()
    try:
        yield AnswerWorld(services, hospital, server.port)
    finally:
        await server.stop()
