"""The pages of the administration against a real exchange: what they show, what they do, and that it is audited."""

from __future__ import annotations

import re
from datetime import UTC, datetime

from hie.access.caller import Caller
from hie.audit.events import Entry
from hie.indicators.indicator import Window
from tests.hie.applications.administration.administration_world import DESK, adt, kill, send
from tests.hie.workbench.workbench_people import patient
from tests.hie.workbench.workbench_world import World

OTHER = "370303194809150175"


class TestMonitor:
    async def test_counts_and_list(self, region: World) -> None:
        """States, sites with their names, the hour; each figure opens its messages."""
        await send(region.services, adt("1"), adt("2"))
        ids = await send(region.services, adt("3"), work=False)
        await kill(region.services, *ids)
        browser = await region.signed_in("administrator", DESK)
        figures = browser.page.text
        listed = (await browser.get(f"{DESK}/messages?state=committed")).text
        found = (await browser.get(f"{DESK}/messages?id=3")).text

        assert "site-his-h01" in figures
        assert "33.3%" in figures
        assert listed.count(f'href="{DESK}/messages/0') == 2
        assert found.count(f'href="{DESK}/messages/0') == 1
        assert "The visit number is missing" in found

    async def test_message_keeps_its_words(self, region: World) -> None:
        """The page of a message says everything but its words; the words are one step on, and audited."""
        (message,) = await send(region.services, adt("1", extra="ZPD|1|本地"))
        browser = await region.signed_in("administrator", f"{DESK}/messages/{message}")
        about = browser.page.text
        before = await region.audit(entity=f"MessageHeader/{message}")
        asked = (await browser.get(f"{DESK}/messages/{message}/content")).text
        content = (await browser.post(f"{DESK}/messages/{message}/reason", {"reason": "核对字段映射"})).text
        after = await region.audit(entity=f"MessageHeader/{message}")

        assert "王" not in about.replace("王晓梅", "王") or "晓梅" not in about
        assert "ZPD" in about
        assert "晓梅" not in asked
        assert "晓梅" in content
        assert "&#34;resourceType&#34;: &#34;Encounter&#34;" in content
        assert "已入库" in content
        assert (len(before), len(after)) == (0, 1)
        assert "核对字段映射" in str(after[0])
        assert any(entity.get("role", {}).get("code") == "1" for entity in after[0]["entity"])

    async def test_script_in_a_message(self, region: World) -> None:
        """What a message holds is text, never a part of the page."""
        (message,) = await send(region.services, adt("1").replace("晓梅".encode(), b"<script>alert(1)</script>"))
        browser = await region.signed_in("administrator", f"{DESK}/messages/{message}/content")
        await browser.post(f"{DESK}/messages/{message}/reason", {"reason": "核对字段映射"})

        assert "<script>alert" not in browser.page.text
        assert "&lt;script&gt;alert" in browser.page.text

    async def test_others_stay_outside(self, region: World) -> None:
        """A clinician sees no traffic."""
        browser = await region.signed_in("clinician", DESK)

        assert browser.page.status_code == 403


class TestDeadLetters:
    async def test_replay_selected(self, region: World) -> None:
        """The ticked ones go back into their lanes, the others stay; who asked is in the journal and in the trail."""
        ids = await send(region.services, adt("1"), adt("2"), work=False)
        await kill(region.services, *ids)
        browser = await region.signed_in("administrator", f"{DESK}/dead-letters")
        page = await browser.post(f"{DESK}/dead-letters", {"what": "selected", "message": ids[:1]})
        counts = await region.services.journal.counts()
        details = await region.services.journal.details(ids[0])

        assert "1 条消息已放回队列" in page.text
        assert (counts["pending"], counts["dead"]) == (1, 1)
        assert details["released"][0]["by"]
        assert any(event["type"]["code"] == "rest" and event["action"] == "E" for event in await region.audit())

    async def test_replay_site_and_all(self, region: World) -> None:
        """A site's dead letters, then all that are left."""
        ids = await send(region.services, adt("1"), adt("2", "LIS|H02"), adt("3", "LIS|H03"), work=False)
        await kill(region.services, *ids)
        browser = await region.signed_in("administrator", f"{DESK}/dead-letters")
        site = await browser.post(f"{DESK}/dead-letters", {"what": "site", "site": "site-lis-h02"})
        rest = await browser.post(f"{DESK}/dead-letters", {"what": "all"})

        assert "1 条消息已放回队列" in site.text
        assert "2 条消息已放回队列" in rest.text

    async def test_nothing_ticked(self, region: World) -> None:
        """Nothing chosen is said, and nothing replayed."""
        await kill(region.services, *await send(region.services, adt("1"), work=False))
        browser = await region.signed_in("administrator", f"{DESK}/dead-letters")
        page = await browser.post(f"{DESK}/dead-letters", {"what": "selected"})

        assert page.status_code == 422
        assert (await region.services.journal.counts())["dead"] == 1

    async def test_forged(self, region: World) -> None:
        """Without the page's token nothing is replayed."""
        await kill(region.services, *await send(region.services, adt("1"), work=False))
        browser = await region.signed_in("administrator", f"{DESK}/dead-letters")
        page = await browser.post(f"{DESK}/dead-letters", {"what": "all"}, token=False)

        assert page.status_code == 403
        assert (await region.services.journal.counts())["dead"] == 1


class TestSenders:
    async def test_new_facility(self, region: World) -> None:
        """A sender that nobody knew becomes a facility of the directory; what it sent later is understood as its."""
        await send(region.services, adt("1"))
        browser = await region.signed_in("administrator", f"{DESK}/senders")
        listed = browser.page.text
        await browser.get(f"{DESK}/senders/site-his-h01")
        form = {"how": "new", "name": "马尚卫生院", "code": "370303-W01", "charset": "GB18030", "zone": "Asia/Shanghai",
                "authority": "urn:hie:authority:H01"}  # fmt: skip
        page = await browser.post(f"{DESK}/senders/site-his-h01", form)
        site = await region.services.directory.site_for("HIS|H01")

        assert "HIS|H01" in listed
        assert "已登记" in page.text
        assert site is not None
        assert (site.name, site.charset, site.provisional) == ("马尚卫生院", "GB18030", False)
        assert "HIS|H01" not in (await browser.get(f"{DESK}/senders")).text

    async def test_mistakes(self, region: World) -> None:
        """A facility that is not in the directory is refused, and nothing is registered."""
        await send(region.services, adt("1"))
        browser = await region.signed_in("administrator", f"{DESK}/senders/site-his-h01")
        form = {"how": "existing", "organization": "nobody", "charset": "GBK", "zone": "Asia/Shanghai",
                "authority": "urn:x"}  # fmt: skip
        page = await browser.post(f"{DESK}/senders/site-his-h01", form)

        assert page.status_code == 422
        assert 'href="#organization"' in page.text
        assert len(await region.services.directory.provisional()) == 1


class TestCodes:
    async def test_queue(self, region: World) -> None:
        """What was kept but not mapped is counted by site and place."""
        await send(region.services, adt("1", extra="ZPD|1|本地"), adt("2", extra="ZPD|1|本地"))
        browser = await region.signed_in("administrator", f"{DESK}/codes?kind=segment")

        assert re.search(r"ZPD.*?<td class=\"number\">2</td>", browser.page.text, re.DOTALL)


class TestMatches:
    async def ask(self, region: World) -> str:
        """Two records with the same name and birth date and two valid numbers: the rules may not decide."""
        await region.file(patient("p1"))
        await region.file(patient("p2", number="370303198506125528"))
        (question,) = await region.services.registry.reviews()
        return question.id

    async def test_side_by_side(self, region: World) -> None:
        """Both records, line by line, with the evidence; looking at them is in both trails."""
        question = await self.ask(region)
        browser = await region.signed_in("administrator", f"{DESK}/matches/{question}")

        for number in ("370303198506120428", "370303198506125528"):
            assert number in browser.page.text
        assert "不一致" in browser.page.text
        for one in ("p1", "p2"):
            assert await region.audit(patient=f"Patient/{one}")

    async def test_same_then_apart(self, region: World) -> None:
        """The steward joins two records to one human, and can take them apart again, for ever."""
        question = await self.ask(region)
        registry = region.services.registry
        browser = await region.signed_in("administrator", f"{DESK}/matches/{question}")
        await browser.post(f"{DESK}/matches/{question}", {"answer": "same"})
        joined = await registry.person_of("p1"), await registry.person_of("p2")
        await browser.get(f"{DESK}/matches/{question}")
        page = await browser.post(f"{DESK}/matches/{question}/apart", {"patient": "p2"})
        parted = await registry.person_of("p1"), await registry.person_of("p2")

        assert joined[0] == joined[1]
        assert parted[0] != parted[1]
        assert "已拆出" in page.text

    async def test_different(self, region: World) -> None:
        """An answer closes the question; a second answer is refused."""
        question = await self.ask(region)
        browser = await region.signed_in("administrator", f"{DESK}/matches/{question}")
        first = await browser.post(f"{DESK}/matches/{question}", {"answer": "different"})
        second = await browser.post(f"{DESK}/matches/{question}", {"answer": "same"})

        assert "不同的人" in first.text
        assert second.status_code == 422
        assert (await region.services.registry.reviews("apart"))[0].by


class TestAccesses:
    async def glass(self, region: World) -> str:
        """Somebody broke the glass."""
        caller = Caller("s-1", "张医生", "clinician", "", "中心医院", purpose="ETREAT", reason="患者昏迷，急诊抢救")
        await region.file(patient("p1"))
        await region.services.audit.record([Entry("read", caller, "Patient", "p1", patient="p1")])
        return str((await region.audit(subtype="110127"))[0]["id"])

    async def test_review(self, region: World) -> None:
        """The officer sees who, why and whose, and writes down what he found, once."""
        event = await self.glass(region)
        browser = await region.signed_in("administrator", f"{DESK}/accesses")
        seen = browser.page.text
        bad = await browser.post(f"{DESK}/accesses/{event}", {f"finding-{event}": "unjustified"})
        answer = {f"finding-{event}": "justified", f"note-{event}": "抢救"}
        good = await browser.post(f"{DESK}/accesses/{event}", answer)

        assert "张医生" in seen
        assert "患者昏迷" in seen
        assert bad.status_code == 422
        assert "合理" in good.text
        assert "抢救" in good.text
        assert "待复核的紧急访问" in (await browser.get("/workbench")).text

    async def test_resident_sees_the_officer(self, region: World) -> None:
        """Looking at somebody's accesses is itself an access that the resident sees."""
        await self.glass(region)
        await region.signed_in("administrator", f"{DESK}/accesses")
        events = await region.audit(patient="Patient/p1")

        assert {event["agent"][-1].get("name") or event["agent"][2].get("name") for event in events} >= {"周管理员"}


class TestFigures:
    async def test_opened(self, region: World) -> None:
        """A figure with numerator, denominator and the rows behind it, for the region and for one site."""
        await send(region.services, adt("1"), adt("2", "LIS|H02"))
        ids = await send(region.services, adt("3"), work=False)
        await kill(region.services, *ids)
        browser = await region.signed_in("administrator", f"{DESK}/indicators")
        assert "消息入库率" in browser.page.text
        overall = (await browser.get(f"{DESK}/indicators/messages-stored")).text
        one = (await browser.get(f"{DESK}/indicators/messages-stored?facility=site-his-h01")).text
        rows = re.search(rf'href="({DESK}/messages\?[^"]+day[^"]+)"', one)

        assert "66.67%" in overall
        assert "50.00%" in one
        assert rows is not None
        opened = await browser.get(rows[1].replace("&amp;", "&"))
        assert opened.text.count(f'href="{DESK}/messages/0') == 2

    async def test_closed(self, region: World) -> None:
        """A closed month stays as it was though messages are taken away; a running one is not closed."""
        journal = region.services.journal.collection
        await send(region.services, adt("1"))
        last = datetime(2026, 10, 5, tzinfo=UTC)
        await journal.update_many({}, {"$set": {"received": last}})
        browser = await region.signed_in("administrator", f"{DESK}/indicators/messages-stored?month=2026-10")
        page = await browser.post(f"{DESK}/indicators/messages-stored", {"month": "2026-10"})
        await journal.delete_many({})
        again = await browser.get(f"{DESK}/indicators/messages-stored?month=2026-10")
        today = datetime.now(UTC)
        running = await browser.post(f"{DESK}/indicators/messages-stored", {"month": today.strftime("%Y-%m")})

        assert "已结账" in page.text
        assert "100.00%" in again.text
        assert running.status_code == 422

    async def test_missing(self, region: World) -> None:
        """An indicator that nobody collects is not found."""
        browser = await region.signed_in("administrator", f"{DESK}/indicators/bed-use")

        assert browser.page.status_code == 404
        assert Window.month(2026, 10).days == 31
