"""The desk of public health, through the whole workbench: real sign-in, real store, pages as a browser gets them."""

from __future__ import annotations

import re
from collections.abc import AsyncIterator
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from public_health_world import H1, organization, patient, unmarked
from pymongo import AsyncMongoClient

from hie.applications.fhir import ZONE, instant
from hie.applications.public_health import events
from hie.applications.public_health.card import CODED, Card, card_from
from hie.applications.public_health.routes import module
from hie.applications.work import Reader
from hie.exchange.outbox import Event
from records.stored import Json, Write
from terminology.service import ICD_10
from tests.hie.workbench.workbench_world import Browser, World, world

BASE = "/workbench/public-health"


class Desk:
    """A world with people who are ill, and the public-health physician."""

    def __init__(self, made: World, browser: Browser) -> None:
        self.world, self.browser, self.work = made, browser, made.services.work

    async def tell(self, *resources: Json) -> None:
        await self.work.file([Write("update", one["resourceType"], one["id"], one) for one in resources], "test")
        for one in resources:
            event = Event("e", one["resourceType"], one["id"], 1, "update", (), self.work.clock())
            await events.on_event(self.work, event)

    async def ill(self, name: str, code: str, ago: timedelta = timedelta(minutes=5)) -> None:
        at = instant(self.work.clock() - ago)
        await self.tell(
            patient(f"p{name}"),
            {
                "resourceType": "Condition", "id": f"c{name}", "subject": {"reference": f"Patient/p{name}"},
                "code": {"coding": [{"system": ICD_10, "code": code}]}, "recordedDate": at,
            },
        )  # fmt: skip

    async def card(self) -> Card:
        (task,) = await Reader(self.work.store).all("Task", CODED)
        return card_from(task)

    def form(self, **changes: str) -> dict[str, str]:
        """What the form of the page holds, and what the physician adds."""
        page = self.browser.page.text
        kept = dict(re.findall(r'<input id="(\w+)" name="\w+" type="[\w-]+" value="([^"]*)"', page))
        version = re.search(r'name="version" value="(\d+)"', page)
        added = {
            "phone": "13800000000", "belongs": "1", "address": "公园街道1号", "district": "370303", "occupation": "09",
            "onset": (datetime.now(ZONE) - timedelta(days=1)).date().isoformat(), "doctor": "张医生", "sex": "2",
            "case_class": "1", "version": version[1] if version else "1", "do": "report",
        }  # fmt: skip
        return kept | added | changes


@pytest.fixture
async def desk(
    mongo: AsyncMongoClient[dict[str, Any]], database_prefix: str, tmp_path: Path
) -> AsyncIterator[Desk]:
    async with world(mongo, database_prefix, tmp_path, lambda _: (module(),)) as made:
        one = Desk(made, made.browser())
        await one.tell(organization(H1, "淄博市中心医院", "张店区"))
        await one.browser.sign_in("public-health")
        yield one


class TestWorklist:
    async def test_late_and_soon(self, desk: Desk) -> None:
        """Late cards and those due soon are counted and marked in words."""
        await desk.ill("a", "A00.9", timedelta(hours=3))
        await desk.ill("b", "A20.9")
        page = await desk.browser.get(BASE)

        assert page.status_code == 200, page.text
        assert page.text.index("霍乱") < page.text.index("鼠疫")
        assert "已超时 1 小时" in page.text
        assert "还剩 1 小时" in page.text
        assert "居民pa" in page.text

    async def test_landing(self, desk: Desk) -> None:
        """The first page counts what waits."""
        await desk.ill("a", "A00.9", timedelta(hours=3))

        assert "待审传染病报告卡" in (await desk.browser.get("/workbench")).text

    async def test_empty(self, desk: Desk) -> None:
        """An empty list says so."""
        assert "没有报告卡" in (await desk.browser.get(f"{BASE}?filter=returned")).text

    async def test_other_roles(self, desk: Desk) -> None:
        """A clinician has no business here."""
        stranger = await desk.world.signed_in("clinician")

        assert (await stranger.get(BASE)).status_code == 403


class TestCard:
    async def test_reported(self, desk: Desk) -> None:
        """From the list to the card, the prefilled form, and the report with its way."""
        await desk.ill("a", "A00.9")
        card = await desk.card()
        page = await desk.browser.get(f"{BASE}/cards/{card.id}/edit")
        assert page.status_code == 200, page.text
        assert 'value="居民pa"' in page.text

        page = await desk.browser.post(f"{BASE}/cards/{card.id}/edit", desk.form())
        assert page.status_code == 200, page.text
        assert "已上报" in page.text
        assert "按时上报" in page.text
        assert "孙医师" in page.text
        assert (await desk.card()).state == "reported"

    async def test_errors(self, desk: Desk) -> None:
        """What is missing stands on top and at its field, and what was typed stays."""
        await desk.ill("a", "A00.9")
        card = await desk.card()
        await desk.browser.get(f"{BASE}/cards/{card.id}/edit")
        page = await desk.browser.post(f"{BASE}/cards/{card.id}/edit", desk.form(phone="无", doctor="李医生"))

        assert page.status_code == 422
        assert 'href="#phone">联系电话：' in page.text
        assert 'value="李医生"' in page.text
        assert (await desk.card()).state == "draft"

    async def test_saved(self, desk: Desk) -> None:
        """An unfinished card is kept."""
        await desk.ill("a", "A00.9")
        card = await desk.card()
        await desk.browser.get(f"{BASE}/cards/{card.id}/edit")
        page = await desk.browser.post(f"{BASE}/cards/{card.id}/edit", desk.form(do="save", phone="", doctor="李医生"))

        assert page.status_code == 200
        assert "李医生" in page.text
        assert (await desk.card()).state == "draft"

    async def test_lost_race(self, desk: Desk) -> None:
        """Who comes second is told with 409, and keeps what was typed."""
        await desk.ill("a", "A00.9")
        card = await desk.card()
        await desk.browser.get(f"{BASE}/cards/{card.id}/edit")
        old = desk.form(doctor="李医生")
        await desk.browser.post(f"{BASE}/cards/{card.id}/edit", desk.form(do="save"))
        await desk.browser.get(f"{BASE}/cards/{card.id}/edit")
        page = await desk.browser.post(f"{BASE}/cards/{card.id}/edit", old)

        assert page.status_code == 409
        assert 'value="李医生"' in page.text

    async def test_too_late(self, desk: Desk) -> None:
        """A card that somebody reported takes no second form."""
        await desk.ill("a", "A00.9")
        card = await desk.card()
        await desk.browser.get(f"{BASE}/cards/{card.id}/edit")
        filled = desk.form()
        await desk.browser.post(f"{BASE}/cards/{card.id}/edit", filled)
        page = await desk.browser.post(f"{BASE}/cards/{card.id}/edit", filled)

        assert page.status_code == 409
        assert (await desk.browser.get(f"{BASE}/cards/{card.id}/edit")).url.path == f"{BASE}/cards/{card.id}"

    async def test_dismissed(self, desk: Desk) -> None:
        """Dismissed with its reason; without one the page says so."""
        await desk.ill("a", "A00.9")
        card = await desk.card()
        await desk.browser.get(f"{BASE}/cards/{card.id}")
        form = {"action": "dismiss", "version": "1", "reason": " "}
        page = await desk.browser.post(f"{BASE}/cards/{card.id}/decision", form)
        assert page.status_code == 422
        assert "请填写理由" in page.text

        page = await desk.browser.post(f"{BASE}/cards/{card.id}/decision", form | {"reason": "培养阴性"})
        assert page.status_code == 200
        assert "培养阴性" in page.text
        again = form | {"reason": "再次", "action": "reopen"}
        page = await desk.browser.post(f"{BASE}/cards/{card.id}/decision", again)
        assert page.status_code == 409

    async def test_audited(self, desk: Desk) -> None:
        """Opening a card is in the trail of whose it is."""
        await desk.ill("a", "A00.9")
        await desk.browser.get(f"{BASE}/cards/{(await desk.card()).id}")

        assert await desk.world.audit(patient="Patient/pa")

    async def test_not_found(self, desk: Desk) -> None:
        """A card that is none is not found."""
        assert (await desk.browser.get(f"{BASE}/cards/none")).status_code == 404


class TestCounts:
    async def test_every_figure_opens(self, desk: Desk) -> None:
        """Bars, tiles and cells lead to their lists; small cells are not hidden from the staff."""
        await desk.ill("a", "A00.9")
        await desk.ill("b", "B08.4")
        page = await desk.browser.get(f"{BASE}/counts")

        assert page.status_code == 200, page.text
        assert page.text.count("<svg") >= 2
        assert "示意图" in page.text
        for found in set(re.findall(r'href="(/workbench/public-health\?[^"]+)"', page.text)):
            opened = await desk.browser.get(found.replace("&amp;", "&"))
            assert opened.status_code == 200, found

    async def test_indicator(self, desk: Desk) -> None:
        """The timely report rate with the cards behind it."""
        await desk.ill("a", "A00.9", timedelta(hours=3))
        page = await desk.browser.get(f"{BASE}/indicators/report-timeliness")

        assert page.status_code == 200, page.text
        assert "传染病报告及时率" in page.text

    async def test_rules(self, desk: Desk) -> None:
        """The rules say their source, and that nobody read the original."""
        page = await desk.browser.get(f"{BASE}/rules")

        assert page.status_code == 200
        assert "未核对原文" in page.text
        assert "肺炭疽" in page.text

    async def test_nothing(self, desk: Desk) -> None:
        """A month without cards says so."""
        assert "没有报告卡" in (await desk.browser.get(f"{BASE}/counts?month=2020-01")).text


class TestEnglish:
    @pytest.mark.parametrize(
        "path", ["?filter=draft", "/cards/ID", "/cards/ID/edit", "/counts", "/indicators/report-timeliness", "/rules"]
    )
    async def test_pages(self, desk: Desk, path: str) -> None:
        """Every text of ours has its English; what senders and sources say is marked as Chinese."""
        await desk.ill("a", "A00.9", timedelta(hours=3))
        desk.browser.client.cookies.set("language", "en")
        page = await desk.browser.get(BASE + path.replace("ID", (await desk.card()).id))

        assert page.status_code == 200, page.text
        assert "cholera" in page.text
        assert unmarked(page.text) == []
