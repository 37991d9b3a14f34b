"""How it is delivered: in order, for ever, under one control id; refusals set aside; by any number of processes."""

from __future__ import annotations

import asyncio
from contextlib import AsyncExitStack
from dataclasses import replace

from feed_hospital import Hospital, answer
from feed_world import QUICK, FeedWorld, adt, engine, until
from free_ports import free_port

from adapters.hl7v2.parser import read_header
from adapters.mllp.framing import Framer, wrap
from hie.app import build
from hie.settings import Settings

A01 = {"messages": ["ADT^A01", "ADT^A03"]}


def discharge(control: str, local: str = "L1") -> bytes:
    return adt(control, local, event="A03", at="20261125100000", end="20261125100000")


class TestAnswers:
    async def test_refused(self, world: FeedWorld) -> None:
        """AE: set aside with code and place, and the next goes out; a replay sends it under an id of its own."""
        world.hospital.script.append("AE")
        await world.feed(**A01)
        await world.send(adt("1"), discharge("2"))
        counts = await world.quiet()

        assert world.hospital.kinds == ["ADT^A01", "ADT^A03"]
        assert (counts["dead"], counts["sent"]) == (1, 1)
        (dead,) = await world.services.feeds.dead("h02")
        assert dead["reason"].startswith("AE")

        assert await world.services.feeds.replay("h02", {"state": "dead"}) == 1
        counts = await world.quiet()
        assert (counts["dead"], counts["sent"]) == (0, 2)
        assert world.hospital.messages[2].type == "ADT^A01"
        assert len(set(world.hospital.controls)) == 3

    async def test_not_now(self, world: FeedWorld) -> None:
        """AR and CR: the same message again and again, under the same id, and nothing overtakes it."""
        world.hospital.script.extend(["AR", "CR", "AR"])
        await world.feed(**A01)
        await world.send(adt("1"), discharge("2"))
        await world.quiet()

        assert world.hospital.kinds == ["ADT^A01"] * 4 + ["ADT^A03"]
        assert len(set(world.hospital.controls[:4])) == 1
        assert len(set(world.hospital.raw[:4])) == 1

    async def test_committed(self, world: FeedWorld) -> None:
        """In enhanced mode CA is enough; MSH-15 and MSH-16 ask for it."""
        world.hospital.answers = {"A01": "CA", "A03": "CA"}
        await world.feed(**A01, acknowledgement={"accept": "AL", "application": "NE"})
        await world.send(adt("1"))
        counts = await world.quiet()

        assert counts["sent"] == 1
        assert [world.hospital.messages[0].header.text(at) for at in (15, 16)] == ["AL", "NE"]

    async def test_dropped(self, world: FeedWorld) -> None:
        """A connection that ends without an answer: the same message again on a new one."""
        world.hospital.script.extend(["drop", "drop"])
        await world.feed(**A01)
        await world.send(adt("1"), discharge("2"))
        await world.quiet()

        assert world.hospital.kinds == ["ADT^A01"] * 3 + ["ADT^A03"]
        assert len(set(world.hospital.controls[:3])) == 1

    async def test_late_answer(self, world: FeedWorld) -> None:
        """No answer in time: the connection is given up, and what is answered late is not taken for the next one's."""
        world.hospital.delay = 1.5
        await world.feed(**A01, timeout=1)
        await world.send(adt("1"))
        await until(lambda: len(world.hospital.messages) >= 2)
        world.hospital.delay = 0.0
        counts = await world.quiet()

        assert counts["sent"] == 1
        assert len(set(world.hospital.controls)) == 1

    async def test_away(self, world: FeedWorld) -> None:
        """Nobody listens at the address: everything waits, and arrives in order when somebody does."""
        port = free_port()
        await world.feed(**A01, address=f"127.0.0.1:{port}")
        await world.send(adt("1"), discharge("2"))
        await until(lambda: _tried(world))
        async with Hospital.open(port) as late:
            await world.quiet()

        assert late.kinds == ["ADT^A01", "ADT^A03"]

    async def test_nonsense(self, world: FeedWorld) -> None:
        """An answer that is none is no acceptance."""
        world.hospital.script.append("??")
        await world.feed(**A01)
        await world.send(adt("1"))
        await world.quiet()

        assert world.hospital.kinds == ["ADT^A01"] * 2

    async def test_refused_after_commit(self, world: FeedWorld) -> None:
        """CA, and later AE on the same connection: the message becomes a dead letter after all."""
        port, received = free_port(), list[bytes]()

        async def peer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            framer = Framer()
            while chunk := await reader.read(65536):
                for frame in framer.feed(chunk):
                    received.append(frame.data)
                    if len(received) == 2:
                        writer.write(wrap(answer(received[0], "AE") or b""))
                    writer.write(wrap(answer(frame.data, "CA") or b""))
            writer.close()

        server = await asyncio.start_server(peer, "127.0.0.1", port)
        async with server:
            await world.feed(**A01, address=f"127.0.0.1:{port}", acknowledgement={"accept": "AL", "application": "AL"})
            await world.send(adt("1"), discharge("2"))
            counts = await world.quiet()

        assert (counts["dead"], len(received)) == (1, 2)

    async def test_release_2(self, world: FeedWorld) -> None:
        """A receiver that commits each message: NAK means again, ACK means that its answer follows and is committed."""
        port, blocks = free_port(), list[bytes]()

        async def peer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            framer = Framer()
            while chunk := await reader.read(65536):
                for frame in framer.feed(chunk):
                    blocks.append(frame.data)
                    messages = [one for one in blocks if one != b"\x06"]
                    if frame.data == b"\x06":
                        continue
                    if len(messages) == 1:
                        writer.write(wrap(b"\x15"))
                        continue
                    writer.write(wrap(b"\x06"))
                    writer.write(wrap(answer(frame.data, "AA") or b""))
            writer.close()

        server = await asyncio.start_server(peer, "127.0.0.1", port)
        async with server:
            await world.feed(**A01, address=f"127.0.0.1:{port}", mllp=2)
            await world.send(adt("1"), discharge("2"))
            await world.quiet()
            await until(lambda: blocks.count(b"\x06") == 2)

        controls = [read_header(one).control_id for one in blocks if one != b"\x06"]
        assert len(controls) == 3
        assert controls[0] == controls[1] != controls[2]


async def _tried(world: FeedWorld) -> bool:
    found = await world.services.feeds.messages.find_one({"feed": "h02", "tries": {"$gte": 2}})
    return found is not None


class TestOrder:
    async def test_patients_do_not_wait_for_each_other(self, world: FeedWorld) -> None:
        """With several connections many patients go at once, and each patient's messages stay in order."""
        world.hospital.delay = 0.05
        await world.feed(**A01, connections=4)
        people = [f"P{number}" for number in range(8)]
        numbers = {local: f"{number:018}" for number, local in enumerate(people, 1)}
        await world.send(*(adt(f"a{one}", one, number=numbers[one], name=f"赵^{one}") for one in people))
        await world.send(*(adt(f"d{one}", one, number=numbers[one], name=f"赵^{one}", event="A03",
                               at="20261125100000", end="20261125100000") for one in people))  # fmt: skip
        await world.quiet()

        assert world.hospital.most_at_once > 1
        by_patient: dict[str, list[str]] = {}
        for message in world.hospital.messages:
            by_patient.setdefault(message.first("PID").text(3), []).append(message.trigger)
        assert by_patient == {one: ["A01", "A03"] for one in people}

    async def test_one_after_the_other(self, world: FeedWorld) -> None:
        """Ordered by receiver there is one message at a time, whatever the number of connections."""
        world.hospital.delay = 0.02
        await world.feed(**A01, connections=4, order="receiver")
        await world.services.feeds.pause("h02", paused=True)
        for n in range(1, 7):
            await world.send(adt(f"a{n}", f"P{n}", number=f"{n:018}", name=f"赵^P{n}"))
            await until(lambda n=n: _waits(world, n))
        await world.services.feeds.pause("h02", paused=False)
        await world.quiet()

        assert world.hospital.most_at_once == 1
        assert [m.first("PID").text(3) for m in world.hospital.messages] == [f"P{n}" for n in range(1, 7)]

    async def test_one_patient_holds_up_nobody_else(self, world: FeedWorld) -> None:
        """A patient whose message the receiver cannot take now waits; the others go on."""
        world.hospital.answers = {"A03": "AR"}
        await world.feed(**A01)
        await world.send(adt("1", "P1"), discharge("2", "P1"))
        await until(lambda: "ADT^A03" in world.hospital.kinds)
        await world.send(adt("3", "P2", number="370303194809150175", name="李^四"))
        await until(lambda: world.hospital.kinds.count("ADT^A01") == 2)
        world.hospital.answers = {}
        await world.quiet()

        assert world.hospital.kinds[-1] == "ADT^A03"

    async def test_set_aside(self, world: FeedWorld) -> None:
        """What a receiver never takes can be set aside by an operator; the rest follows."""
        world.hospital.answers = {"A01": "AR"}
        await world.feed(**A01)
        await world.send(adt("1"), discharge("2"))
        await until(lambda: world.hospital.messages)
        head = await world.services.feeds.messages.find_one({"feed": "h02", "state": "waiting"}, sort=[("_id", 1)])
        assert head is not None
        assert await world.services.feeds.set_aside("h02", head["event"])
        counts = await world.quiet()

        assert (counts["dead"], counts["sent"]) == (1, 1)


class TestPause:
    async def test_pause_and_resume(self, world: FeedWorld) -> None:
        """A paused feed keeps what happens and sends nothing; resumed, it sends all of it in order."""
        await world.feed(**A01)
        assert await world.services.feeds.pause("h02", paused=True)
        await world.send(adt("1"), discharge("2"))
        await until(lambda: _waits(world, 2))
        await asyncio.sleep(0.2)
        assert world.hospital.messages == []

        await world.services.feeds.pause("h02", paused=False)
        await world.quiet()
        assert world.hospital.kinds == ["ADT^A01", "ADT^A03"]


async def _waits(world: FeedWorld, count: int) -> bool:
    return await world.services.feeds.messages.count_documents({"feed": "h02", "state": "waiting"}) == count


class TestProcesses:
    async def test_killed(self, resting: FeedWorld) -> None:
        """A process that dies with a message under way: another sends it again under the same id, then the rest."""
        await resting.feed(**A01)
        resting.hospital.delay = 60
        manners = replace(QUICK, margin=0.2)
        async with engine(resting.services, "one"):
            await resting.send(adt("1"), discharge("2"))
            await until(lambda: resting.hospital.messages)
            # As after kill -9: the leases stand, nobody extends them, and nobody notes the outcome.
            await _die(resting)
        resting.hospital.delay = 0
        async with engine(resting.services, "two", manners):
            await resting.quiet()

        assert resting.hospital.kinds == ["ADT^A01", "ADT^A01", "ADT^A03"]
        assert resting.hospital.controls[0] == resting.hospital.controls[1]

    async def test_two_at_once(self, resting: FeedWorld, settings: Settings) -> None:
        """Two processes share a feed: everything arrives once, and each patient's messages in order."""
        await resting.feed(**A01, connections=4)
        async with AsyncExitStack() as stack:
            other = await stack.enter_async_context(build(settings))
            await stack.enter_async_context(engine(resting.services, "one"))
            await stack.enter_async_context(engine(other, "two"))
            resting.hospital.delay = 0.01
            people = [(f"P{n}", f"{n:018}") for n in range(1, 9)]
            for local, number in people:
                await resting.send(adt(f"a{local}", local, number=number, name=f"赵^{local}"))
                await resting.send(adt(f"d{local}", local, number=number, name=f"赵^{local}", event="A03",
                                       at="20261125100000", end="20261125100000"))  # fmt: skip
            counts = await resting.quiet()

        assert (counts["sent"], len(set(resting.hospital.controls)), len(resting.hospital.controls)) == (16, 16, 16)
        for local, _ in people:
            own = [m.trigger for m in resting.hospital.messages if m.first("PID").text(3) == local]
            assert own == ["A01", "A03"]


async def _die(world: FeedWorld) -> None:
    """The tasks of delivery end at once, and the database hears nothing of it."""
    for task in asyncio.all_tasks():
        if "_serve" in str(task.get_coro()):
            task.cancel()
    await asyncio.sleep(0.05)
