"""Subscriptions of a topic: handshake, notifications, content, filters, heartbeats."""

from __future__ import annotations

import asyncio

import pytest
from fhir_world import Json, World, issue, observation, patient
from receiver import Receiver
from subscription_world import (
    BACKPORT,
    TERMINOLOGY,
    change,
    engine,
    has_status,
    nothing_waits,
    of_topic,
    slower,
    subscribe,
    until,
)

from hie.app import build
from records import validation


def encounter(status: str, identity: str = "e1") -> Json:
    return {
        "resourceType": "Encounter", "id": identity, "status": status,
        "class": {"system": "http://terminology.hl7.org/CodeSystem/v3-ActCode", "code": "IMP"},
        "subject": {"reference": "Patient/p1"},
    }  # fmt: skip


class TestHandshake:
    """Active is who has answered."""

    async def test_accepted(self, running: World, receiver: Receiver) -> None:
        """The first that arrives is a handshake of a Subscription that is still requested, as a valid bundle."""
        name = await subscribe(running, of_topic(receiver.url))
        (first,) = receiver.sent
        assert first.method == "POST"
        bundle = first.json
        assert validation.validate(bundle) == []
        assert bundle["type"] == "history"
        assert first.status == {
            "subscription": {"reference": f"{running.services.settings.fhir_url}/Subscription/{name}"},
            "topic": "urn:hie:topic:resource-change-Observation",
            "status": "requested",
            "type": "handshake",
            "events-since-subscription-start": "0",
        }

    async def test_refused(self, running: World, receiver: Receiver) -> None:
        """Who does not accept it is in error and hears of nothing, until it accepts."""
        receiver.answers = lambda sent: 500
        answer = await running.post("/Subscription", of_topic(receiver.url), account="system")
        name = answer.json()["id"]
        await running.services.interest.look()
        await until(lambda: has_status(running, name, "error"))
        await change(running, 1)
        await until(lambda: nothing_waits(running))
        receiver.answers = lambda sent: 200
        await until(lambda: has_status(running, name, "active"))
        await change(running, 2)
        await until(lambda: receiver.told)
        assert {one.kind for one in receiver.sent[:-1]} == {"handshake"}
        assert receiver.told[0].events[0]["focus"]["reference"].endswith("/Observation/o2")


class TestContent:
    """empty, id-only, full-resource."""

    async def test_empty(self, running: World, receiver: Receiver) -> None:
        """Nothing but the number and the time of the event, nor the topic."""
        await subscribe(running, of_topic(receiver.url, "resource-change-Observation", "empty"))
        await change(running, 1)
        (told,) = await until(lambda: receiver.told)
        assert validation.validate(told.json) == []
        assert len(told.json["entry"]) == 1
        assert [sorted(one) for one in told.events] == [["event-number", "timestamp"]]
        assert "topic" not in told.status
        assert "o1" not in told.body.decode()

    async def test_ids(self, running: World, receiver: Receiver) -> None:
        """A reference to what changed, without the resource; each patient's trail says so."""
        name = await subscribe(running, of_topic(receiver.url, "resource-change-Observation", "id-only"))
        await change(running, 1)
        (told,) = await until(lambda: receiver.told)
        base = running.services.settings.fhir_url
        assert told.events[0]["focus"] == {"reference": f"{base}/Observation/o1"}
        assert len(told.json["entry"]) == 1
        trail = [row for row in await running.events(p="p1") if b'"event-notification"' in row["text"]]
        assert len(trail) == 1
        assert f"Subscription/{name}/1".encode() in trail[0]["text"]

    async def test_full(self, running: World, receiver: Receiver) -> None:
        """The resource as it is stored, and its patient beside it, where the topic includes it."""
        await subscribe(running, of_topic(receiver.url, "laboratory-result"))
        category = {"coding": [{"system": f"{TERMINOLOGY}/observation-category", "code": "laboratory"}]}
        await running.made(observation("o1", category=[category]), observation("o2"))
        (told,) = await until(lambda: receiver.told)
        assert validation.validate(told.json) == []
        shown = [entry["resource"] for entry in told.json["entry"][1:]]
        assert [(one["resourceType"], one["id"]) for one in shown] == [("Observation", "o1"), ("Patient", "p1")]
        assert told.json["entry"][1]["request"] == {"method": "PUT", "url": "Observation/o1"}
        assert (await running.get("/Observation/o1", account="system")).content in told.body

    async def test_xml(self, running: World, receiver: Receiver) -> None:
        """The bundle in XML where the payload says so."""
        asked = of_topic(receiver.url)
        asked["channel"]["payload"] = "application/fhir+xml"
        await subscribe(running, asked)
        assert receiver.sent[0].headers["content-type"].startswith("application/fhir+xml")
        assert b'<valueCode value="handshake"/>' in receiver.sent[0].body


class TestTriggers:
    """What counts as an event."""

    async def test_start_and_end(self, running: World, receiver: Receiver) -> None:
        """A stay begins once and ends once, however often it is written in between."""
        async with Receiver.listening() as other:
            await subscribe(running, of_topic(receiver.url, "encounter-start"))
            await subscribe(running, of_topic(other.url, "encounter-end"))
            for status in ("planned", "in-progress", "in-progress", "in-progress", "finished", "finished"):
                await running.made(encounter(status))
            await until(lambda: receiver.told and other.told)
            await asyncio.sleep(0.3)
            assert [one.json["entry"][1]["resource"]["status"] for one in receiver.told] == ["in-progress"]
            assert [one.json["entry"][1]["resource"]["status"] for one in other.told] == ["finished"]

    async def test_delete(self, running: World, receiver: Receiver) -> None:
        """Any change is a creation, an update and a deletion; the filters of a deletion ask what was deleted."""
        await subscribe(running, of_topic(receiver.url, "resource-change-Observation", "full-resource", "code=1558-6"))
        await change(running, 1)
        await running.made(observation("other", code={"coding": [{"code": "x"}]}))
        for name in ("o1", "other"):
            await running.ask("DELETE", f"/Observation/{name}", account="system")
        await until(lambda: len(receiver.told) == 2)
        await asyncio.sleep(0.3)
        assert [one.json["entry"][1]["request"]["method"] for one in receiver.told][1] == "DELETE"
        assert receiver.numbers == [1, 2]

    async def test_filters(self, running: World, receiver: Receiver) -> None:
        """Filters are met all together; a person means every record of that human."""
        await running.made(patient("p2"))
        filters = ("Observation?patient=Patient/p1", "status=final")
        await subscribe(running, of_topic(receiver.url, "resource-change-Observation", "id-only", *filters))
        await change(running, 1, of="p2")
        await change(running, 2, status="preliminary")
        await change(running, 3)
        await until(lambda: receiver.told)
        await asyncio.sleep(0.3)
        assert [one["focus"]["reference"][-2:] for told in receiver.told for one in told.events] == ["o3"]

    @pytest.mark.parametrize(
        ("filters", "status"), [(("Patient?_id=p1",), 422), (("no-such=1",), 400), (("_sort=date",), 400)]
    )
    async def test_filters_that_nobody_can_answer(
        self, world: World, receiver: Receiver, filters: tuple[str, ...], status: int
    ) -> None:
        """Filters that the server cannot apply refuse the Subscription."""
        asked = of_topic(receiver.url, "resource-change-Observation", "empty", *filters)
        assert issue(await world.post("/Subscription", asked, account="system"))[0] == status

    async def test_custom_channel(self, world: World, receiver: Receiver) -> None:
        """A channel named by extension is not offered, and refused."""
        asked = of_topic(receiver.url)
        custom = {"url": f"{BACKPORT}channel-type", "valueCoding": {"code": "zulip"}}
        asked["channel"]["_type"] = {"extension": [custom]}
        assert issue(await world.post("/Subscription", asked, account="system"))[0] == 422


class TestLimits:
    """Heartbeat, timeout, events of one notification."""

    async def test_heartbeat(self, running: World, receiver: Receiver) -> None:
        """While nothing happens, a sign of life comes at the period that was asked for, with no event number."""
        await subscribe(running, of_topic(receiver.url, heartbeat_period=1))
        await until(lambda: [one.kind for one in receiver.sent].count("heartbeat") >= 2, 6)
        assert receiver.sent[-1].events == []
        assert receiver.sent[-1].status["events-since-subscription-start"] == "0"

    async def test_timeout(self, running: World, receiver: Receiver) -> None:
        """A receiver that does not answer within its own timeout is asked again."""
        await subscribe(running, of_topic(receiver.url, timeout=1))
        receiver.open.clear()
        await change(running, 1)
        await until(lambda: len(receiver.told) >= 2)
        receiver.open.set()
        assert set(receiver.numbers) == {1}

    async def test_count(self, running: World, receiver: Receiver) -> None:
        """What gathers while a receiver is away comes in notifications of at most so many events."""
        await subscribe(running, of_topic(receiver.url, max_count=3))
        await receiver.stop()
        await change(running, *range(7))
        await asyncio.sleep(0.3)
        await receiver.start()
        await until(lambda: len(receiver.numbers) == 7)
        assert receiver.numbers == [1, 2, 3, 4, 5, 6, 7]
        assert max(len(one.numbers) for one in receiver.told) == 3
        assert receiver.told[-1].status["events-since-subscription-start"] == "7"


class TestAdvertised:
    """What the server says of itself."""

    async def test_statement(self, world: World) -> None:
        """The capability statement names the topics, the operations and the socket."""
        rest = (await world.get("/metadata", account=None)).json()["rest"][0]
        (resource,) = [one for one in rest["resource"] if one["type"] == "Subscription"]
        topics = [one["valueCanonical"] for one in resource["extension"]]
        assert {"urn:hie:topic:encounter-start", "urn:hie:topic:resource-change-Observation"} <= set(topics)
        named = {one["name"] for one in resource["operation"]}
        assert {"status", "events", "get-ws-binding-token", "resend", "replay", "topic-list"} <= named
        assert rest["extension"][0]["valueUri"].endswith("/fhir/websocket")

    async def test_topics(self, world: World) -> None:
        """Each topic is shown as a valid Basic resource, and can be subscribed to."""
        found = (await world.get("/Subscription/$topic-list", account="system")).json()
        assert all(validation.validate(entry["resource"]) == [] for entry in found["entry"])
        urls = [entry["resource"]["extension"][0]["valueUri"] for entry in found["entry"]]
        assert len(urls) == len(set(urls)) > 100

    async def test_real_pace(self, world: World, receiver: Receiver) -> None:
        """What another process writes the moment a Subscription is active is told: every process knows of it."""
        async with build(world.services.settings) as second, World.over(second) as elsewhere:
            await world.made(patient("p1"))
            async with engine(world.services, slower(settling=2.5)):
                answer = await world.post("/Subscription", of_topic(receiver.url), account="system")
                await until(lambda: has_status(world, answer.json()["id"], "active"))
                await change(elsewhere, 1)
                await until(lambda: receiver.told)
