"""Subscriptions of R4 with a rest-hook: a search, and what is sent where it matches."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime, timedelta

from fhir_world import World, issue, observation
from receiver import Receiver
from subscription_world import change, has_status, of_r4, subscribe, until


class TestSignal:
    """No payload: a bare POST."""

    async def test_bare(self, running: World, receiver: Receiver) -> None:
        """A change that matches is told by a POST without a body; one that does not match is not told."""
        await subscribe(running, of_r4(receiver.url))
        await running.made(observation("x", code={"coding": [{"system": "http://loinc.org", "code": "2345-7"}]}))
        await change(running, 1)
        await until(lambda: receiver.sent)
        await asyncio.sleep(0.3)
        assert [(one.method, one.path, one.body) for one in receiver.sent] == [("POST", "/hook", b"")]

    async def test_headers(self, running: World, receiver: Receiver) -> None:
        """The headers are sent as they were given, and their values are not shown to who reads the Subscription."""
        asked = of_r4(receiver.url, channel={"header": ["Authorization: Bearer secret-of-ours", "X-Site: A"]})
        name = await subscribe(running, asked)
        await change(running, 1)
        await until(lambda: receiver.sent)
        assert receiver.sent[0].headers["authorization"] == "Bearer secret-of-ours"
        assert receiver.sent[0].headers["x-site"] == "A"
        read = await running.get(f"/Subscription/{name}", account="system")
        assert "secret-of-ours" not in read.text
        assert read.json()["channel"]["header"] == ["Authorization: ***", "X-Site: ***"]

    async def test_hidden_headers_stay(self, running: World, receiver: Receiver) -> None:
        """Who writes back what was read does not lose the hidden values."""
        name = await subscribe(running, of_r4(receiver.url, channel={"header": ["Authorization: Bearer secret"]}))
        read = (await running.get(f"/Subscription/{name}", account="system")).json()
        await running.put(f"/Subscription/{name}", read | {"reason": "another"}, account="system")
        await until(lambda: has_status(running, name, "active"))
        await change(running, 1)
        await until(lambda: receiver.sent)
        assert receiver.sent[0].headers["authorization"] == "Bearer secret"


class TestPayload:
    """A payload: the resource is put below the endpoint."""

    async def test_json(self, running: World, receiver: Receiver) -> None:
        """Creation and update are each put with the text of that version, in order."""
        await subscribe(running, of_r4(receiver.url, channel={"payload": "application/fhir+json"}))
        await change(running, 1)
        await change(running, 1, valueString="neu")
        await until(lambda: len(receiver.sent) == 2)
        assert [(one.method, one.path) for one in receiver.sent] == [("PUT", "/hook/Observation/o1")] * 2
        assert [one.json["meta"]["versionId"] for one in receiver.sent] == ["1", "2"]
        served = await running.get("/Observation/o1", account="system")
        assert receiver.sent[1].body == served.content
        assert receiver.sent[1].headers["content-type"].startswith("application/fhir+json")

    async def test_xml(self, running: World, receiver: Receiver) -> None:
        """The same in XML where that was asked for."""
        await subscribe(running, of_r4(receiver.url, channel={"payload": "application/fhir+xml"}))
        await change(running, 1)
        await until(lambda: receiver.sent)
        assert receiver.sent[0].body.startswith(b"<?xml")
        assert b'<id value="o1"/>' in receiver.sent[0].body

    async def test_every_parameter(self, running: World, receiver: Receiver) -> None:
        """The criteria are a search like any other: chains, modifiers, dates."""
        criteria = "Observation?subject:Patient.family=王&code:not=2345-7&status=final&_lastUpdated=gt2020-01-01"
        await subscribe(running, of_r4(receiver.url, criteria))
        await running.made({"resourceType": "Patient", "id": "p2", "name": [{"family": "李"}]})
        await change(running, 1, of="p2")
        await change(running, 2, of="p1")
        await until(lambda: receiver.sent)
        await asyncio.sleep(0.3)
        assert len(receiver.sent) == 1

    async def test_version_that_was_overtaken(self, running: World, receiver: Receiver) -> None:
        """A version that matched is told though the next one, written at once, does not match."""
        asked = of_r4(receiver.url, "Observation?status=preliminary", channel={"payload": "application/json"})
        await subscribe(running, asked)
        for number in range(5):
            await change(running, number, status="preliminary")
            await change(running, number, status="final")
        await until(lambda: len(receiver.sent) == 5)
        await asyncio.sleep(0.3)
        assert [one.json["status"] for one in receiver.sent] == ["preliminary"] * 5


class TestStatus:
    """requested, active, error, off."""

    async def test_requested(self, world: World, receiver: Receiver) -> None:
        """The server decides: what a client calls active is requested until it is accepted."""
        answer = await world.post("/Subscription", of_r4(receiver.url, status="active"), account="system")
        assert (answer.status_code, answer.json()["status"]) == (201, "requested")

    async def test_error(self, running: World, receiver: Receiver) -> None:
        """A receiver that fails again and again is said so in the resource, and no longer when it works."""
        name = await subscribe(running, of_r4(receiver.url))
        receiver.answers = lambda sent: 503
        await change(running, 1)
        await until(lambda: has_status(running, name, "error"))
        read = (await running.get(f"/Subscription/{name}", account="system")).json()
        assert read["error"] == "The endpoint answered 503."
        receiver.answers = lambda sent: 200
        await until(lambda: has_status(running, name, "active"))
        assert "error" not in (await running.get(f"/Subscription/{name}", account="system")).json()

    async def test_off(self, running: World, receiver: Receiver) -> None:
        """One that is off is told nothing, and what happens meanwhile neither when it is on again."""
        name = await subscribe(running, of_r4(receiver.url, channel={"payload": "application/fhir+json"}))
        read = (await running.get(f"/Subscription/{name}", account="system")).json()
        await running.put(f"/Subscription/{name}", read | {"status": "off"}, account="system")
        await change(running, 1)
        await asyncio.sleep(0.5)
        await running.put(f"/Subscription/{name}", read | {"status": "requested"}, account="system")
        await running.services.interest.look()
        await until(lambda: has_status(running, name, "active"))
        await change(running, 2)
        await until(lambda: receiver.sent)
        assert [one.path for one in receiver.sent] == ["/hook/Observation/o2"]

    async def test_end(self, running: World, receiver: Receiver) -> None:
        """After its end it is off."""
        end = (datetime.now(UTC) + timedelta(seconds=1)).isoformat(timespec="milliseconds")
        name = await subscribe(running, of_r4(receiver.url, end=end))
        await until(lambda: has_status(running, name, "off"))
        await change(running, 1)
        await asyncio.sleep(0.4)
        assert receiver.sent == []


class TestRefusals:
    """What is not taken, and why."""

    async def refused(self, world: World, asked: dict, account: str = "system") -> tuple[int, str, str]:
        return issue(await world.post("/Subscription", asked, account=account))

    async def test_terms(self, world: World, receiver: Receiver) -> None:
        """Criteria, channels, endpoints and headers that cannot be honoured are refused with a reason."""
        for asked, status in (
            (of_r4(receiver.url, "Observation?no-such=1"), 400),
            (of_r4(receiver.url, "NoSuchType?x=1"), 422),
            (of_r4(receiver.url, "urn:hie:topic:no-such"), 422),
            (of_r4(receiver.url, "http://example.org/SubscriptionTopic/other"), 422),
            (of_r4(receiver.url, "Observation?_count=1"), 400),
            (of_r4(receiver.url, channel={"type": "email"}), 422),
            (of_r4(receiver.url, channel={"payload": "text/plain"}), 422),
            (of_r4(receiver.url, channel={"header": ["Host: elsewhere"]}), 422),
            (of_r4(receiver.url, channel={"header": ["no colon"]}), 422),
            (of_r4("ftp://127.0.0.1/x"), 422),
            (of_r4("http://user:word@127.0.0.1/x"), 422),
        ):
            found = await self.refused(world, asked)
            assert found[0] == status, found

    async def test_hosts(self, world: World) -> None:
        """Endpoints elsewhere than the operator named are refused, by name and by address."""
        for host in ("10.0.0.1", "169.254.169.254", "192.168.1.1", "[fe80::1]", "[::ffff:10.0.0.1]", "a.invalid"):
            found = await self.refused(world, of_r4(f"http://{host}/x"))
            assert found[0] == 422, (host, found)
            assert "operator" in found[2]

    async def test_scope(self, world: World, receiver: Receiver) -> None:
        """A caller that may not search the type may not be told of it."""
        found = await self.refused(world, of_r4(receiver.url, "AuditEvent?action=R"), "clinician")
        assert found[:2] == (403, "forbidden")

    async def test_another_subscriber(self, world: World, receiver: Receiver) -> None:
        """What one subscriber asked for another may neither change nor delete; an operator may."""
        name = (await world.post("/Subscription", of_r4(receiver.url), account="clinician")).json()["id"]
        changed = of_r4(receiver.url) | {"id": name}
        assert (await world.put(f"/Subscription/{name}", changed, account="pharmacist")).status_code == 403
        assert (await world.ask("DELETE", f"/Subscription/{name}", account="pharmacist")).status_code == 403
        assert (await world.ask("DELETE", f"/Subscription/{name}", account="administrator")).status_code == 204

    async def test_in_a_transaction(self, world: World, receiver: Receiver) -> None:
        """A transaction passes the same checks, and stores nothing where they fail."""
        entries = [
            {"resource": one, "request": {"method": "POST", "url": one["resourceType"]}}
            for one in (observation("t1"), of_r4("http://10.0.0.1/x"))
        ]
        bundle = {"resourceType": "Bundle", "type": "transaction", "entry": entries}
        answer = await world.post("", bundle, account="system")
        assert answer.status_code == 422
        assert (await world.get("/Observation?_summary=count", account="system")).json()["total"] == 0
