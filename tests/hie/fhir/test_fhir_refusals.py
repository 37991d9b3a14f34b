"""
Every refusal is an OperationOutcome, and what was sent is kept. https://hl7.org/fhir/R4/operationoutcome.html
"""

from __future__ import annotations

from dataclasses import replace

import pytest
from fhir_world import World, issue, observation, patient

pytestmark = pytest.mark.anyio
DEEP = b'{"resourceType":"Patient","extension":' + b'[{"url":"u","extension":' * 60 + b"[]" + b"}]" * 60 + b"}"
SCRIPT = (
    b'{"resourceType":"Patient","text":{"status":"generated",'
    b'"div":"<div xmlns=\\"http://www.w3.org/1999/xhtml\\"><script>1</script></div>"}}'
)


class TestBodies:
    @pytest.mark.parametrize(
        ("body", "status", "code"),
        [
            (b'{"resourceType":"Patient"', 400, "structure"),
            (b"[]", 400, "structure"),
            (b'{"resourceType":"Patient","gender":"male","gender":"female"}', 400, "structure"),
            (b'{"resourceType":"Patient","name":[{"family":"\xff"}]}', 400, "structure"),
            (DEEP, 400, "structure"),
            (b'{"resourceType":"Observation","status":"final"}', 400, "invalid"),
            (b'{"resourceType":"Patient","colour":"scarlet"}', 422, "structure"),
            (b'{"resourceType":"Patient","gender":"nonsense"}', 422, "code-invalid"),
            (b'{"resourceType":"Patient","birthDate":"2024-02-30"}', 422, "value"),
            (b'{"resourceType":"Patient","multipleBirthInteger":1e500}', 400, "structure"),
            (SCRIPT, 422, "invariant"),
        ],
    )  # fmt: skip
    async def test_refused(self, world: World, body: bytes, status: int, code: str) -> None:
        """The right status and code, no word of the content, and the bytes in the journal."""
        refused = await world.post("/Patient", body, Content_Type="application/fhir+json")
        kept = await world.services.journal.search(state="rejected")

        assert issue(refused)[:2] == (status, code)
        assert not any(word in refused.text for word in ("scarlet", "nonsense", "2024-02-30"))
        assert await world.services.journal.raw(kept[0].id) == body

    async def test_places(self, world: World) -> None:
        """Each place that is wrong is named."""
        wrong = patient(name=[{"given": "晓梅"}], contact=[{"gender": "x"}], telecom=[])
        issues = (await world.post("/Patient", wrong)).json()["issue"]

        assert {one["expression"][0] for one in issues} == {
            "Patient.name[0].given", "Patient.contact[0].gender", "Patient.telecom",
        }  # fmt: skip


class TestSize:
    async def test_too_large(self, world: World) -> None:
        """413, and what came up to the limit is kept."""
        settings = world.services.settings.model_copy(update={"fhir_max_bytes": 100})
        small = replace(world.services, settings=settings, fhir=replace(world.services.fhir, settings=settings))
        async with World.over(small) as narrow:
            refused = await narrow.post("/Patient", b"x" * 70 + b" " * 70, Content_Type="application/fhir+json")
        (kept,) = await world.services.journal.search(state="rejected")

        assert issue(refused)[:2] == (413, "too-costly")
        assert await world.services.journal.raw(kept.id) == b"x" * 70 + b" " * 30


class TestAddresses:
    @pytest.mark.parametrize(
        ("method", "path", "status"),
        [
            ("GET", "/Nothing", 404), ("GET", "/Nothing/1", 404), ("GET", "/Patient/none", 404),
            ("GET", "/SubscriptionTopic", 404), ("DELETE", "/Patient", 405), ("PUT", "/Patient", 405),
            ("GET", "/patient", 404), ("GET", "/Patient/1/2/3/4", 404), ("POST", "/Patient/p1", 405),
        ],
    )  # fmt: skip
    async def test_refused(self, world: World, method: str, path: str, status: int) -> None:
        """An unknown type or address is 404, a method that it does not take 405."""
        assert issue(await world.ask(method, path, patient() if method in ("PUT", "POST") else None))[0] == status


class TestFormats:
    async def test_accept(self, world: World) -> None:
        """A format nobody speaks is 406, a body in one 415; JSON in its forms is fine."""
        assert issue(await world.get("/Patient", Accept="text/turtle"))[0] == 406
        assert issue(await world.post("/Patient", b"id,name", Content_Type="text/csv"))[0] == 415
        assert (await world.get("/Patient?_format=json", Accept="text/turtle")).status_code == 200


class TestTokens:
    @pytest.mark.parametrize("header", [None, "Basic abc", "Bearer abc", "Bearer a.b.c"])
    async def test_none(self, world: World, header: str | None) -> None:
        """Without a token that holds: 401, and how to get one."""
        headers = {"Authorization": header} if header else {}
        refused = await world.client.get("/Patient", headers=headers)

        assert issue(refused)[:2] == (401, "login")
        assert refused.headers["WWW-Authenticate"].startswith("Bearer")

    async def test_role(self, world: World) -> None:
        """What a role may not do is 403."""
        assert issue(await world.get("/AuditEvent"))[:2] == (403, "forbidden")
        assert issue(await world.post("/AuditEvent", {"resourceType": "AuditEvent"}, account="system"))[0] == 403


class TestCapabilities:
    async def test_open(self, world: World) -> None:
        """What the server does is told to everybody, and each parameter it names is one that it answers."""
        found = (await world.get("/metadata", account=None)).json()
        rest = found["rest"][0]
        types = {one["type"]: one for one in rest["resource"]}

        assert (found["fhirVersion"], len(types)) == ("4.0.1", 123)
        assert "name" in {one["name"] for one in types["Patient"]["searchParam"]}
        assert "Observation:subject" in types["Patient"]["searchRevInclude"]


class TestTrail:
    async def test_before_the_answer(self, world: World) -> None:
        """Each request is in the trail with its patient, refusals too; the resident finds who looked."""
        await world.made(patient("p1", "370303198506120428"), observation("o1", "p1"))
        await world.get("/Observation/o1")
        await world.get("/Observation?subject=Patient/p1")
        await world.put("/Observation/o1", observation("o1", "p1", status="nonsense"))
        events = await world.events()
        looked = await world.get("/AuditEvent?_count=100", account="resident")

        assert [(row["p"], row["d"]) for row in events[-3:]] == [(["p1"], False)] * 3
        assert "张医生" in looked.text
        assert (await world.services.audit.verify()).ok


class TestQueries:
    @pytest.mark.parametrize(
        ("method", "path"),
        [
            ("POST", "/Patient?identifier=a|b"), ("PUT", "/Patient/p1?active=true"),
            ("DELETE", "/Patient/p1?active=true"), ("PATCH", "/Patient/p1?active=true"),
            ("POST", "/Patient/$validate?name=x"),
        ],
    )  # fmt: skip
    async def test_of_writes(self, world: World, method: str, path: str) -> None:
        """A query that a write has no use for is refused: it could be meant as a condition."""
        await world.made(patient())

        assert issue(await world.ask(method, path, patient(), account="system"))[:2] == (400, "not-supported")
        assert (await world.get("/Patient?_summary=count")).json()["total"] == 1
