"""The referral desk, through the whole workbench: real sign-in, real store, pages as a browser gets them."""

from __future__ import annotations

import re
import uuid
from collections.abc import AsyncIterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from pymongo import AsyncMongoClient
from regional_medical_world import FAMILY, patient

from hie.applications.fhir import concept
from hie.applications.regional_medical import use_cases
from hie.applications.regional_medical.referral import CODED, Application, Referral
from hie.applications.regional_medical.routes import module
from hie.applications.work import Reader
from records.stored import Json, Write
from tests.hie.workbench.workbench_world import Browser, World, world

BASE = "/workbench/regional-medical"
HOSPITAL, CLINIC = "Organization/h01", "Organization/clinic"
NUMBER = "370303197005010023"
ASKED = Application("up", "urgent", HOSPITAL, "心内科", "高血压3级", "两次随访控制不满意", ("Observation/o",), True)


def organization(logical: str, code: str, name: str) -> Json:
    identifier = {"system": "urn:hie:organization", "value": code}
    return {"resourceType": "Organization", "id": logical, "active": True, "name": name, "identifier": [identifier]}


def observation(logical: str, of: str) -> Json:
    return {
        "resourceType": "Observation", "id": logical, "status": "final", "subject": {"reference": f"Patient/{of}"},
        "code": {"text": "血钾"} | concept("http://loinc.org", "2823-3"),
        "valueQuantity": {"value": 4, "unit": "mmol/L"},
        "effectiveDateTime": datetime.now(UTC).isoformat(timespec="seconds"),
    }  # fmt: skip


def chinese(page: str) -> set[str]:
    """Han text of the main part that is not marked as Chinese."""
    main = re.sub(r'<(\w+)[^>]* lang="zh-CN"[^>]*>.*?</\1>', "", page.partition("<main")[2].partition("</main>")[0])
    return set(re.findall(r"[\u3400-\u9fff]+", re.sub(r"<[^>]*>", " ", main)))


class Desk:
    """A world with a hospital and a clinic, and the clinician of the hospital."""

    def __init__(self, made: World, browser: Browser) -> None:
        self.world, self.browser, self.work = made, browser, made.services.work

    @property
    def reader(self) -> Reader:
        return Reader(self.work.store)

    async def tell(self, *resources: Json) -> None:
        await self.work.file([Write("update", one["resourceType"], one["id"], one) for one in resources], "test")

    async def from_clinic(self) -> str:
        """A referral that the clinic sends to the hospital."""
        return await use_cases.begin(self.work, str(uuid.uuid4()), "a", ASKED, FAMILY, submit=True)

    async def found(self, referral: str) -> Referral:
        return (await use_cases.load(self.reader, referral)).referral

    def hidden(self, name: str) -> str:
        found = re.search(rf'name="{name}" value="([^"]*)"', self.browser.page.text)
        return found[1] if found else ""

    async def step(self, referral: str, action: str, text: str = "", **changes: str) -> Any:
        """Press a button of the page that is open."""
        data = {"version": self.hidden("version"), "text": text} | changes
        return await self.browser.post(f"{BASE}/referrals/{referral}/{action}", data)


@pytest.fixture
async def desk(
    mongo: AsyncMongoClient[dict[str, Any]], database_prefix: str, tmp_path: Path
) -> AsyncIterator[Desk]:
    async with world(mongo, database_prefix, tmp_path, lambda _: (module(),)) as made:
        one = Desk(made, made.browser())
        identifier = {"system": "urn:oid:2.16.156.10011.1.3", "value": NUMBER}
        await one.tell(
            organization("h01", "370303-H01", "中心医院"), organization("clinic", "370303-C01", "公园街道中心"),
            {**patient(), "identifier": [identifier]}, observation("o", "a"),
        )  # fmt: skip
        await one.browser.sign_in("clinician")
        yield one


class TestInbox:
    async def test_listed(self, desk: Desk) -> None:
        """What came in: who, from where, how urgent, until when."""
        referral = await desk.from_clinic()
        page = await desk.browser.get(BASE)

        assert str(page.url).endswith("/inbox")
        for shown in ("王秀英", "公园街道中心", "紧急", "高血压3级", f"{BASE}/referrals/{referral}"):
            assert shown in page.text

    async def test_empty(self, desk: Desk) -> None:
        """An empty box says so; every filter answers."""
        for name in ("overdue", "waiting", "coming", "here", "back", "done"):
            page = await desk.browser.get(f"{BASE}/inbox?filter={name}")
            assert page.status_code == 200
            assert "没有转诊" in page.text

    async def test_landing(self, desk: Desk) -> None:
        """The first page counts it."""
        await desk.from_clinic()
        page = await desk.browser.get("/workbench")

        assert "收到的转诊" in page.text
        assert "数不出来" not in page.text


class TestSteps:
    async def test_whole(self, desk: Desk) -> None:
        """The receiver's steps, one page after another; the history names who and where."""
        referral = await desk.from_clinic()
        page = await desk.browser.get(f"{BASE}/referrals/{referral}")
        assert "血钾" in page.text
        for action, text, shown in (
            ("accept", "周三上午，心内科门诊", "已接收"), ("arrive", "", "已到院"), ("admit", "", "诊疗中"),
            ("propose-down", "血压平稳，两周复诊", "待接回"),
        ):  # fmt: skip
            page = await desk.step(referral, action, text)
            assert page.status_code == 200, page.text
            assert shown in page.text

        assert "张医生 中心医院" in page.text
        assert "血压平稳，两周复诊" in page.text
        assert f"{BASE}/referrals/{referral}/close" not in page.text

    async def test_reason(self, desk: Desk) -> None:
        """Refusing without a reason: 422, said at the field, nothing changed."""
        referral = await desk.from_clinic()
        await desk.browser.get(f"{BASE}/referrals/{referral}")
        page = await desk.step(referral, "refuse")

        assert page.status_code == 422
        assert 'href="#text-refuse"' in page.text
        assert (await desk.found(referral)).state == "submitted"

    async def test_lost_race(self, desk: Desk) -> None:
        """Somebody else acted first: 409, the newest state, the text kept."""
        referral = await desk.from_clinic()
        await desk.browser.get(f"{BASE}/referrals/{referral}")
        version = int(desk.hidden("version"))
        await use_cases.advance(desk.work, desk.reader, referral, "cancel", FAMILY, version=version, text="改变主意")
        page = await desk.step(referral, "accept", "周三")

        assert page.status_code == 409
        assert "您的操作没有执行" in page.text
        assert "已撤销" in page.text

    async def test_senders_step(self, desk: Desk) -> None:
        """The receiver has no button of the sender, and pressing it anyway is refused."""
        referral = await desk.from_clinic()
        page = await desk.browser.get(f"{BASE}/referrals/{referral}")
        assert f"{referral}/cancel" not in page.text
        page = await desk.step(referral, "cancel", "x")

        assert page.status_code == 403
        assert (await desk.found(referral)).state == "submitted"

    async def test_clock_is_no_button(self, desk: Desk) -> None:
        """Nobody presses the clock's step."""
        referral = await desk.from_clinic()
        await desk.browser.get(f"{BASE}/referrals/{referral}")

        assert (await desk.step(referral, "expire")).status_code == 404

    async def test_stranger(self, desk: Desk) -> None:
        """A referral between two others asks for a reason first."""
        await desk.tell(organization("other", "370303-H02", "人民医院"))
        asked = Application("up", "routine", "Organization/other", "", "高血压", "理由", (), True)
        referral = await use_cases.begin(desk.work, str(uuid.uuid4()), "a", asked, FAMILY, submit=True)
        page = await desk.browser.get(f"{BASE}/referrals/{referral}")

        assert "/reason" in str(page.url)


class TestApply:
    async def new(self, desk: Desk) -> Any:
        """The empty form of the patient, after the reason was given."""
        await desk.browser.get(f"{BASE}/new?patient=a")
        back = f"{BASE}/new?patient=a"
        return await desk.browser.post(
            "/workbench/patients/a/reason", {"purpose": "TREAT", "reason": "门诊复诊，需要转诊", "back": back}
        )

    def filled(self, desk: Desk, **changes: Any) -> dict[str, Any]:
        return {
            "key": desk.hidden("key"), "patient": "a", "direction": "down", "priority": "routine", "receiver": CLINIC,
            "department": "全科", "diagnosis": "高血压2级", "reason": "病情平稳", "agreed": "yes", "submit": "yes",
            "attachments": ["Observation/o"],
        } | changes  # fmt: skip

    async def test_find(self, desk: Desk) -> None:
        """The number is posted and never in an address; a wrong one is said at the field."""
        await desk.browser.get(f"{BASE}/new")
        wrong = await desk.browser.post(f"{BASE}/new", {"find": "yes", "number": "370303199001010000"})
        assert wrong.status_code == 422

        page = await desk.browser.post(f"{BASE}/new", {"find": "yes", "number": NUMBER}, follow=False)
        assert page.headers["location"] == f"{BASE}/new?patient=a"

    async def test_submit(self, desk: Desk) -> None:
        """The application is sent, with what was attached, and shows in the outbox."""
        page = await self.new(desk)
        assert "血钾" in page.text, page.text
        page = await desk.browser.post(f"{BASE}/new", self.filled(desk))
        (task,) = await desk.reader.all("Task", CODED)
        found = await desk.found(task["id"])

        assert page.status_code == 200, page.text
        assert (found.state, found.sender, found.application.attachments) == (
            "submitted", HOSPITAL, ("Observation/o",),
        )  # fmt: skip
        assert "王秀英" in (await desk.browser.get(f"{BASE}/outbox?filter=waiting")).text

    async def test_errors(self, desk: Desk) -> None:
        """Nothing filled in: every field says what it needs; nothing is stored."""
        await self.new(desk)
        page = await desk.browser.post(
            f"{BASE}/new", {"key": desk.hidden("key"), "patient": "a", "submit": "yes"}
        )

        assert page.status_code == 422
        for field in ("direction", "priority", "receiver", "diagnosis", "reason", "agreed"):
            assert f'href="#{field}"' in page.text
        assert not await desk.reader.all("Task", CODED)

    async def test_foreign_attachment(self, desk: Desk) -> None:
        """Nothing of another person's record can be attached."""
        await desk.tell({**patient("b"), "name": [{"text": "别人"}]}, observation("x", "b"))
        await self.new(desk)
        await desk.browser.post(f"{BASE}/new", self.filled(desk, attachments=["Observation/x", "Observation/o"]))
        (task,) = await desk.reader.all("Task", CODED)

        assert (await desk.found(task["id"])).application.attachments == ("Observation/o",)

    async def test_twice(self, desk: Desk) -> None:
        """A double click is one referral, and leads to it."""
        await self.new(desk)
        filled, token = self.filled(desk), desk.browser.token()
        first = await desk.browser.post(f"{BASE}/new", filled)
        second = await desk.browser.post(f"{BASE}/new", {"csrf": token} | filled, token=False)

        assert first.url == second.url
        assert len(await desk.reader.all("Task", CODED)) == 1

    async def test_draft(self, desk: Desk) -> None:
        """A draft may be incomplete; it is mended and sent later."""
        await self.new(desk)
        filled = self.filled(desk, diagnosis="", draft="yes")
        del filled["submit"]
        await desk.browser.post(f"{BASE}/new", filled)
        (task,) = await desk.reader.all("Task", CODED)
        assert (await desk.found(task["id"])).state == "draft"

        await desk.browser.get(f"{BASE}/referrals/{task['id']}/edit")
        again = self.filled(desk) | {"version": desk.hidden("version")}
        page = await desk.browser.post(f"{BASE}/referrals/{task['id']}/edit", again)
        assert (await desk.found(task["id"])).state == "submitted", page.text


class TestEnglish:
    async def test_pages(self, desk: Desk) -> None:
        """On English pages only the senders' own words are Chinese, and marked so."""
        referral = await desk.from_clinic()
        desk.browser.client.cookies.set("language", "en")
        paths = ("/inbox", "/outbox", "/new", f"/referrals/{referral}", "/rules", "/indicators/referral-returned-down")
        for path in paths:
            page = await desk.browser.get(f"{BASE}{path}")
            assert page.status_code == 200
            assert not chinese(page.text), path
        await desk.browser.get(f"{BASE}/referrals/{referral}")
        for action, text in (("accept", "周三"), ("arrive", ""), ("admit", ""), ("propose-down", "好转")):
            assert not chinese((await desk.step(referral, action, text)).text), action


class TestFigures:
    @pytest.mark.parametrize("indicator", ["referral-answered-in-time", "referral-returned-down"])
    async def test_opens(self, desk: Desk, indicator: str) -> None:
        """A figure shows its parts and the referrals behind it."""
        referral = await desk.from_clinic()
        page = await desk.browser.get(f"{BASE}/indicators/{indicator}?rows=denominator")

        assert page.status_code == 200, page.text
        assert f"{BASE}/referrals/{referral}" in page.text

    async def test_rules(self, desk: Desk) -> None:
        """The limits are shown with their source."""
        page = await desk.browser.get(f"{BASE}/rules")

        assert "30 分钟内" in page.text
        assert "Own targets of the region" in page.text
