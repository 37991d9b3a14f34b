"""The shell through its pages: signing in and out, forms, roles, reasons, records, and what the trail says of it."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from pymongo import AsyncMongoClient
from starlette.responses import PlainTextResponse, Response

from hie.app import Services
from hie.applications.work import create
from hie.errors import Unavailable
from hie.workbench.desk import Module, ModuleRoute, TaskCount, Visit
from records.errors import NotFound
from records.stored import Json
from tests.hie.workbench.workbench_people import patient
from tests.hie.workbench.workbench_world import HOME, WEB, World, world

Mongo = AsyncMongoClient[dict[str, Any]]
LEGAL = {"resourceType": "Consent", "status": "active", "scope": {"coding": [{"code": "patient-privacy"}]},
         "category": [{"text": "隐私"}]}  # fmt: skip


async def with_task(visit: Visit) -> Response:
    row = await visit.reader.read("Task", visit.params["task"])
    banner = await visit.open_record(visit.query["patient"], task=row.resource())
    return PlainTextResponse(banner.card.name)


async def write(visit: Visit) -> Response:
    made = {"resourceType": "Flag", "id": visit.form["id"], "status": "active", "code": {"text": "跌倒风险"},
            "subject": {"reference": "Patient/p1"}}  # fmt: skip
    await visit.work.file([create(made)], "urn:hie:test")
    return visit.redirect("/workbench")


async def broken(_visit: Visit) -> Response:
    raise RuntimeError("王晓梅")


async def tasks(*_: Any) -> Sequence[TaskCount]:
    return (TaskCount("待随访", "/workbench/clinic", 12, overdue=3, today=2),)


async def no_tasks(*_: Any) -> Sequence[TaskCount]:
    raise Unavailable("away")


def modules(_services: Services) -> Sequence[Module]:
    routes = (
        ModuleRoute("GET", "/task/{task}", with_task), ModuleRoute("POST", "/write", write),
        ModuleRoute("GET", "/broken", broken),
    )  # fmt: skip
    clinician, pharmacist = frozenset({"clinician"}), frozenset({"pharmacist"})
    return (
        Module("clinic", "门诊", "/workbench/clinic", clinician, routes, tasks, templates="hie.workbench"),
        Module("drugs", "药品", "/workbench/drugs", pharmacist, routes, no_tasks, templates="hie.workbench"),
    )


@pytest.fixture
async def region(mongo: Mongo, database_prefix: str, tmp_path: Path) -> AsyncIterator[World]:
    async with world(mongo, database_prefix, tmp_path, modules) as made:
        yield made


def condition(identity: str, patient_id: str = "p1", **more: Any) -> Json:
    return {"resourceType": "Condition", "id": identity, "subject": {"reference": f"Patient/{patient_id}"},
            "code": {"text": "高血压"}, **more}  # fmt: skip


async def opened(region: World, account: str = "clinician", patient_id: str = "p1", purpose: str = "TREAT") -> Any:
    """A browser on a record, after the question why."""
    browser = await region.signed_in(account, f"/workbench/patients/{patient_id}")
    data = {"purpose": purpose, "reason": "门诊复诊，查看既往检验结果", "confirmed": "1"}
    data["back"] = f"/workbench/patients/{patient_id}"
    await browser.post(f"/workbench/patients/{patient_id}/reason", data)
    return browser


class TestSigningIn:
    async def test_there_and_back(self, region: World) -> None:
        """From any page to the issuer, back to that page, with name and modules of the role."""
        browser = await region.signed_in("clinician", "/workbench/patients")

        assert str(browser.page.url) == f"{HOME}/patients"
        assert "张医生" in browser.page.text
        assert "门诊" in browser.page.text
        assert "药品" not in browser.page.text

    async def test_cookies_and_headers(self, region: World) -> None:
        """The browser gets an opaque id that scripts cannot read, no token, and pages that nobody keeps or frames."""
        browser = await region.signed_in("clinician")
        cookies = {cookie.name: cookie for cookie in browser.client.cookies.jar}

        assert set(cookies) == {"workbench"}
        assert "HttpOnly" in cookies["workbench"]._rest  # type: ignore[attr-defined]
        assert "." not in str(cookies["workbench"].value)
        assert "eyJ" not in browser.page.text
        assert browser.page.headers["cache-control"] == "no-store"
        assert "default-src 'none'" in browser.page.headers["content-security-policy"]
        assert "http://127.0.0.1:8082" in browser.page.headers["content-security-policy"]

    async def test_resident(self, region: World) -> None:
        """A resident's account opens no workbench, and no session remains."""
        browser = region.browser()
        page = await browser.sign_in("resident")

        assert page.status_code == 403
        assert "workbench" not in browser.client.cookies

    async def test_foreign_answer(self, region: World) -> None:
        """An answer that this browser did not ask for is refused, as is one with another state."""
        stranger = await region.browser().get("/workbench/callback?code=x&state=y")
        browser = region.browser()
        await browser.client.get(f"{HOME}/sign-in")
        forged = await browser.get("/workbench/callback?code=x&state=y")

        assert stranger.status_code == forged.status_code == 400

    async def test_open_redirect(self, region: World) -> None:
        """Where the visitor wanted to go is a page of the workbench, whatever the address says."""
        for back in ("https://evil.example/", "//evil.example", "/fhir/Patient", "/workbench\\@evil"):
            browser = region.browser()
            page = await browser.sign_in("clinician", f"/workbench/sign-in?back={back}")
            assert str(page.url) == HOME

    async def test_recorded(self, region: World) -> None:
        """Signing in and out is in the trail."""
        browser = await region.signed_in("clinician")
        await browser.post("/workbench/sign-out")
        found = await region.audit(type="http://dicom.nema.org/resources/ontology/DCM|110114")

        assert [event["subtype"][0]["code"] for event in found] == ["110123", "110122"]


class TestSigningOut:
    async def test_everywhere(self, region: World) -> None:
        """The session ends here and at the issuer; the browser forgets; Back asks to sign in again."""
        browser = await region.signed_in("clinician")
        page = await browser.post("/workbench/sign-out", follow=False)
        kept = region.services.client[f"{region.settings.database_prefix}_exchange"]["workbench_sessions"]

        assert page.headers["location"] == "/workbench/signed-out"
        assert '"cache"' in page.headers["clear-site-data"]
        assert await kept.count_documents({"kind": "session"}) == 0
        assert 'name="request"' in (await browser.get("/workbench")).text

    async def test_needs_the_form(self, region: World) -> None:
        """Nobody can be signed out from another site."""
        browser = await region.signed_in("clinician")
        forged = await browser.post("/workbench/sign-out", token=False, origin="https://evil.example")

        assert forged.status_code == 403
        assert (await browser.get("/workbench")).url == HOME

    async def test_idle(self, region: World) -> None:
        """After ten idle minutes a page leads to the issuer, and a form says that nothing was saved."""
        browser = await region.signed_in("clinician")
        await browser.get("/workbench/patients")
        region.clock.passed += timedelta(minutes=11)
        late = await browser.post("/workbench/patients", {"number": "370303198506120428"})

        assert late.status_code == 401
        assert "没有保存" in late.text
        assert 'name="request"' in (await browser.get("/workbench")).text

    async def test_token_is_kept_fresh(self, region: World) -> None:
        """An access token lives five minutes, a working day longer."""
        browser = await region.signed_in("clinician")
        kept = region.services.client[f"{region.settings.database_prefix}_exchange"]["workbench_sessions"]
        before = await kept.find_one({"kind": "session"})
        await kept.update_many({}, {"$set": {"access_expires": datetime.now(UTC) - timedelta(minutes=1)}})
        page = await browser.get("/workbench/patients")
        after = await kept.find_one({"kind": "session"})

        assert (page.status_code, str(page.url)) == (200, f"{HOME}/patients")
        assert before["access"] != after["access"]
        assert after["access_expires"] > datetime.now(UTC)

    async def test_ended_at_the_issuer(self, region: World) -> None:
        """Where the issuer ended the session, the next refresh ends ours."""
        browser = await region.signed_in("clinician")
        kept = region.services.client[f"{region.settings.database_prefix}_exchange"]["workbench_sessions"]
        await kept.update_many({}, {"$set": {"refresh": "gone", "access_expires": datetime.now(UTC)}})

        assert 'name="request"' in (await browser.get("/workbench")).text
        assert await kept.count_documents({"kind": "session"}) == 0


class TestForms:
    async def test_forged(self, region: World) -> None:
        """A form without the token, with another session's, or from another origin changes nothing."""
        mine, theirs = await region.signed_in("clinician"), await region.signed_in("clinician")
        foreign = theirs.token()
        path = "/workbench/clinic/write"
        answers = [
            await mine.post(path, {"id": "f1"}, token=False),
            await mine.post(path, {"id": "f1", "csrf": foreign}, token=False),
            await mine.post(path, {"id": "f1", "csrf": foreign}, token=False, origin="https://evil.example"),
        ]
        await mine.get("/workbench")
        answers.append(await mine.post(path, {"id": "f1"}, **{"origin": WEB, "sec-fetch-site": "cross-site"}))

        assert [answer.status_code for answer in answers] == [403] * 4
        with pytest.raises(NotFound):
            await region.services.store.read("Flag", "f1")

    async def test_write_is_audited(self, region: World) -> None:
        """What a module writes is in the trail without its doing."""
        await region.file(patient("p1"))
        browser = await region.signed_in("clinician")
        page = await browser.post("/workbench/clinic/write", {"id": "f1"})
        found = await region.audit(patient="Patient/p1", action="C")

        assert page.status_code == 200
        assert [event["entity"][0]["what"]["reference"] for event in found] == ["Flag/f1/_history/1"]


class TestShell:
    async def test_foreign_module(self, region: World) -> None:
        """A module of another role is refused, and the attempt recorded."""
        browser = await region.signed_in("clinician", "/workbench/drugs/broken")

        assert browser.page.status_code == 403
        assert len(await region.audit(outcome="4")) == 1

    async def test_administrator_reads_no_record(self, region: World) -> None:
        """The administrator has no search and opens no record."""
        await region.file(patient("p1"))
        browser = await region.signed_in("administrator", "/workbench/patients/p1")

        assert browser.page.status_code == 403
        assert "王晓梅" not in browser.page.text

    async def test_bug(self, region: World) -> None:
        """A fault shows a reference and not a word of its text."""
        browser = await region.signed_in("clinician", "/workbench/clinic/broken")

        assert browser.page.status_code == 500
        assert "王晓梅" not in browser.page.text

    async def test_missing_page(self, region: World) -> None:
        """An address that is none of ours is answered in the same layout."""
        assert (await region.browser().get("/workbench/nothing")).status_code == 404

    async def test_landing(self, region: World) -> None:
        """The first page counts what waits; a module that cannot count does not take the page down."""
        clinician = await region.signed_in("clinician")
        pharmacist = await region.signed_in("pharmacist")

        assert "待随访" in clinician.page.text
        assert pharmacist.page.status_code == 200
        assert "暂时数不出来" in pharmacist.page.text

    async def test_no_trail_no_page(self, region: World, monkeypatch: pytest.MonkeyPatch) -> None:
        """Where the audit trail cannot be written nothing of a record is shown."""
        await region.file(patient("p1"))
        browser = await opened(region)
        assert "王晓梅" in browser.page.text

        async def fail(*_: Any) -> None:
            raise Unavailable("The audit trail cannot be written.")

        monkeypatch.setattr(region.services.audit, "record", fail)
        page = await browser.get("/workbench/patients/p1")

        assert page.status_code == 503
        assert "王晓梅" not in page.text


class TestSearch:
    async def test_found_without_a_trace_in_the_address(self, region: World) -> None:
        """Two sources of one human are one row, under an address that says nothing; each source has its audit entry."""
        await region.file(patient("p1"), patient("p2"))
        browser = await region.signed_in("clinician", "/workbench/patients")
        page = await browser.post("/workbench/patients", {"number": "370303198506120428"})

        assert "370303198506120428" not in str(page.url) + page.text
        assert page.text.count("/workbench/patients/p") == 1
        assert "王晓梅" in page.text
        for one in ("p1", "p2"):
            events = await region.audit(patient=f"Patient/{one}")
            assert [event["subtype"][0]["code"] for event in events] == ["search-type"]

    async def test_another_session(self, region: World) -> None:
        """The address of an answer opens nothing in another session."""
        await region.file(patient("p1"))
        browser = await region.signed_in("clinician", "/workbench/patients")
        address = str((await browser.post("/workbench/patients", {"number": "370303198506120428"})).url)
        other = await region.signed_in("clinician")

        assert "王晓梅" not in (await other.get(address)).text

    async def test_mistakes_keep_the_input(self, region: World) -> None:
        """A name alone is refused at its field, and what was typed stays."""
        browser = await region.signed_in("clinician", "/workbench/patients")
        page = await browser.post("/workbench/patients", {"name": "王晓梅"})

        assert page.status_code == 422
        assert 'value="王晓梅"' in page.text
        assert 'aria-invalid="true"' in page.text

    async def test_nobody(self, region: World) -> None:
        """Nobody found is said, and leaves no entry about anybody."""
        browser = await region.signed_in("clinician", "/workbench/patients")
        page = await browser.post("/workbench/patients", {"number": "nobody"})

        assert "没有找到" in page.text


class TestRecord:
    async def test_asked_once(self, region: World) -> None:
        """Without a task the shell asks why, says nothing of the record before, and asks once a session."""
        await region.file(patient("p1"), patient("p2"), condition("c1"))
        browser = await region.signed_in("clinician", "/workbench/patients/p1")
        asked = browser.page
        assert "王晓梅" not in asked.text
        await browser.post(
            "/workbench/patients/p1/reason",
            {"purpose": "TREAT", "reason": "门诊复诊", "back": "/workbench/patients/p1"},
        )
        first, again = browser.page, await browser.get("/workbench/patients/p2")

        assert "/reason" in str(asked.url)
        assert "王晓梅" in first.text
        assert "高血压" in first.text
        assert "门诊复诊" in first.text
        assert again.status_code == 200
        assert "/reason" not in str(again.url)

    async def test_reason_reaches_the_trail(self, region: World) -> None:
        """Purpose and reason are in every entry about this human, of all sources."""
        await region.file(patient("p1"), patient("p2"), condition("c2", "p2"))
        await opened(region)
        events = await region.audit(patient="Patient/p2")
        purposes = {event["agent"][2]["purposeOfUse"][0]["text"] for event in events}

        assert purposes == {"门诊复诊，查看既往检验结果"}
        assert {event["subtype"][0]["code"] for event in events} == {"search-type"}

    async def test_bad_reason(self, region: World) -> None:
        """A purpose that the role has not, and too short a reason, are said at their fields."""
        await region.file(patient("p1"))
        browser = await region.signed_in("clinician", "/workbench/patients/p1")
        page = await browser.post("/workbench/patients/p1/reason", {"purpose": "PUBHLTH", "reason": "看"})

        assert page.status_code == 422
        assert "请选择访问目的" in page.text
        assert "请写明理由" in page.text

    async def test_task_opens(self, region: World) -> None:
        """A task about this human opens the record; a task about somebody else asks why."""
        task = {"resourceType": "Task", "id": "t1", "status": "requested", "intent": "order",
                "code": {"text": "高血压随访"}, "for": {"reference": "Patient/p1"}}  # fmt: skip
        await region.file(patient("p1"), patient("p9", "李德厚", "370303194809150175", "1948-09-15"), task)
        browser = await region.signed_in("clinician", "/workbench/clinic/task/t1?patient=p1")
        mine = browser.page.text
        other = await browser.get("/workbench/clinic/task/t1?patient=p9")

        assert mine == "王晓梅"
        assert "/workbench/patients/p9/reason" in str(other.url)

    async def test_refusal_and_emergency(self, region: World) -> None:
        """A refusal hides the record like one that is not there; an emergency opens it, marked for review."""
        await region.file(patient("p1"), {**LEGAL, "id": "no", "patient": {"reference": "Patient/p1"},
                                          "provision": {"type": "deny"}})  # fmt: skip
        await asyncio.sleep(1.1)
        denied = await opened(region)
        missing = await opened(region, patient_id="nobody")
        emergency = await opened(region, purpose="ETREAT")
        events = await region.audit(patient="Patient/p1", subtype="110127")

        assert denied.page.status_code == missing.page.status_code == 404
        assert "王晓梅" not in denied.page.text
        assert "王晓梅" in emergency.page.text
        assert "越过限制" in emergency.page.text
        assert events
        assert [e["agent"][2]["policy"] for e in await region.audit(patient="Patient/p1", outcome="4")] == [
            ["urn:hie:decision:consent-applied"]
        ]

    async def test_emergency_search(self, region: World) -> None:
        """Who refused is found only by declaring an emergency."""
        await region.file(patient("p1"), {**LEGAL, "id": "no", "patient": {"reference": "Patient/p1"},
                                          "provision": {"type": "deny"}})  # fmt: skip
        await asyncio.sleep(1.1)
        browser = await region.signed_in("clinician", "/workbench/patients")
        asked = {"number": "370303198506120428"}
        plain = (await browser.post("/workbench/patients", asked)).text
        urgent = {**asked, "emergency": "1", "reason": "患者昏迷，急诊抢救需要过敏史"}
        found = (await browser.post("/workbench/patients", urgent)).text

        assert "王晓梅" not in plain
        assert "王晓梅" in found

    async def test_entry_under_its_own_banner(self, region: World) -> None:
        """An entry is shown under the banner of its own human alone."""
        await region.file(patient("p1"), condition("c1"), patient("p9", "李德厚", "370303194809150175", "1948-09-15"),
                          condition("c9", "p9", code={"text": "糖尿病"}))  # fmt: skip
        browser = await opened(region)
        own = await browser.get("/workbench/patients/p1/entries/Condition/c1")
        foreign = await browser.get("/workbench/patients/p1/entries/Condition/c9")

        assert "高血压" in own.text
        assert foreign.status_code == 404
        assert "糖尿病" not in foreign.text

    async def test_pages_hide_nothing(self, region: World) -> None:
        """Recent first, page by page; entries of one moment stay together, and what has no time ends the last page."""
        rows = [condition(f"c{n}", recordedDate=f"2026-01-{n // 2 + 1:02d}T08:00:00+08:00") for n in range(50)]
        await region.file(patient("p1"), *rows, condition("undated"))
        browser = await opened(region)
        seen: list[str] = []
        for _ in range(9):
            parts = browser.page.text.split("/entries/Condition/")[1:]
            seen += [part.partition('"')[0] for part in parts]
            if 'rel="next"' not in browser.page.text:
                break
            older = browser.page.text.partition('" rel="next"')[0].rpartition('href="')[2]
            await browser.get(older.replace("&amp;", "&"))

        assert len(seen) == len(set(seen)) == 51
        assert seen[-1] == "undated"
        assert {"c48", "c49"} == set(seen[:2])
