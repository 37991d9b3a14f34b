"""$status, $events, $resend, $get-ws-binding-token."""

from __future__ import annotations

from fhir_world import World, issue
from receiver import Receiver, events_of, parts
from subscription_world import change, of_r4, of_socket, of_topic, subscribe, until

from records import validation


class TestStatus:
    """The state of one or of several."""

    async def test_one(self, running: World, receiver: Receiver) -> None:
        """A search set with the status as Parameters: how many events there were since it began."""
        name = await subscribe(running, of_topic(receiver.url))
        await change(running, 1, 2)
        await until(lambda: len(receiver.numbers) == 2)
        found = (await running.get(f"/Subscription/{name}/$status", account="system")).json()
        assert validation.validate(found) == []
        shown = parts(found["entry"][0]["resource"]["parameter"])
        assert (shown["status"], shown["type"]) == ("active", "query-status")
        assert shown["events-since-subscription-start"] == "2"

    async def test_several(self, running: World, receiver: Receiver) -> None:
        """By id, by status, or all that the caller may see; another's is not among them."""
        first = await subscribe(running, of_topic(receiver.url))
        second = await subscribe(running, of_r4(receiver.url))
        own = await subscribe(running, of_r4(receiver.url), account="clinician")

        async def ids(query: str, account: str = "system") -> set[str]:
            found = (await running.get(f"/Subscription/$status{query}", account=account)).json()
            rows = [parts(entry["resource"]["parameter"]) for entry in found.get("entry", ())]
            return {row["subscription"]["reference"].rpartition("/")[2] for row in rows}

        assert await ids("") == {first, second, own}
        assert await ids(f"?id={first}") == {first}
        assert await ids("?status=error&status=off") == set()
        assert await ids("?status=active") == {first, second, own}
        assert await ids("", "clinician") == {own}
        body = {"resourceType": "Parameters", "parameter": [{"name": "id", "valueId": second}]}
        posted = await running.post("/Subscription/$status", body, account="system")
        assert posted.json()["total"] == 1

    async def test_another(self, running: World, receiver: Receiver) -> None:
        """Another's is not found, and an unknown parameter refused."""
        name = await subscribe(running, of_topic(receiver.url))
        assert issue(await running.get(f"/Subscription/{name}/$status"))[0] == 404
        assert issue(await running.get("/Subscription/$status?x=1", account="system"))[0] == 400


class TestEvents:
    """What happened, again."""

    async def test_range(self, running: World, receiver: Receiver) -> None:
        """A range of numbers, both ends included, with the content that is asked for."""
        name = await subscribe(running, of_topic(receiver.url, "resource-change-Observation", "empty"))
        await change(running, 1, 2, 3, 4)
        await until(lambda: len(receiver.numbers) == 4)
        query = "eventsSinceNumber=2&eventsUntilNumber=3"
        found = (await running.get(f"/Subscription/{name}/$events?{query}", account="system")).json()
        assert validation.validate(found) == []
        assert parts(found["entry"][0]["resource"]["parameter"])["type"] == "query-event"
        assert [one["event-number"] for one in events_of(found)] == ["2", "3"]
        assert len(found["entry"]) == 1
        full = await running.get(f"/Subscription/{name}/$events?{query}&content=full-resource", account="system")
        assert [entry["resource"]["id"] for entry in full.json()["entry"][1:]] == ["o2", "o3"]
        everything = (await running.get(f"/Subscription/{name}/$events", account="system")).json()
        assert [one["event-number"] for one in events_of(everything)] == ["1", "2", "3", "4"]

    async def test_trail(self, running: World, receiver: Receiver) -> None:
        """What $events shows is in the trail of the patients."""
        name = await subscribe(running, of_topic(receiver.url, "resource-change-Observation", "empty"))
        await change(running, 1)
        await until(lambda: receiver.told)
        before = len(await running.events(p="p1"))
        await running.get(f"/Subscription/{name}/$events?content=id-only", account="system")
        assert len(await running.events(p="p1")) == before + 1

    async def test_values(self, running: World, receiver: Receiver) -> None:
        """Numbers are numbers, and the content is one of three."""
        name = await subscribe(running, of_topic(receiver.url))
        for query in ("eventsSinceNumber=x", "content=all", "other=1"):
            assert issue(await running.get(f"/Subscription/{name}/$events?{query}", account="system"))[0] == 400


class TestResend:
    """A range once more."""

    async def test_range(self, running: World, receiver: Receiver) -> None:
        """The receiver hears of these events again, under their numbers."""
        name = await subscribe(running, of_topic(receiver.url))
        await change(running, 1, 2, 3)
        await until(lambda: len(receiver.numbers) == 3)
        query = "?eventsSinceNumber=2&eventsUntilNumber=2"
        answer = await running.post(f"/Subscription/{name}/$resend{query}", None, account="system")
        assert answer.status_code == 200, answer.text
        await until(lambda: len(receiver.numbers) == 4)
        assert receiver.numbers == [1, 2, 3, 2]
        since = "?eventsSinceInstant=2020-01-01T00:00:00Z"
        await running.post(f"/Subscription/{name}/$resend{since}", None, account="system")
        await until(lambda: len(receiver.numbers) == 7)
        assert receiver.numbers[4:] == [1, 2, 3]
        assert issue(await running.post(f"/Subscription/{name}/$resend", None, account="system"))[0] == 400


class TestToken:
    """What a socket is bound with."""

    async def test_token(self, running: World, receiver: Receiver) -> None:
        """Parameters with token, expiry, Subscriptions and address; only for websockets, only for one's own."""
        hook = await subscribe(running, of_topic(receiver.url))
        name = await subscribe(running, of_socket())
        for address in (f"{name}/$get-ws-binding-token", f"$get-ws-binding-token?id={name}"):
            found = (await running.get(f"/Subscription/{address}", account="system")).json()
            assert validation.validate(found) == []
            shown = parts(found["parameter"])
            assert shown["subscription"] == name
            assert shown["websocket-url"].startswith("ws://")
            assert len(shown["token"]) > 40
        assert issue(await running.get(f"/Subscription/{hook}/$get-ws-binding-token", account="system"))[0] == 400
        assert issue(await running.get(f"/Subscription/{name}/$get-ws-binding-token"))[0] == 404
