"""The desk of primary care, through the whole workbench: real sign-in, real store, pages as a browser gets them."""

from __future__ import annotations

import re
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from primary_care_world import CLINIC, HOSPITAL, hypertension, organization, patient, reading
from pymongo import AsyncMongoClient

from hie.applications.fhir import ZONE
from hie.applications.primary_care import events
from hie.applications.primary_care.follow_up import CODED
from hie.applications.primary_care.routes import module
from hie.applications.work import Reader
from hie.exchange.outbox import Event
from records.stored import Json, Write
from tests.hie.workbench.workbench_world import Browser, World, world

BASE = "/workbench/primary-care"
FILLED = {
    "method": "clinic", "systolic": "186", "diastolic": "112", "adherence": "regular", "adverse_reaction": "no",
    "complication": "no", "symptoms": ["chest-pain"], "medicine_1": "氨氯地平",
}  # fmt: skip


def chinese(page: str) -> set[str]:
    """Han text of the main part that is not marked as Chinese."""
    main = re.sub(r'<(\w+)[^>]* lang="zh-CN"[^>]*>.*?</\1>', "", page.partition("<main")[2].partition("</main>")[0])
    return set(re.findall(r"[\u3400-\u9fff]+", re.sub(r"<[^>]*>", " ", main)))


class Desk:
    """A world with follow-ups in it, and the clinician of the hospital."""

    def __init__(self, made: World, browser: Browser) -> None:
        self.world, self.browser, self.work = made, browser, made.services.work

    async def tell(self, *resources: Json) -> None:
        await self.work.file([Write("update", one["resourceType"], one["id"], one) for one in resources], "test")
        for one in resources:
            await events.on_event(
                self.work, Event("e", one["resourceType"], one["id"], 1, "update", (), self.work.clock())
            )

    async def tasks(self) -> list[Json]:
        return await Reader(self.work.store).all("Task", CODED, ("status", "requested"))

    async def task(self) -> Json:
        (found,) = await self.tasks()
        return found

    def form(self, **changes: Any) -> dict[str, Any]:
        version = re.search(r'name="version" value="(\d+)"', self.browser.page.text)
        today = datetime.now(ZONE).date().isoformat()
        return FILLED | {"version": version[1] if version else "1", "day": today} | changes


@pytest.fixture
async def desk(
    mongo: AsyncMongoClient[dict[str, Any]], database_prefix: str, tmp_path: Path
) -> AsyncIterator[Desk]:
    async with world(mongo, database_prefix, tmp_path, lambda _: (module(),)) as made:
        one = Desk(made, made.browser())
        await one.tell(organization(CLINIC, "基层"), organization(HOSPITAL, "三级"), patient("a", home=HOSPITAL))
        now = datetime.now(UTC)
        measured = {**reading("o", "a", 150, 95), "effectiveDateTime": (now - timedelta(days=20)).isoformat()}
        await one.tell(measured, hypertension("c", "a"))
        await one.browser.sign_in("clinician")
        yield one


class TestWorklist:
    async def test_overdue(self, desk: Desk) -> None:
        """Who is overdue is named, with the reading and the way to the form."""
        page = await desk.browser.get(f"{BASE}?filter=overdue")
        task = await desk.task()

        assert page.status_code == 200, page.text
        assert "居民a" in page.text
        assert "150/95" in page.text
        assert f"{BASE}/follow-ups/{task['id']}" in page.text

    async def test_empty(self, desk: Desk) -> None:
        """An empty list says so."""
        page = await desk.browser.get(f"{BASE}?filter=refer&scope=own")

        assert page.status_code == 200
        assert "没有居民" in page.text

    async def test_landing(self, desk: Desk) -> None:
        """The first page counts the follow-up as open and overdue."""
        page = await desk.browser.get("/workbench")

        assert "高血压随访" in page.text
        assert "数不出来" not in page.text

    async def test_names_are_audited(self, desk: Desk) -> None:
        """Whoever is named on a list sees the look in the access log."""
        await desk.browser.get(f"{BASE}?filter=overdue")
        seen = await desk.world.audit(patient="Patient/a")

        assert any("张医生" in str(event) for event in seen)

    async def test_other_roles(self, desk: Desk) -> None:
        """A pharmacist has no business here."""
        other = await desk.world.signed_in("pharmacist")

        assert (await other.get(BASE)).status_code == 403


class TestPerson:
    async def test_own(self, desk: Desk) -> None:
        """The own institution's follow-up opens the record: banner, trend, history."""
        page = await desk.browser.get(f"{BASE}/people/a")

        assert page.status_code == 200, page.text
        assert "居民a" in page.text
        assert "<svg" in page.text
        assert "控制不满意" in page.text

    async def test_foreign(self, desk: Desk) -> None:
        """Another institution's patient asks for a reason first."""
        await desk.tell(patient("b", home=CLINIC), hypertension("d", "b"))
        page = await desk.browser.get(f"{BASE}/people/b")

        assert "/reason" in str(page.url)

    async def test_unknown(self, desk: Desk) -> None:
        """Nobody with this id: nothing of a record is shown."""
        page = await desk.browser.get(f"{BASE}/people/nobody")

        assert page.status_code in (303, 404) or "/reason" in str(page.url)


class TestForm:
    async def test_whole(self, desk: Desk) -> None:
        """A danger visit: result with class, next visit, reason, rule version and source."""
        task = await desk.task()
        await desk.browser.get(f"{BASE}/follow-ups/{task['id']}")
        page = await desk.browser.post(f"{BASE}/follow-ups/{task['id']}", desk.form())

        assert page.status_code == 200, page.text
        assert str(page.url).endswith("/result")
        for shown in ("控制不满意", "应立即转上级医院", "2026.1", "WS/T 872-2025", "未核对原文"):
            assert shown in page.text
        assert (await Reader(desk.work.store).all("ServiceRequest"))[0]["intent"] == "proposal"

    async def test_errors(self, desk: Desk) -> None:
        """What is wrong is listed, the input kept, nothing stored."""
        task = await desk.task()
        await desk.browser.get(f"{BASE}/follow-ups/{task['id']}")
        page = await desk.browser.post(f"{BASE}/follow-ups/{task['id']}", desk.form(systolic="abc", advice="少盐"))

        assert page.status_code == 422
        assert 'href="#systolic"' in page.text
        assert 'value="abc"' in page.text
        assert "少盐" in page.text
        assert "有错误" in page.text
        assert not await Reader(desk.work.store).all("QuestionnaireResponse")

    async def test_lost_race(self, desk: Desk) -> None:
        """A reading that came in between: 409, what was typed is kept, and the second try works."""
        task = await desk.task()
        await desk.browser.get(f"{BASE}/follow-ups/{task['id']}")
        old = desk.form()
        await desk.tell({**reading("p", "a", 190, 100), "effectiveDateTime": datetime.now(UTC).isoformat()})
        lost = await desk.browser.post(f"{BASE}/follow-ups/{task['id']}", old)
        assert lost.status_code == 409
        assert "氨氯地平" in lost.text

        again = await desk.browser.post(f"{BASE}/follow-ups/{task['id']}", desk.form())
        assert str(again.url).endswith("/result")

    async def test_twice(self, desk: Desk) -> None:
        """A visit that was recorded already is not recorded again."""
        task = await desk.task()
        await desk.browser.get(f"{BASE}/follow-ups/{task['id']}")
        filled, token = desk.form(), desk.browser.token()
        await desk.browser.post(f"{BASE}/follow-ups/{task['id']}", filled)
        page = await desk.browser.post(f"{BASE}/follow-ups/{task['id']}", {"csrf": token} | filled, token=False)

        assert page.status_code == 409
        assert len(await Reader(desk.work.store).all("QuestionnaireResponse")) == 1

    async def test_forged(self, desk: Desk) -> None:
        """A form without the session's token changes nothing."""
        task = await desk.task()
        page = await desk.browser.post(f"{BASE}/follow-ups/{task['id']}", FILLED, token=False)

        assert page.status_code == 403
        assert (await desk.task())["id"] == task["id"]

    async def test_other_task(self, desk: Desk) -> None:
        """The id of another kind of Task leads nowhere."""
        await desk.tell(
            {"resourceType": "Task", "id": "t", "status": "requested", "intent": "order",
             "for": {"reference": "Patient/a"}}
        )  # fmt: skip

        assert (await desk.browser.get(f"{BASE}/follow-ups/t")).status_code == 404


class TestEnglish:
    async def test_pages(self, desk: Desk) -> None:
        """On English pages only the senders' own words are Chinese, and marked so."""
        task = await desk.task()
        await desk.browser.get(f"{BASE}/follow-ups/{task['id']}")
        filled = desk.form()
        desk.browser.client.cookies.set("language", "en")
        wrong = await desk.browser.post(f"{BASE}/follow-ups/{task['id']}", {"version": "1"})
        assert not chinese(wrong.text)
        result = await desk.browser.post(f"{BASE}/follow-ups/{task['id']}", filled)
        assert "Dangerous pressure" in result.text
        assert not chinese(result.text)
        for path in ("", "/people/a", "/rules", "/indicators/hypertension-control", "/indicators/hypertension-on-time"):
            page = await desk.browser.get(f"{BASE}{path}")
            assert page.status_code == 200
            assert not chinese(page.text), path


class TestFigures:
    @pytest.mark.parametrize("indicator", ["hypertension-control", "hypertension-on-time"])
    async def test_opens(self, desk: Desk, indicator: str) -> None:
        """A figure shows window, numerator, denominator, and the people behind it."""
        task = await desk.task()
        await desk.browser.get(f"{BASE}/follow-ups/{task['id']}")
        await desk.browser.post(f"{BASE}/follow-ups/{task['id']}", desk.form())
        page = await desk.browser.get(f"{BASE}/indicators/{indicator}?rows=denominator")

        assert page.status_code == 200, page.text
        assert "居民a" in page.text
        assert "机构370303-H01" in page.text

    async def test_unknown(self, desk: Desk) -> None:
        """Another module's figure is not here."""
        assert (await desk.browser.get(f"{BASE}/indicators/bed-use")).status_code == 404

    async def test_rules(self, desk: Desk) -> None:
        """The rule page shows every version with its source."""
        page = await desk.browser.get(f"{BASE}/rules")

        assert "2017.3" in page.text
        assert "国家基本公共卫生服务规范" in page.text
