"""Search parameters over FHIR: defined, refused, advertised, reindexed, retired; and by whom."""

from __future__ import annotations

import asyncio
from typing import Any

import httpx
import pytest
from fhir_world import World, ids, issue, patient

from hie.app import build
from records.reindexing import Reindexer

pytestmark = pytest.mark.anyio
Json = dict[str, Any]
URL = "http://example.org/SearchParameter/nickname"
NICKNAME: Json = {
    "resourceType": "SearchParameter", "id": "nickname", "url": URL, "version": "1", "name": "Nickname",
    "status": "active", "description": "What friends say.", "code": "nickname", "base": ["Patient"], "type": "string",
    "expression": "Patient.name.where(use='nickname').given",
}  # fmt: skip


def called(identity: str, name: str) -> Json:
    found: Json = patient(identity, name=[{"family": "王", "given": ["晓梅"]}, {"use": "nickname", "given": [name]}])
    return found


async def work(world: World) -> None:
    """What a worker does until nothing is left."""
    store = world.services.store
    while await Reindexer(store.collections, store.parameters, rate=0).turn(asyncio.Event()):
        pass


async def advertised(world: World) -> list[str]:
    statement = (await world.get("/metadata", account=None)).json()
    (found,) = (one for one in statement["rest"][0]["resource"] if one["type"] == "Patient")
    return [one["definition"] for one in found["searchParam"] if one["name"] == "nickname"]


def said(answer: httpx.Response) -> dict[str, Any]:
    """The simple values of an answer's Parameters."""
    return {
        one["name"]: value
        for one in answer.json()["parameter"]
        for key, value in one.items()
        if key.startswith("value")
    }


class TestDefined:
    async def test_life(self, world: World) -> None:
        """Stored, refused with its progress, advertised and answered, retired."""
        await world.made(called("p1", "小梅"), called("p2", "小兰"))
        made = await world.put("/SearchParameter/nickname", NICKNAME, account="system")
        assert made.status_code == 201, made.text
        status, code, text = issue(await world.get("/Patient?nickname=小梅"))
        assert (status, code) == (400, "not-supported")
        assert "nickname of Patient is not answered yet" in text and "0 %" in text
        assert await advertised(world) == []

        await work(world)
        found = await world.get("/Patient?nickname=小梅")
        assert ids(found) == ["p1"]
        assert "nickname=" in found.json()["link"][0]["url"]
        assert await advertised(world) == [URL]

        retired = await world.put("/SearchParameter/nickname", NICKNAME | {"status": "retired"}, account="system")
        assert retired.status_code == 200
        assert await advertised(world) == []
        assert issue(await world.get("/Patient?nickname=小梅"))[0] == 400

    async def test_lenient(self, world: World) -> None:
        """Where the caller is lenient the self link says that it was passed over."""
        await world.made(called("p1", "小梅"), NICKNAME)
        answer = await world.get("/Patient?nickname=小兰", Prefer="handling=lenient")

        assert ids(answer) == ["p1"]
        assert "nickname" not in answer.json()["link"][0]["url"]

    async def test_by_administrator(self, world: World) -> None:
        """An administrator may define; a clinician may not, by whichever way, and nothing is stored."""
        transaction = {
            "resourceType": "Bundle", "type": "transaction",
            "entry": [{"resource": NICKNAME, "request": {"method": "PUT", "url": "SearchParameter/nickname"}}],
        }  # fmt: skip

        assert (await world.put("/SearchParameter/nickname", NICKNAME)).status_code == 403
        assert (await world.post("/SearchParameter", NICKNAME)).status_code == 403
        assert (await world.post("", transaction)).status_code == 403
        assert (await world.get("/SearchParameter", account="system")).json()["total"] == 0
        made = await world.put("/SearchParameter/nickname", NICKNAME, account="administrator")
        assert made.status_code == 201, made.text
        assert (await world.ask("DELETE", "/SearchParameter/nickname")).status_code == 403

    @pytest.mark.parametrize("way", ["put", "post", "transaction", "patch"])
    async def test_refused(self, world: World, way: str) -> None:
        """A definition that cannot be compiled is 422 by every way, and says where; nothing is stored."""
        bad = NICKNAME | {"expression": "Patient.name.given.substring(1)"}
        match way:
            case "put":
                answer = await world.put("/SearchParameter/nickname", bad, account="system")
            case "post":
                answer = await world.post("/SearchParameter", bad, account="system")
            case "transaction":
                entry = {"resource": bad, "request": {"method": "POST", "url": "SearchParameter"}}
                bundle = {"resourceType": "Bundle", "type": "transaction", "entry": [entry]}
                answer = await world.post("", bundle, account="system")
            case _:
                await world.made(NICKNAME | {"status": "draft"})
                merge = {"status": "active", "expression": bad["expression"]}
                answer = await world.ask(
                    "PATCH", "/SearchParameter/nickname", merge, account="system",
                    Content_Type="application/merge-patch+json",
                )  # fmt: skip
        status, code, text = issue(answer)

        assert (status, code) == (422, "not-supported"), answer.text
        assert "character 20: the function substring() is not compiled" in text
        assert answer.json()["issue"][0]["expression"] == ["SearchParameter.expression"]
        active = await world.get("/SearchParameter?status=active", account="system")
        assert active.json()["total"] == 0

    async def test_another_process(self, world: World) -> None:
        """Another process of the exchange learns of it by itself, and holds the job until it has."""
        await world.made(called("p1", "小梅"))
        async with build(world.services.settings) as other, World.over(other) as there:
            await world.made(NICKNAME)
            await there.made(called("p2", "小梅"))
            await work(world)
            for _ in range(50):
                answer = await there.get("/Patient?nickname=小梅")
                if answer.status_code == 200:
                    break
                await asyncio.sleep(0.1)

            assert sorted(ids(answer)) == ["p1", "p2"]
            assert await advertised(there) == [URL]


class TestReindex:
    async def test_asked_for(self, world: World) -> None:
        """202 with an address that tells how far it is; it ends with as many as there are."""
        await world.made(called("p1", "小梅"), called("p2", "小兰"))
        answer = await world.post("/$reindex?type=Patient", None, account="system")
        assert answer.status_code == 202, answer.text
        where = answer.headers["content-location"].removeprefix(world.services.settings.fhir_url)
        assert said(await world.get(where, account="system"))["state"] == "waiting"

        await work(world)
        told = said(await world.get(where, account="system"))
        assert (told["state"], told["percent"], told["total"], told["done"]) == ("completed", 100, 2, 2)
        assert (told["existing"], told["current"], told["errors"]) == (2, 2, 0)

    async def test_parameters(self, world: World) -> None:
        """By the address of a parameter, by types in a body, by HAPI's form, of one resource; else it is refused."""
        await world.made(called("p1", "小梅"), NICKNAME)
        body = {
            "resourceType": "Parameters",
            "parameter": [{"name": "type", "valueCode": "Patient"}, {"name": "type", "valueCode": "Observation"}],
        }  # fmt: skip
        taken = [
            await world.post(f"/$reindex?url={URL}", None, account="system"),
            await world.post("/$reindex", body, account="administrator"),
            await world.post("/$reindex?url=Patient?", None, account="system"),
            await world.post("/$reindex?everything=true", None, account="system"),
            await world.post("/SearchParameter/nickname/$reindex", None, account="system"),
        ]
        refused = [
            await world.post("/$reindex", None, account="system"),
            await world.post("/$reindex?type=Nothing", None, account="system"),
            await world.post("/$reindex?url=http://example.org/nobody", None, account="system"),
            await world.post("/$reindex?type=Patient&everything=true", None, account="system"),
            await world.post("/$reindex?url=Patient?name=x", None, account="system"),
            await world.post("/$reindex?type=Patient", None),
            await world.get("/$reindex"),
        ]

        assert [answer.status_code for answer in taken] == [202] * 5
        assert [issue(answer)[0] for answer in refused] == [400, 404, 422, 400, 400, 403, 403]
        listed = (await world.get(f"/$reindex?url={URL}", account="system")).json()["parameter"]
        assert len(listed) == 3

    async def test_steered(self, world: World) -> None:
        """Paused it is not worked on, resumed it is; cancelled it has ended."""
        await world.made(called("p1", "小梅"), NICKNAME)
        job = said(await world.post("/SearchParameter/nickname/$reindex", None, account="system"))["jobId"]
        assert said(await world.post(f"/$reindex/{job}/$pause", None, account="system"))["state"] == "paused"
        await work(world)
        assert "was paused" in issue(await world.get("/Patient?nickname=小梅"))[2]
        assert said(await world.post(f"/$reindex/{job}/$resume", None, account="system"))["state"] == "waiting"
        assert said(await world.ask("DELETE", f"/$reindex/{job}", account="system"))["state"] == "cancelled"
        await work(world)

        assert "was stopped" in issue(await world.get("/Patient?nickname=小梅"))[2]
        assert issue(await world.post(f"/$reindex/{job}/$resume", None, account="system"))[0] == 409
        assert issue(await world.get("/$reindex/nobody", account="system"))[0] == 404

    async def test_audited(self, world: World) -> None:
        """Who asked for it is in the trail, refusals as well."""
        await world.post("/$reindex?type=Patient", None, account="system")
        await world.post("/$reindex?type=Patient", None)
        events = [event["text"] for event in await world.events()]

        assert len(events) == 2
        assert b'"outcome":"0"' in events[0] and b'"outcome":"4"' in events[1]
