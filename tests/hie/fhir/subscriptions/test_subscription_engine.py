"""The engine: order, failures, crashes, several workers, refusals, and what may no longer be seen."""

from __future__ import annotations

import asyncio
from contextlib import suppress
from dataclasses import replace

from fhir_world import World, bearer, observation, patient
from receiver import Receiver, Sent
from subscription_world import (
    change,
    engine,
    has_status,
    of_r4,
    of_topic,
    patient_rule,
    slower,
    subscribe,
    until,
)

from hie.app import build
from hie.fhir.subscriptions import wiring


class TestOrder:
    """Strictly in order, without gaps."""

    async def test_many(self, running: World, receiver: Receiver) -> None:
        """Many changes arrive in the order of writing, numbered one by one."""
        await subscribe(running, of_topic(receiver.url))
        for number in range(25):
            await change(running, number % 5, valueInteger=number)
        await until(lambda: len(receiver.numbers) == 25)
        assert receiver.numbers == list(range(1, 26))
        assert [one.json["entry"][1]["resource"]["valueInteger"] for one in receiver.told] == list(range(25))

    async def test_receiver_down(self, running: World, receiver: Receiver) -> None:
        """What happens while a receiver is down arrives when it is back, in order."""
        name = await subscribe(running, of_topic(receiver.url))
        await change(running, 1)
        await until(lambda: receiver.numbers == [1])
        await receiver.stop()
        await change(running, 2, 3, 4)
        await until(lambda: has_status(running, name, "error"))
        await change(running, 5)
        await receiver.start()
        await until(lambda: len(receiver.numbers) == 5)
        assert receiver.numbers == [1, 2, 3, 4, 5]
        await until(lambda: has_status(running, name, "active"))

    async def test_errors(self, running: World, receiver: Receiver) -> None:
        """An answer of 500 repeats the same event under the same number, and nothing comes before it is taken."""
        await subscribe(running, of_topic(receiver.url))
        failures = iter([500, 500, 503])
        receiver.answers = lambda sent: next(failures, 200)
        await change(running, 1, 2, 3)
        await until(lambda: receiver.numbers[-1:] == [3])
        assert receiver.numbers == [1, 1, 1, 1, 2, 3]

    async def test_retry_after(self, running: World, receiver: Receiver) -> None:
        """A receiver that says when to come again is left alone until then, within the longest pause."""
        await subscribe(running, of_topic(receiver.url))
        receiver.answers, receiver.headers = (lambda sent: 429), "Retry-After: 100\r\n"
        await change(running, 1)
        await until(lambda: len(receiver.told) >= 2)
        receiver.answers = lambda sent: 200
        await until(lambda: len(receiver.told) >= 3)

    async def test_redirect(self, running: World, receiver: Receiver) -> None:
        """A redirect is a failure: nothing is sent to where it leads."""
        async with Receiver.listening() as elsewhere:
            await subscribe(running, of_topic(receiver.url))
            receiver.answers, receiver.headers = (lambda sent: 307), f"Location: {elsewhere.url}\r\n"
            await change(running, 1)
            await until(lambda: len(receiver.told) >= 3)
            assert elsewhere.sent == []


class TestOthers:
    """Nobody is held up by another."""

    async def test_slow(self, running: World, receiver: Receiver) -> None:
        """One receiver that never answers does not delay the next."""
        async with Receiver.listening() as slow:
            await subscribe(running, of_topic(slow.url, timeout=30))
            await subscribe(running, of_topic(receiver.url))
            slow.open.clear()
            await change(running, *range(5))
            await until(lambda: len(receiver.numbers) == 5, 5)
            assert slow.numbers == [1]
            slow.open.set()
            await until(lambda: len(slow.numbers) == 5)

    async def test_broken(self, running: World, receiver: Receiver) -> None:
        """One that can no longer be honoured is said to be in error and stands in nobody's way, also at a start."""
        async with Receiver.listening() as other:
            name = await subscribe(running, of_topic(other.url))
            registry = running.services.fhir.subscriptions
            found = await registry.entries.find_one({"_id": name})
            broken = bytes(found["text"]).replace(b"resource-change-Observation", b"of-yesterday")
            await registry.entries.update_one({"_id": name}, {"$set": {"text": broken}})
            await subscribe(running, of_topic(receiver.url))
            async with build(running.services.settings) as second, engine(second, owner="two"):
                await change(running, 1)
                await until(lambda: receiver.told)
            await registry.wake(name)
            await until(lambda: has_status(running, name, "error"))

    async def test_deleted(self, running: World, receiver: Receiver) -> None:
        """A deleted Subscription is told nothing more, not even what waits; its queue is cleared away."""
        name = await subscribe(running, of_topic(receiver.url))
        async with Receiver.listening() as other:
            await subscribe(running, of_topic(other.url))
            receiver.answers = lambda sent: 500
            await change(running, 1, 2)
            await until(lambda: receiver.told)
            await running.ask("DELETE", f"/Subscription/{name}", account="system")
            receiver.answers = lambda sent: 200
            await until(lambda: len(other.numbers) == 2)
            count = len(receiver.sent)
            await asyncio.sleep(0.6)
            assert len(receiver.sent) <= count + 1
            registry = running.services.fhir.subscriptions
            await until(lambda: gone(registry, name))

    async def test_made_again(self, running: World, receiver: Receiver) -> None:
        """Asked for again under its old id, it is a new one: its events begin with one."""
        name = await subscribe(running, of_topic(receiver.url))
        await change(running, 1, 2)
        await until(lambda: len(receiver.numbers) == 2)
        await running.ask("DELETE", f"/Subscription/{name}", account="system")
        await running.put(f"/Subscription/{name}", of_topic(receiver.url) | {"id": name}, account="system")
        await running.services.interest.look()
        await until(lambda: has_status(running, name, "active"))
        await change(running, 3)
        await until(lambda: len(receiver.numbers) == 3)
        assert receiver.numbers == [1, 2, 1]


async def gone(registry, name: str) -> bool:
    return await registry.entries.find_one({"_id": name}) is None and await registry.events.count_documents({}) <= 2


class TestSeveralWorkers:
    """Leases keep the order, and a crash repeats no more than what was under way."""

    async def test_two(self, running: World, receiver: Receiver) -> None:
        """Two workers tell each event once, in order."""
        async with build(running.services.settings) as second, engine(second, owner="two"):
            await subscribe(running, of_topic(receiver.url))
            for number in range(20):
                await change(running, number)
            await until(lambda: len(receiver.numbers) >= 20)
            await asyncio.sleep(0.3)
            assert receiver.numbers == list(range(1, 21))

    async def test_crash(self, world: World, receiver: Receiver) -> None:
        """A worker that dies between sending and noting leaves one event to be repeated, under its number."""
        await world.made(patient("p1"))
        manners = slower(margin=1.0)
        async with engine(world.services, manners, owner="fan-out only") as stop:
            await subscribe(world, of_topic(receiver.url, timeout=1))
            await change(world, 1)
            await until(lambda: receiver.numbers == [1])
            await until(lambda: settled(world, 1))
            stop.set()
        receiver.open.clear()
        dying = asyncio.create_task(wiring.deliveries(world.services.fhir, "dying", manners).run(asyncio.Event()))
        async with engine(world.services, slower(idle=60.0), owner="outbox"):
            await change(world, 2, 3)
            await until(lambda: receiver.numbers == [1, 2])
            # Killed while its request is under way: it arrived, and nobody noted it.
            dying.cancel()
            with suppress(asyncio.CancelledError):
                await dying
        receiver.open.set()
        async with engine(world.services, manners, owner="next"):
            await until(lambda: receiver.numbers[-1:] == [3])
        assert receiver.numbers == [1, 2, 2, 3]

    async def test_restart(self, world: World, receiver: Receiver) -> None:
        """What was written while no worker ran is told when one runs."""
        await world.made(patient("p1"))
        async with engine(world.services):
            await subscribe(world, of_topic(receiver.url))
        await change(world, 1, 2)
        async with build(world.services.settings) as again, engine(again, owner="again"):
            await until(lambda: receiver.numbers == [1, 2])


async def settled(world: World, count: int) -> bool:
    return await world.services.fhir.subscriptions.events.count_documents({"state": "sent"}) == count


class TestDeadLetters:
    """What a receiver will never take is set aside, and can be told again."""

    async def test_refused_payload(self, running: World, receiver: Receiver) -> None:
        """A payload that is refused again and again does not hold up the next; $replay tells it under its number."""

        def picky(sent: Sent) -> int:
            return 422 if b'"o2"' in sent.body else 200

        name = await subscribe(running, of_topic(receiver.url, max_count=10))
        receiver.answers = picky
        await change(running, 1, 2, 3)
        await until(lambda: dead(running, 1))
        await until(lambda: receiver.told[-1].numbers == [3])
        found = await running.services.fhir.subscriptions.events.find_one({"state": "dead"})
        assert (found["n"], found["reason"]) == (2, "The endpoint answered 422.")
        receiver.answers = lambda sent: 200
        answer = await running.post(f"/Subscription/{name}/$replay", None, account="system")
        assert "1 events" in answer.text
        await until(lambda: receiver.told[-1].numbers == [2])

    async def test_refused_endpoint(self, running: World, receiver: Receiver) -> None:
        """An endpoint that is not found, or wants other credentials, says nothing about a payload: it is tried on."""
        await subscribe(running, of_topic(receiver.url))
        failures = iter([401, 403, 404, 410] * 3)
        receiver.answers = lambda sent: next(failures, 200)
        await change(running, 1)
        await until(lambda: len(receiver.told) == 13)
        assert await running.services.fhir.subscriptions.events.count_documents({"state": "dead"}) == 0


async def dead(world: World, count: int) -> bool:
    return await world.services.fhir.subscriptions.events.count_documents({"state": "dead"}) == count


class TestDecision:
    """Nothing is told that its subscriber may not see at that moment."""

    async def test_consent(self, running: World, receiver: Receiver) -> None:
        """A resident's refusal hides what happens after it, without a gap in the numbers."""
        await running.made(patient("p2"))
        await subscribe(running, of_topic(receiver.url), account="clinician")
        await change(running, 1)
        await until(lambda: receiver.numbers == [1])
        await running.made(patient_rule())
        await asyncio.sleep(1.2)
        await change(running, 2)
        await change(running, 3, of="p2")
        await until(lambda: len(receiver.numbers) == 2)
        assert receiver.numbers == [1, 2]
        assert b"o2" not in b"".join(one.body for one in receiver.sent)

    async def test_consent_while_waiting(self, running: World, receiver: Receiver) -> None:
        """What was refused between change and telling is not told either; a number that is taken stays empty."""
        await subscribe(running, of_topic(receiver.url), account="clinician")
        await receiver.stop()
        await change(running, 1, 2)
        await asyncio.sleep(0.5)
        await running.made(patient_rule())
        await asyncio.sleep(1.2)
        await receiver.start()
        await until(lambda: receiver.told)
        await asyncio.sleep(0.5)
        # The second may have been numbered with the first, or hidden before it was.
        assert receiver.numbers in ([1], [1, 2])
        assert {tuple(sorted(one)) for told in receiver.told for one in told.events} == {("event-number", "timestamp")}
        assert b"Observation/" not in b"".join(one.body for one in receiver.sent)

    async def test_consent_of_r4(self, running: World, receiver: Receiver) -> None:
        """Of a search of R4 nothing arrives at all."""
        await subscribe(running, of_r4(receiver.url, channel={"payload": "application/fhir+json"}), account="clinician")
        await receiver.stop()
        await change(running, 1)
        await asyncio.sleep(0.5)
        await running.made(patient_rule())
        await asyncio.sleep(1.2)
        await receiver.start()
        await asyncio.sleep(1.0)
        assert receiver.sent == []

    async def test_labels(self, running: World, receiver: Receiver) -> None:
        """What is labelled so that its subscriber may not read it is not told."""
        await subscribe(running, of_topic(receiver.url), account="clinician")
        label = {"system": "http://terminology.hl7.org/CodeSystem/v3-ActCode", "code": "HIV"}
        await running.made(observation("secret", meta={"security": [label]}))
        await change(running, 1)
        await until(lambda: receiver.told)
        await asyncio.sleep(0.3)
        assert receiver.numbers == [1]
        assert b"secret" not in b"".join(one.body for one in receiver.sent)

    async def test_role(self, running: World, receiver: Receiver) -> None:
        """An account whose next token has another role is told what that role may see; nothing, and it is said."""
        name = await subscribe(running, of_topic(receiver.url), account="clinician")
        services = running.services
        await services.interest.learn_accounts()
        caller = await services.gate.caller(f"Bearer {bearer(running.settings, 'clinician')}", {})
        services.interest.saw(replace(caller, role="no-role-at-all"))
        await services.interest.look()
        await change(running, 1)
        await until(lambda: has_status(running, name, "error"))
        assert receiver.told == []

    async def test_trail(self, running: World, receiver: Receiver) -> None:
        """The trail names the resource and its patient once, though it was sent several times."""
        await subscribe(running, of_topic(receiver.url), account="clinician")
        failures = iter([500, 500])
        receiver.answers = lambda sent: next(failures, 200)
        await change(running, 1)
        await until(lambda: len(receiver.told) == 3)
        rows = [row for row in await running.events(p="p1") if b'"event-notification"' in row["text"]]
        assert len(rows) == 1
        assert b"Observation/o1/_history/1" in rows[0]["text"]


