"""Running the HL7 v2 engine from its pages: watching, finding, reading, correcting, replaying, holding back."""

from __future__ import annotations

import base64
import re
from datetime import timedelta
from typing import Any

from hie.app import Services
from hie.applications.administration.counting import HOUR, MINUTE, TrafficCounts, floor, id_at
from hie.exchange.dead_letters import DeadLetters
from hie.exchange.outbox import Event
from hie.feeds.kinds import Kind
from tests.hie.applications.administration.administration_world import DESK, adt, kill, send
from tests.hie.workbench.workbench_world import Browser, World

HL7 = "http://terminology.hl7.org/CodeSystem"
WHY = {"reason": "核对字段映射"}
FEED: dict[str, Any] = {
    "feed": "h02", "receiver": {"application": "HIS", "facility": "H02"}, "address": "127.0.0.1:1",
    "messages": ["ADT"], "account": {"organization": "urn:hie:organization|370303-H02"},
}  # fmt: skip


def counter(services: Services) -> TrafficCounts:
    return TrafficCounts(services.client, services.settings.database_prefix, clock=services.clock)


async def opened(region: World, message: str) -> Browser:
    """An administrator who said why he reads this message."""
    browser = await region.signed_in("administrator", f"{DESK}/messages/{message}/content")
    await browser.post(f"{DESK}/messages/{message}/reason", WHY)
    return browser


async def queued(services: Services, number: int, state: str = "waiting") -> None:
    """A message in the queue of the feed."""
    feed = await services.feeds.load(FEED, by="test", settling=0)
    event = Event(f"0000000{number}", "Patient", f"p{number}", 1, "create", (f"p{number}",), services.clock())
    await services.feeds.queue(feed, event, Kind("ADT", "A01"), ["p1"])
    if state != "waiting":
        change = {"state": state, "reason": "AE 204 PID^1^3", "code_told": "AE", "settled": services.clock()}
        await services.feeds.messages.update_one({"_id": f"h02/{event.id}"}, {"$set": change})


class TestCounting:
    async def test_once(self, region: World) -> None:
        """Minutes are counted once, when they are over; a look adds what came since."""
        counts, journal = counter(region.services), region.services.journal.collection
        await send(region.services, adt("1"), adt("2"), adt("3", "LIS|H02"), work=False)
        now = region.clock()
        await journal.update_one({"control": "1"}, {"$set": {"received": now - 90 * MINUTE}})
        await journal.update_one({"control": "2"}, {"$set": {"received": now - 5 * MINUTE}})
        await counts.catch_up()
        await counts.catch_up()
        minutes = await counts.minutes(floor(now, MINUTE) - HOUR + MINUTE)
        received = await counts.received(floor(now - 3 * HOUR, HOUR))

        assert sum(sum(one.values()) for one in minutes.values()) == 2
        assert received == {"site-his-h01": 2, "site-lis-h02": 1}

    async def test_two_at_once(self, region: World) -> None:
        """Two processes that count the same count nothing twice, and what is pruned later stays counted."""
        first, second = counter(region.services), counter(region.services)
        await send(region.services, adt("1"), work=False)
        region.clock.passed = timedelta(minutes=3)
        await first.catch_up()
        await second._place.delete_many({})
        await second.catch_up()
        region.clock.passed = timedelta(minutes=30)
        await region.services.journal.collection.delete_many({})
        await first.catch_up()

        assert await first.received(floor(region.clock() - 2 * HOUR, HOUR)) == {"site-his-h01": 1}

    async def test_no_scan(self, region: World) -> None:
        """What the monitor asks is answered by an index, whatever is stored."""
        await send(region.services, *(adt(str(n)) for n in range(5)), work=False)
        journal = region.services.journal.collection
        queries = (
            {"state": "dead"}, {"site": "site-his-h01", "state": "pending"},
            {"state": {"$in": ["dead", "rejected"]}, "_id": {"$gte": id_at(region.clock() - HOUR)}},
            {"received": {"$gte": region.clock() - HOUR, "$lt": region.clock()}},
        )  # fmt: skip
        for query in queries:
            plan = str(await journal.find(query).explain())

            assert "COLLSCAN" not in plan, query


class TestMonitor:
    async def test_all(self, region: World) -> None:
        """The hour as a picture and as numbers, queues with their ages, failures of today by site, the feeds."""
        await send(region.services, adt("1"))
        ids = await send(region.services, adt("2", "LIS|H02"), work=False)
        await kill(region.services, *ids)
        await send(region.services, adt("3", "LIS|H02"), work=False)
        await queued(region.services, 1)
        await queued(region.services, 2, "dead")
        region.clock.passed = timedelta(minutes=4)
        page = (await region.signed_in("administrator", DESK)).page.text

        assert "最近一小时收到 3 条" in page
        assert page.count('fill="#b85c00"') >= 1
        assert re.search(r"site-lis-h02.*?4 分钟.*?50%", page, re.DOTALL)
        assert re.search(r">h02</a>.*?>1</td>.*?4 分钟.*?>1</td>", page, re.DOTALL)

    async def test_refresh(self, region: World) -> None:
        """The page renews itself only where asked to, counts down, and can be stopped."""
        browser = await region.signed_in("administrator", DESK)
        resting = browser.page
        live = await browser.get(f"{DESK}?live=20")
        last = await browser.get(f"{DESK}?live=1")

        assert "refresh" not in resting.headers
        assert live.headers["refresh"] == f"30; url={DESK}?live=19"
        assert f'href="{DESK}">暂停刷新' in live.text
        assert last.headers["refresh"] == f"30; url={DESK}"


class TestSearch:
    async def test_by_number(self, region: World) -> None:
        """By the hospital's number: what is stored and what died; no address has it, and the search is in the trail."""
        await send(region.services, adt("1"), adt("2", extra="ZPD|1|x"))
        await kill(region.services, *await send(region.services, adt("3"), work=False))
        await send(region.services, adt("4").replace(b"L1^", b"L9^"))
        others = adt("5").replace(b"L1^", b"L12^"), adt("6").replace(b"L1^", b"L9^").replace(b"V1\r", b"L1\r")
        await kill(region.services, *await send(region.services, *others, work=False))
        browser = await region.signed_in("administrator", f"{DESK}/messages")
        page = await browser.post(f"{DESK}/messages", {"number": "L1"})
        (stored, *_) = (await region.services.store.search("Patient", [("identifier", "L1")])).matches
        trail = str(await region.audit(patient=f"Patient/{stored.id}"))

        assert "L1" not in str(page.url)
        # Random signs of a form may hold any two letters.
        assert not re.search(r"\bL1\b", page.text.partition("<main")[2])
        assert page.text.count(f'href="{DESK}/messages/0') == 3
        assert base64.b64encode(b"MessageHeader?patient").decode() in trail

    async def test_by_person(self, region: World) -> None:
        """By the id of the region's person: messages of all his records."""
        await send(region.services, adt("1"))
        (stored,) = (await region.services.store.search("Patient", [])).matches
        person = await region.services.registry.person_of(stored.id)
        browser = await region.signed_in("administrator", f"{DESK}/messages")
        page = await browser.post(f"{DESK}/messages", {"person": f"Person/{person}"})
        nobody = await browser.post(f"{DESK}/messages", {"person": "nobody"})

        assert page.text.count(f'href="{DESK}/messages/0') == 1
        assert nobody.text.count(f'href="{DESK}/messages/0') == 0

    async def test_refused_record(self, region: World) -> None:
        """Of a record that the resident closed to this role neither messages nor words are shown."""
        (message,) = await send(region.services, adt("1"))
        await close(region)
        browser = await region.signed_in("administrator", f"{DESK}/messages")
        found = await browser.post(f"{DESK}/messages", {"number": "L1"})
        await browser.get(f"{DESK}/messages/{message}/content")
        content = await browser.post(f"{DESK}/messages/{message}/reason", WHY)

        assert found.text.count(f'href="{DESK}/messages/0') == 0
        assert "内容不开放" in content.text
        assert any(one["outcome"] == "4" for one in await region.audit(entity=f"MessageHeader/{message}"))
        assert "晓梅" not in content.text

    async def test_somebody_elses_search(self, region: World) -> None:
        """The address of a search opens nothing for another session."""
        browser = await region.signed_in("administrator", f"{DESK}/messages")
        page = await browser.post(f"{DESK}/messages", {"number": "L1"})
        other = await region.signed_in("administrator", str(page.url).removeprefix("http://127.0.0.1:8080"))

        assert str(other.page.url).endswith("/messages")

    async def test_filters_and_pages(self, region: World) -> None:
        """Site, type, state, time and acknowledgement; thirty messages are two pages without a gap."""
        await send(region.services, *(adt(str(n)) for n in range(30)), work=False)
        await send(region.services, adt("x", "LIS|H02").replace(b"|2.5.1|", b"|3.0|"), work=False)
        browser = await region.signed_in("administrator", f"{DESK}/messages")
        refused = await browser.post(f"{DESK}/messages", {"ack": "AR"})
        first = await browser.post(f"{DESK}/messages", {"site": "site-his-h01", "type": "ADT^A04", "state": "pending"})
        older = re.search(r'href="([^"]+)" rel="next"', first.text)
        assert older is not None
        second = await browser.get(older[1].replace("&amp;", "&"))
        listed = [set(re.findall(rf'href="{DESK}/messages/(0\w+)"', page.text)) for page in (first, second)]
        nothing = await browser.post(f"{DESK}/messages", {"until": "2020-01-01T00:00"})
        wrong = await browser.post(f"{DESK}/messages", {"since": "yesterday"})

        assert refused.text.count(f'href="{DESK}/messages/0') == 1
        assert (len(listed[0]), len(listed[1]), len(listed[0] | listed[1])) == (25, 5, 30)
        assert "没有符合条件的消息" in nothing.text
        assert wrong.status_code == 422


async def close(region: World) -> None:
    """The resident refuses every use of the record."""
    (row,) = (await region.services.store.search("Patient", [("_count", "10")])).matches
    await region.file(
        {
            "resourceType": "Consent", "id": "c1", "status": "active", "patient": {"reference": f"Patient/{row.id}"},
            "scope": {"coding": [{"system": f"{HL7}/consentscope", "code": "patient-privacy"}]},
            "category": [{"coding": [{"system": "http://loinc.org", "code": "59284-0"}]}],
            "policyRule": {"coding": [{"system": f"{HL7}/v3-ActCode", "code": "OPTOUT"}]},
            "provision": {"type": "deny"},
        }
    )  # fmt: skip


class TestMessage:
    async def test_side_by_side(self, region: World) -> None:
        """Each field with its name, the element that it went to and what that holds now; what stayed is said."""
        (message,) = await send(region.services, adt("1", extra="ZPD|1|本\x02地"))
        browser = await opened(region, message)
        page = browser.page.text

        assert re.search(r"PID-3<br><small lang=\"en\">Patient Identifier List", page)
        assert re.search(r"PID-7.*?19850612.*?Patient\.birthDate.*?1985-06-12", page, re.DOTALL)
        assert re.search(r"ZPD-2.*?本␂地.*?原样保存", page, re.DOTALL)
        assert "MSA|AA|1" in page

    async def test_current_version(self, region: World) -> None:
        """Beside the old words stands what is stored now, with its version."""
        newer = adt("2").replace(b"19850612", b"19860612").replace(b"0000||ADT", b"0100||ADT")
        first, _ = await send(region.services, adt("1"), newer)
        page = (await opened(region, first)).page.text

        assert re.search(r"PID-7.*?19850612.*?1986-06-12", page, re.DOTALL)

    async def test_reason(self, region: World) -> None:
        """Without a reason nothing is shown, and a reason is more than a letter."""
        (message,) = await send(region.services, adt("1"))
        browser = await region.signed_in("administrator", f"{DESK}/messages/{message}/content")
        asked, short = browser.page, await browser.post(f"{DESK}/messages/{message}/reason", {"reason": "x"})

        assert "晓梅" not in asked.text
        assert short.status_code == 422
        assert 'href="#reason"' in short.text




class TestCorrection:
    async def dead(self, region: World) -> str:
        (message,) = await send(region.services, adt("1"), work=False)
        await kill(region.services, message)
        return message

    async def test_corrected(self, region: World) -> None:
        """The new words are stored, the old entry stays as it came; both name who and why, and no replay undoes it."""
        old = await self.dead(region)
        browser = await opened(region, old)
        form = await browser.get(f"{DESK}/messages/{old}/correct")
        text = adt("1").decode().replace("晓梅", "小梅").replace("\r", "\n")
        tried = await browser.post(f"{DESK}/messages/{old}/correct", {"text": text, "what": "preview"})
        sent = await browser.post(f"{DESK}/messages/{old}/correct", {"text": text, "what": "send", "why": "姓名写错"})
        for entry in await region.services.journal.pending_in(range(region.settings.lanes), 10):
            await region.services.pipeline(entry)
        replayed = await DeadLetters(region.services.journal).replay_dead(by="x")
        (stored,) = (await region.services.store.search("Patient", [("_count", "10")])).matches
        was = await region.services.journal.get(old)

        assert "晓梅" in form.text
        assert "Patient 1" in tried.text
        assert "改正后的消息已放入队列" in sent.text
        assert old in sent.text
        assert "姓名写错" in sent.text
        assert replayed == 0
        assert "小梅" in str(stored.resource())
        assert was is not None
        assert was.raw == adt("1")
        assert any("姓名写错" in str(event) and event["action"] == "U" for event in await region.audit())

    async def test_mistakes(self, region: World) -> None:
        """What the intake would refuse is refused here; unchanged words, and no reason, too; nothing is sent."""
        old = await self.dead(region)
        browser = await opened(region, old)
        address = f"{DESK}/messages/{old}/correct"
        await browser.get(address)
        good = adt("1").decode().replace("晓梅", "小梅").replace("\r", "\n")
        tries = [
            {"text": good.replace("HIS|H01", "LIS|H09"), "why": "换一个发送方"},
            {"text": "PID|1", "why": "没有消息头"},
            {"text": adt("1").decode().replace("\r", "\n"), "why": "没有改动过"},
            {"text": good, "why": ""},
        ]
        codes = [(await browser.post(address, {"what": "send", **one})).status_code for one in tries]

        assert codes == [422, 422, 422, 422]
        assert (await region.services.journal.counts())["received"] == 1

    async def test_stored(self, region: World) -> None:
        """What was stored is corrected by a later message; the old one stays what it is."""
        (old,) = await send(region.services, adt("1"))
        browser = await opened(region, old)
        await browser.get(f"{DESK}/messages/{old}/correct")
        text = adt("1").decode().replace("19850612", "19850613").replace("\r", "\n")
        sent = await browser.post(f"{DESK}/messages/{old}/correct", {"text": text, "what": "send", "why": "生日写错"})
        for entry in await region.services.journal.pending_in(range(region.settings.lanes), 10):
            await region.services.pipeline(entry)
        (stored,) = (await region.services.store.search("Patient", [])).matches

        assert old in sent.text
        assert stored.resource()["birthDate"] == "1985-06-13"
        assert (await region.services.journal.counts())["committed"] == 2

    async def test_closed(self, region: World) -> None:
        """A dead letter that nobody will replay is closed with a reason, and counts no more."""
        old = await self.dead(region)
        browser = await region.signed_in("administrator", f"{DESK}/dead-letters")
        unsaid = await browser.post(f"{DESK}/dead-letters", {"what": "close", "message": [old]})
        done = await browser.post(f"{DESK}/dead-letters", {"what": "close", "message": [old], "why": "测试消息"})

        assert unsaid.status_code == 422
        assert "已了结 1 条消息" in done.text
        assert (await region.services.journal.counts())["dead"] == 0

    async def test_waiting(self, region: World) -> None:
        """A message on its way is not corrected beneath the worker."""
        (message,) = await send(region.services, adt("1"), work=False)
        browser = await opened(region, message)

        assert (await browser.get(f"{DESK}/messages/{message}/correct")).status_code == 422


class TestReplay:
    async def test_previewed(self, region: World) -> None:
        """How many is said first; what is confirmed is replayed, and nothing that came later."""
        await send(region.services, adt("1"), adt("2"), adt("3", "LIS|H02"))
        browser = await region.signed_in("administrator", f"{DESK}/replay")
        page = await browser.post(f"{DESK}/replay", {"site": "site-his-h01", "type": "ADT^A04"})
        region.clock.passed = timedelta(seconds=5)
        await send(region.services, adt("4"))
        address = re.search(rf'action="({DESK}/replay/[^"]+)"', page.text)
        assert address is not None
        short = await browser.post(address[1], {"reason": ""})
        done = await browser.post(address[1], WHY)
        counts = await region.services.journal.counts()

        assert "2 条" in page.text
        assert short.status_code == 422
        assert "2 条消息已放回队列" in done.text
        assert (counts["pending"], counts["committed"]) == (2, 2)
        assert any("核对字段映射" in str(one) for one in await region.audit())

    async def test_everything(self, region: World) -> None:
        """All messages of all times are not replayed by a form that nobody filled."""
        browser = await region.signed_in("administrator", f"{DESK}/replay")

        assert (await browser.post(f"{DESK}/replay", {})).status_code == 422


class TestFeeds:
    async def test_paused(self, region: World) -> None:
        """Held back and let go, with a reason that is kept in the trail."""
        await queued(region.services, 1)
        browser = await region.signed_in("administrator", f"{DESK}/feeds/h02")
        unsaid = await browser.post(f"{DESK}/feeds/h02/hold", {"what": "pause"})
        page = await browser.post(f"{DESK}/feeds/h02/hold", {"what": "pause", **WHY})
        held = await region.services.feeds.find("h02")
        await browser.post(f"{DESK}/feeds/h02/hold", {"what": "resume", **WHY})
        free = await region.services.feeds.find("h02")

        assert unsaid.status_code == 422
        assert "已暂停" in page.text
        assert held is not None
        assert free is not None
        assert (held.paused, free.paused) == (True, False)

    async def test_refused(self, region: World) -> None:
        """What the receiver refused is listed with its answer, and goes back into the queue; the first is set aside."""
        await queued(region.services, 1)
        await queued(region.services, 2, "dead")
        browser = await region.signed_in("administrator", f"{DESK}/feeds/h02")
        listed = browser.page.text
        await browser.post(f"{DESK}/feeds/h02/replay", {"what": "selected", "message": ["00000002"]})
        replayed = await region.services.feeds.counts("h02")
        await browser.post(f"{DESK}/feeds/h02/replay", {"what": "aside", "event": "00000001"})
        aside = await region.services.feeds.counts("h02")

        assert "AE 204 PID^1^3" in listed
        assert (replayed["waiting"], replayed["dead"]) == (2, 0)
        assert (aside["waiting"], aside["dead"]) == (1, 1)

    async def test_unknown(self, region: World) -> None:
        """There is no such feed."""
        assert (await region.signed_in("administrator", f"{DESK}/feeds/x")).page.status_code == 404


