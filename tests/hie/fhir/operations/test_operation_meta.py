"""$meta, $meta-add, $meta-delete. https://hl7.org/fhir/R4/resource-operation-meta.html"""

from __future__ import annotations

import re
from typing import Any

import pytest
from fhir_world import World, issue, observation, patient

Json = dict[str, Any]

pytestmark = pytest.mark.anyio
ACT = "http://terminology.hl7.org/CodeSystem/v3-ActCode"
PSY: Json = {"system": ACT, "code": "PSY"}
TAG: Json = {"system": "urn:t", "code": "lost", "display": "Paper record lost"}


def asked(**meta: Any) -> Json:
    return {"resourceType": "Parameters", "parameter": [{"name": "meta", "valueMeta": meta}]}


def returned(answer: Any) -> Json:
    assert answer.status_code == 200, answer.text
    (parameter,) = answer.json()["parameter"]
    return dict(parameter["valueMeta"])


class TestMeta:
    async def test_instance(self, world: World) -> None:
        """What the resource itself says, of now and of a version; the trail names the patient."""
        await world.made(patient(), observation(meta={"tag": [TAG]}))
        await world.put("/Observation/o1", observation(), account="system")

        assert returned(await world.get("/Observation/o1/_history/1/$meta"))["tag"] == [TAG]
        now = returned(await world.get("/Observation/o1/$meta"))
        assert (now["versionId"], "tag" in now) == ("2", False)
        assert (await world.events())[-1]["p"] == ["p1"]
        assert issue(await world.get("/Observation/none/$meta"))[0] == 404

    async def test_in_use(self, world: World) -> None:
        """What is used by a type and by all, each once; not on what the caller may not see."""
        profile = "http://hl7.org/fhir/StructureDefinition/vitalsigns"
        await world.made(
            patient(meta={"tag": [{"system": "urn:t", "code": "vip"}]}),
            *(observation(f"o{n}", meta={"tag": [TAG], "profile": [profile]}) for n in range(3)),
            observation("s", meta={"security": [PSY]}),
        )  # fmt: skip

        assert returned(await world.get("/Observation/$meta")) == {"profile": [profile], "tag": [TAG]}
        assert returned(await world.get("/Observation/$meta", account="system"))["security"] == [PSY]
        everywhere = returned(await world.get("/$meta"))
        assert [one["code"] for one in everywhere["tag"]] == ["lost", "vip"]
        assert (await world.get("/Condition/$meta")).json() == {"resourceType": "Parameters"}
        assert issue(await world.get("/Observation/$meta?x=1"))[0] == 400


class TestChange:
    async def test_add(self, world: World) -> None:
        """A new version with the label, each label once, everything else byte for byte as it was."""
        await world.made(patient())
        text = re.sub(r'"id":\s?"o1"', '"id":"o1"', '{"resourceType":"Observation","id":"o1","status":"final",')
        body = text + '"code":{"text":"x"},"subject":{"reference":"Patient/p1"},"valueQuantity":{"value": 1.50}}'
        await world.put("/Observation/o1", body.encode(), account="system")
        source = (await world.get("/Observation/o1")).json()["meta"]["source"]

        meta = returned(await world.post("/Observation/o1/$meta-add", asked(tag=[TAG], profile=["http://x/p"])))
        assert (meta["versionId"], meta["tag"], meta["profile"]) == ("2", [TAG], ["http://x/p"])
        again = returned(await world.post("/Observation/o1/$meta-add", asked(tag=[{**TAG, "display": "other"}])))
        assert (again["versionId"], again["tag"]) == ("2", [TAG])
        stored = await world.get("/Observation/o1")
        assert '"valueQuantity":{"value": 1.50}' in stored.text
        assert stored.json()["meta"]["source"] == source
        assert len((await world.get("/Observation/o1/_history")).json()["entry"]) == 2

    async def test_delete(self, world: World) -> None:
        """What is named goes, by system and code; what is not there is no error; empty sets vanish."""
        await world.made(patient(), observation(meta={"tag": [TAG, {"system": "urn:t", "code": "b"}]}))

        address = "/Observation/o1/$meta-delete"

        first = returned(await world.post(address, asked(tag=[{"system": "urn:t", "code": "b"}])))
        assert first["tag"] == [TAG]
        same = returned(await world.post(address, asked(tag=[{"system": "urn:t", "code": "c"}])))
        assert same["versionId"] == first["versionId"]
        assert "tag" not in returned(await world.post(address, asked(tag=[TAG])))

    async def test_labels(self, world: World) -> None:
        """A label hides at once; who does not see it cannot take it off; nor who sees only this one."""
        await world.made(patient(), observation())
        clinician = await world.post("/Observation/o1/$meta-add", asked(security=[PSY]))
        assert returned(clinician)["security"] == [PSY]

        assert issue(await world.get("/Observation/o1"))[0] == 404
        assert issue(await world.post("/Observation/o1/$meta-delete", asked(security=[PSY])))[0] == 404
        sees_one = await world.post("/Observation/o1/$meta-delete", asked(security=[PSY]), account="public-health")
        assert issue(sees_one)[:2] == (403, "forbidden")
        taken = await world.post("/Observation/o1/$meta-delete", asked(security=[PSY]), account="system")
        assert "security" not in returned(taken)
        assert (await world.get("/Observation/o1")).status_code == 200

    async def test_refusals(self, world: World) -> None:
        """No meta, what is not a label, another version, a caller who may not write."""
        await world.made(patient(), observation())
        for body in (asked(), {"resourceType": "Parameters"}, asked(versionId="9"), observation()):
            assert issue(await world.post("/Observation/o1/$meta-add", body))[0] in (400, 422), body
        stale = await world.post("/Observation/o1/$meta-add", asked(tag=[TAG]), If_Match='W/"7"')
        assert issue(stale)[0] == 412
        foreign = await world.post("/Observation/o1/$meta-add", asked(tag=[TAG]), account="resident")
        assert issue(foreign)[0] == 403
        assert (await world.get("/Observation/o1")).json()["meta"]["versionId"] == "1"
