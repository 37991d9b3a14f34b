"""Codes that nobody knows become codes of a shared system, and profiles of sites change with a way back."""

from __future__ import annotations

import re
from datetime import timedelta

from hie.applications.administration import tables
from tests.hie.applications.administration.administration_world import DESK, adt, oru, send
from tests.hie.workbench.workbench_world import Browser, World

WHY = {"reason": "和检验科核对过"}
SITE = "site-lis-h01"
GLUCOSE = "http://loinc.org|14771-0"


async def carry(region: World) -> None:
    for entry in await region.services.journal.pending_in(range(region.settings.lanes), 100):
        await region.services.pipeline(entry)


async def code(region: World, browser: Browser) -> str:
    """The address of the code GLU in the queue."""
    page = await browser.get(f"{DESK}/codes?kind=code")
    found = re.search(rf'href="({DESK}/codes/[0-9a-f]{{24}})">GLU</a>', page.text)
    assert found is not None, page.text
    return found[1]


async def codings(region: World) -> set[str]:
    """The codes of the stored observations."""
    page = await region.services.store.search("Observation", [])
    return {one["code"] for row in page.matches for one in row.resource()["code"]["coding"]}


class TestMapping:
    async def test_one(self, region: World) -> None:
        """A local code is mapped and gone from the queue; its messages are replayed on demand."""
        await send(region.services, oru("1"), oru("2"))
        browser = await region.signed_in("administrator", f"{DESK}/codes")
        address = await code(region, browser)
        form = await browser.get(f"{address}?text=空腹 葡萄糖")
        before = await codings(region)
        offer = await browser.post(address, {"target": GLUCOSE, **WHY})
        profile = await region.services.directory.profiles.current("LIS|H01")
        region.clock.passed = timedelta(seconds=10)
        done = await browser.post(str(offer.url).removeprefix("http://127.0.0.1:8080"), {})
        await carry(region)

        assert GLUCOSE in form.text
        assert "14771-0" not in before
        assert "有 2 条已处理的消息" in offer.text
        assert profile is not None
        assert (profile.reason, profile.number) == ("和检验科核对过", 1)
        assert "2 条消息已放回队列" in done.text
        assert "14771-0" in await codings(region)
        assert ">GLU</a>" not in (await browser.get(f"{DESK}/codes?kind=code")).text

    async def test_mistakes(self, region: World) -> None:
        """A code that no shared system has, or no reason, changes nothing."""
        await send(region.services, oru("1"))
        browser = await region.signed_in("administrator", f"{DESK}/codes")
        address = await code(region, browser)
        await browser.get(address)
        invented = await browser.post(address, {"target": "http://loinc.org|0-0", **WHY})
        unsaid = await browser.post(address, {"target": GLUCOSE})

        assert 'href="#target"' in invented.text
        assert 'href="#reason"' in unsaid.text
        assert await region.services.directory.profiles.current("LIS|H01") is None

    async def test_table(self, region: World) -> None:
        """The queue goes out as CSV, and comes back filled: one new version, everything or nothing."""
        await send(region.services, oru("1"), oru("2", "=X+1^怪^LIS"))
        browser = await region.signed_in("administrator", f"{DESK}/codes")
        out = await browser.get(f"{DESK}/codes/export.csv")
        text = out.content.decode("utf-8-sig")
        filled = text.replace(",1,,,", ",1,http://loinc.org,14771-0,空腹葡萄糖")
        await browser.get(f"{DESK}/codes/import")
        wrong = await browser.post(f"{DESK}/codes/import", {"table": filled.replace("14771-0", "0-0", 1), **WHY})
        nothing = await region.services.directory.profiles.current("LIS|H01")
        done = await browser.post(f"{DESK}/codes/import", {"table": filled, **WHY})
        site = (await region.services.directory.known())["LIS|H01"]

        assert out.headers["content-type"] == "text/csv; charset=utf-8"
        assert "'=X+1" in text
        assert wrong.status_code == 422
        assert nothing is None
        assert "档案的新版本已生效" in done.text
        assert site.code_maps["LIS"]["=X+1"] == ("http://loinc.org", "14771-0", "空腹葡萄糖")
        assert (site.version, set(site.code_maps["LIS"])) == (1, {"GLU", "=X+1"})
        assert tables.read(filled).count == 2


PROFILE = "sender: HIS|H01\ndefaults:\n  PV1-10: MED\n"


class TestSites:
    async def test_tried_then_in_force(self, region: World) -> None:
        """A new profile is tried with stored messages, by name only; then it is in force, with a way back."""
        await send(region.services, adt("1"), adt("2"))
        browser = await region.signed_in("administrator", f"{DESK}/sites/site-his-h01/profile")
        address = f"{DESK}/sites/site-his-h01/profile"
        tried = await browser.post(address, {"text": PROFILE, "what": "check"})
        untouched = await region.services.directory.profiles.current("HIS|H01")
        await browser.post(address, {"text": PROFILE, "what": "load", **WHY})
        await browser.get(address)
        page = await browser.post(address, {"text": PROFILE + "zone: Asia/Urumqi\n", "what": "load", **WHY})
        difference = await browser.get(f"{DESK}/sites/site-his-h01/difference?a=1&b=2")
        await browser.get(f"{DESK}/sites/site-his-h01")
        back = await browser.post(f"{DESK}/sites/site-his-h01/back", {"version": "1", **WHY})
        site = (await region.services.directory.known())["HIS|H01"]

        assert "2 条会变得不同" in tried.text
        assert "Encounter.serviceType" in tried.text
        assert "晓梅" not in tried.text
        assert untouched is None
        assert "第 2 版" in page.text
        assert re.search(r"＋ 加上.*?zone: Asia/Urumqi", difference.text, re.DOTALL)
        assert "第 3 版已生效" in back.text
        assert (site.version, site.zone) == (3, "Asia/Shanghai")

    async def test_mistakes(self, region: World) -> None:
        """Each mistake with its line; another sender's profile, a load without reason; nothing is in force."""
        await send(region.services, adt("1"))
        address = f"{DESK}/sites/site-his-h01/profile"
        browser = await region.signed_in("administrator", address)
        wrong = "sender: HIS|H01\nzone: Mars\ncharset: KLINGON"
        page = await browser.post(address, {"text": wrong, "what": "load", **WHY})
        other = await browser.post(address, {"text": "sender: LIS|H09", "what": "load", **WHY})
        unsaid = await browser.post(address, {"text": PROFILE, "what": "load"})

        assert "第 2 行" in page.text
        assert "第 3 行" in page.text
        assert [one.status_code for one in (page, other, unsaid)] == [422, 422, 422]
        assert await region.services.directory.profiles.current("HIS|H01") is None

    async def test_held_back(self, region: World) -> None:
        """A site is held back with a reason and let go again; its messages are answered all the while."""
        await send(region.services, adt("1"))
        browser = await region.signed_in("administrator", f"{DESK}/sites/site-his-h01")
        unsaid = await browser.post(f"{DESK}/sites/site-his-h01/hold", {"what": "pause"})
        held = await browser.post(f"{DESK}/sites/site-his-h01/hold", {"what": "pause", **WHY})
        await send(region.services, adt("2"), work=False)
        monitor = await browser.get(DESK)
        await browser.get(f"{DESK}/sites/site-his-h01")
        free = await browser.post(f"{DESK}/sites/site-his-h01/hold", {"what": "resume", **WHY})

        assert unsaid.status_code == 422
        assert "和检验科核对过" in held.text
        assert "已暂停" in monitor.text
        assert "已暂停" not in free.text
        assert (await region.services.journal.counts())["received"] == 2

    async def test_nothing_otherwise(self, region: World) -> None:
        """A profile that says nothing new makes nothing otherwise."""
        await send(region.services, adt("1"), adt("2"))
        address = f"{DESK}/sites/site-his-h01/profile"
        browser = await region.signed_in("administrator", address)
        page = await browser.post(address, {"text": "sender: HIS|H01\nzone: Asia/Shanghai\n", "what": "check"})

        assert "0 条会变得不同" in page.text
