"""
$import: lines sent or fetched, filed in the background; bad ones are told of and hold up nobody.

https://github.com/smart-on-fhir/bulk-import
"""

from __future__ import annotations

import asyncio
import gzip
import http.server
import json
import threading
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import httpx
import pytest
from bulk_world import ASYNC, BulkWorld, problems
from fhir_world import RESIDENT_ID, Json, ids, issue, observation, patient
from starlette.applications import Starlette

from hie.app import build
from hie.errors import Unprocessable
from hie.fhir.bulk import filing_lines, intake, staging
from hie.fhir.bulk.doors import bulk_routes
from hie.fhir.bulk.jobs import Lost
from hie.fhir.web import fhir_routes
from hie.settings import Settings
from records import transactions

pytestmark = pytest.mark.anyio


def ndjson(*resources: Json | bytes) -> bytes:
    return b"".join((one if isinstance(one, bytes) else json.dumps(one).encode()) + b"\n" for one in resources)


def asked(*urls: str, **parts: str) -> Json:
    """The Parameters of an $import."""
    inputs = [
        {"name": "input", "part": [
            *({"name": name, "valueString": value} for name, value in parts.items()), {"name": "url", "valueUri": url},
        ]} for url in urls
    ]  # fmt: skip
    shared = [
        {"name": "inputFormat", "valueString": "application/fhir+ndjson"},
        {"name": "inputSource", "valueUri": "https://hospital.example/fhir"},
        {"name": "storageDetail", "part": [{"name": "type", "valueString": "https"}]},
    ]
    return {"resourceType": "Parameters", "parameter": [*shared, *inputs]}


class TestLines:
    async def test_bad_lines(self, bulk: BulkWorld) -> None:
        """Good lines are filed; each bad one is in the error file by its number, and in the journal by its bytes."""
        lines = ndjson(
            patient("p1"), b"{not json", observation("o1"), b"", {"resourceType": "Observation", "id": "o2"},
            {"resourceType": "Nothing"}, b'{"resourceType":"Patient","id":"p2","gender":"?"}', observation("o3"),
            {"resourceType": "AuditEvent", "id": "a1"},
        )  # fmt: skip
        manifest = await bulk.imported(lines)
        outcomes = await bulk.resources(manifest["error"])

        assert sorted(ids(await bulk.get("/Observation"))) == ["o1", "o3"]
        assert ids(await bulk.get("/Patient")) == ["p1"]
        counts = {one["type"]: (one["count"], one["extension"]["created"]) for one in manifest["output"]}
        assert counts == {"Patient": (1, 1), "Observation": (2, 2)}
        assert [problems([one])[0].partition(":")[0] for one in outcomes] == [
            f"Line {number}" for number in (2, 5, 6, 7, 9)
        ]
        assert manifest["error"][0]["count"] == 5
        kept = [row["raw"] async for row in bulk._collection("journal").find({"state": "rejected"})]
        assert b"{not json" in kept
        assert len(kept) == 5

    async def test_profiles(self, bulk: BulkWorld) -> None:
        """Where profiles are enforced, a line that does not keep what it claims is refused alone, and says why."""
        born: list[Json] = [{"id": one, "path": one} for one in ("Patient", "Patient.birthDate")]
        born[1]["min"] = 1
        base = "http://hl7.org/fhir/StructureDefinition"
        await bulk.made(
            {
                "resourceType": "StructureDefinition", "id": "born", "url": "urn:test:born", "name": "Born",
                "status": "active", "kind": "resource", "abstract": False, "type": "Patient",
                "derivation": "constraint", "baseDefinition": f"{base}/Patient", "differential": {"element": born},
            }
        )  # fmt: skip
        claims = {"meta": {"profile": ["urn:test:born"]}}
        lines = ndjson(patient("p1", **claims), patient("p2"), patient("p3", birthDate="1980-01-01", **claims))
        for policy, filed in (("enforce", ["p2", "p3"]), ("ignore", ["p1", "p2", "p3"])):
            answer = await bulk.sent(lines)
            await bulk.worked(bulk.runner(bulk.with_settings(fhir_profiles=policy)))
            errors = await bulk.resources((await bulk.manifest(answer.headers["Content-Location"]))["error"])

            assert ids(await bulk.get("/Patient?_sort=_id", account="system")) == filed
            assert [one["expression"] for error in errors for one in error["issue"]] == (
                [["Patient.birthDate"]] if policy == "enforce" else []
            )

    async def test_made_elsewhere(self, bulk: BulkWorld) -> None:
        """A Person is made by the registry, and a Subscription agreed on by its own request."""
        wanted = {
            "resourceType": "Subscription", "id": "s1", "status": "requested", "reason": "test",
            "criteria": "Observation?code=1", "channel": {"type": "rest-hook", "endpoint": "http://127.0.0.1:1/"},
        }  # fmt: skip
        manifest = await bulk.imported(ndjson({"resourceType": "Person", "id": "x1"}, wanted))

        assert manifest["output"] == [] and manifest["error"][0]["count"] == 2
        assert ids(await bulk.get("/Subscription", account="system")) == []

    async def test_numbers(self, bulk: BulkWorld) -> None:
        """The line is stored as it was sent: 1.50 stays 1.50."""
        value = observation("o1", valueQuantity="VALUE")
        line = json.dumps(value).replace('"VALUE"', '{"value": 1.50}').encode()
        await bulk.imported(ndjson(patient(), line))

        assert b'{"value": 1.50}' in (await bulk.get("/Observation/o1")).content

    async def test_again(self, bulk: BulkWorld) -> None:
        """The same file once more changes nothing, also where lines have no ids; a changed line is a new version."""
        nameless = {**observation("x"), "id": None}
        del nameless["id"]
        lines = ndjson(patient("p1"), observation("o1"), nameless)
        await bulk.imported(lines)
        again = await bulk.imported(lines)
        changed = await bulk.imported(ndjson(observation("o1", status="amended")))

        assert (await bulk.get("/Observation?_total=accurate")).json()["total"] == 2
        assert [one["extension"]["unchanged"] for one in again["output"]] == [1, 2]
        assert changed["output"][0]["extension"] == {"created": 0, "updated": 1, "unchanged": 0}
        assert (await bulk.get("/Observation/o1")).json()["meta"]["versionId"] == "2"
        assert (await bulk.get("/Patient/p1")).json()["meta"]["versionId"] == "1"

    async def test_precision_is_a_change(self, bulk: BulkWorld) -> None:
        """1.50 instead of 1.5 says another thing about how it was measured."""
        line = json.dumps(observation("o1", valueQuantity={"value": 1.5})).encode()
        await bulk.imported(ndjson(patient(), line))
        manifest = await bulk.imported(ndjson(line.replace(b"1.5", b"1.50")))

        assert manifest["output"][0]["extension"]["updated"] == 1

    async def test_same_id_twice(self, bulk: BulkWorld) -> None:
        """Two lines with one id are two versions, in their order."""
        await bulk.imported(ndjson(patient("p1", gender="male"), patient("p1", gender="female")))
        found = (await bulk.get("/Patient/p1")).json()

        assert found["gender"] == "female"
        assert found["meta"]["versionId"] == "2"

    async def test_identity_and_trail(self, bulk: BulkWorld) -> None:
        """Patients find their person as in every other write, and each write is in the trail of its patient."""
        await bulk.imported(ndjson(patient("p1", RESIDENT_ID), patient("p2", RESIDENT_ID), observation("o1", "p2")))
        person = await bulk.services.registry.person_of("p1")
        told = [row for row in await bulk.events() if b'"Observation/o1/_history/1"' in row["text"]]

        assert await bulk.services.registry.person_of("p2") == person
        assert [row["p"] for row in told] == [["p2"]]

    async def test_one_spoils_a_batch(self, bulk: BulkWorld, monkeypatch: pytest.MonkeyPatch) -> None:
        """A line that only the stores refuse is found and told of; the others of its transaction are filed."""
        real = filing_lines.file_batch

        async def picky(services: object, job: object, batch: filing_lines.Batch, session: object) -> object:
            if any(line.id == "o2" for line in batch.lines):
                raise Unprocessable("The stores refuse it.")
            return await real(services, job, batch, session)  # type: ignore[arg-type]

        monkeypatch.setattr(intake, "file_batch", picky)
        manifest = await bulk.imported(
            ndjson(patient(), b"{", observation("o1"), observation("o2"), b"[", observation("o3"))
        )
        outcomes = await bulk.resources(manifest["error"])

        assert sorted(ids(await bulk.get("/Observation"))) == ["o1", "o3"]
        assert sorted(problems([one])[0].partition(":")[0] for one in outcomes) == ["Line 2", "Line 4", "Line 5"]
        assert sum(one["count"] for one in manifest["output"]) == 3

    async def test_long_line(self, bulk: BulkWorld, monkeypatch: pytest.MonkeyPatch) -> None:
        """A line that is too long is refused by its beginning; what follows is read."""
        monkeypatch.setattr(staging, "LONGEST_LINE", 2_000)
        long = observation("o1", note=[{"text": "x" * 10_000}])
        manifest = await bulk.imported(ndjson(patient(), long, observation("o2")))

        assert ids(await bulk.get("/Observation")) == ["o2"]
        assert problems(await bulk.resources(manifest["error"])) == ["Line 2: The line is too long."]


class TestUpload:
    async def test_gzip(self, bulk: BulkWorld) -> None:
        """A compressed body of several members; one that ends too early is 400 and leaves no job."""
        body = gzip.compress(ndjson(patient("p1"))) + gzip.compress(ndjson(patient("p2")))
        taken = await bulk.sent(body, Content_Encoding="gzip")
        await bulk.worked()
        broken = await bulk.sent(body[:-12], Content_Encoding="gzip")

        assert taken.status_code == 202
        assert ids(await bulk.get("/Patient")) == ["p1", "p2"]
        assert issue(broken)[0] == 400
        await bulk.services.fhir.bulk.clean()
        assert await bulk.count("bulk_jobs") == 1

    async def test_who(self, bulk: BulkWorld) -> None:
        """Only a system with system/*.cruds may; nobody is asked to wait for the answer."""
        assert issue(await bulk.sent(ndjson(patient()), account="clinician"))[0] == 403
        assert issue(await bulk.sent(ndjson(patient()), account=None))[0] == 401  # type: ignore[arg-type]
        assert issue(await bulk.sent(ndjson(patient()), Prefer="return=minimal"))[0] == 400
        assert issue(await bulk.post("/$import", asked("http://127.0.0.1:1/x"), Prefer=ASYNC))[0] == 403
        assert await bulk.count("bulk_jobs") == 0

    async def test_stream(self, bulk: BulkWorld) -> None:
        """A body that comes in small pieces, larger than a request may otherwise be."""
        lines = [ndjson(observation(f"o{number}")) for number in range(300)]
        body = ndjson(patient()) + b"".join(lines)

        async def parts() -> AsyncIterator[bytes]:
            for start in range(0, len(body), 777):
                yield body[start : start + 777]

        small = bulk.with_settings(fhir_max_bytes=5_000)
        app = Starlette(routes=[*bulk_routes(small), *fhir_routes(small)])
        base = bulk.services.settings.fhir_url
        async with httpx.AsyncClient(transport=httpx.ASGITransport(app=app), base_url=base) as client:
            headers = {
                "Authorization": bulk_token(bulk), "Prefer": ASYNC, "Content-Type": "application/fhir+ndjson",
            }  # fmt: skip
            answer = await client.post("/$import", content=parts(), headers=headers)
        await bulk.worked()

        assert answer.status_code == 202
        assert (await bulk.get("/Observation?_total=accurate")).json()["total"] == 300


class TestJobs:
    async def test_crash(self, bulk: BulkWorld, monkeypatch: pytest.MonkeyPatch) -> None:
        """A worker that stops in the middle: the next goes on behind the last transaction; counts are exact."""
        monkeypatch.setattr(intake, "BATCH_LINES", 10)
        answer = await bulk.sent(ndjson(patient(), *(observation(f"o{number:03}") for number in range(95)), b"{"))
        address = answer.headers["Content-Location"]
        job = await bulk.job(address)
        runner, other = bulk.runner(), bulk.runner()
        for _ in range(3):
            results = await asyncio.gather(runner.step(job), other.step(job), return_exceptions=True)
            assert sum(isinstance(one, Lost) for one in results) == 1
            job = await bulk.job(address)
        middle = await bulk.get(address, account="system")
        await bulk.worked()
        manifest = await bulk.manifest(address)

        assert middle.status_code == 202
        assert middle.headers["X-Progress"] == "30 lines; 0 of 1 files"
        assert {one["type"]: one["extension"]["created"] for one in manifest["output"]} == {
            "Patient": 1, "Observation": 95,
        }  # fmt: skip
        versions = {one["resource"]["meta"]["versionId"] for one in (
            await bulk.get("/Observation?_count=200")).json()["entry"]}  # fmt: skip
        assert versions == {"1"}

    async def test_locks_left_behind(self, bulk: BulkWorld, monkeypatch: pytest.MonkeyPatch) -> None:
        """Lines that a killed worker's transaction holds are no bad lines: the job waits until the database ends it."""
        monkeypatch.setattr(transactions, "PATIENCE_SECONDS", 0.05)
        await bulk.imported(ndjson(patient(), observation("o1")))
        observations = bulk.services.store.collections.of("Observation")
        address = (await bulk.sent(ndjson(observation("o1", status="amended"), observation("o2")))).headers
        runner = bulk.runner()
        async with bulk.services.client.start_session() as session:
            await session.start_transaction()
            await observations.update_one({"_id": "o1"}, {"$set": {"lock": 1}}, session=session)
            assert await runner.turn() is False
            await session.abort_transaction()
        await bulk.worked(runner)
        manifest = await bulk.manifest(address["Content-Location"])

        assert manifest["error"] == []
        assert manifest["output"][0]["extension"] == {"created": 1, "updated": 1, "unchanged": 0}

    async def test_cancel(self, bulk: BulkWorld, monkeypatch: pytest.MonkeyPatch) -> None:
        """What was filed before stays; the rest is not filed."""
        monkeypatch.setattr(intake, "BATCH_LINES", 10)
        answer = await bulk.sent(ndjson(*(patient(f"p{number:03}") for number in range(50))))
        address = answer.headers["Content-Location"]
        runner = bulk.runner()
        job = await runner.step(await bulk.job(address))
        cancelled = await bulk.ask("DELETE", address, account="system")
        with pytest.raises(Lost):
            await runner.step(job)

        assert cancelled.status_code == 202
        assert (await bulk.get("/Patient?_total=accurate")).json()["total"] == 10
        assert await bulk.count("bulk_chunks") == 0


@pytest.fixture
def files(tmp_path: Path) -> Iterator[tuple[Path, str]]:
    """A folder that a web server on this machine shows."""
    folder = tmp_path / "files"
    folder.mkdir()

    class Quiet(http.server.SimpleHTTPRequestHandler):
        def __init__(self, *args: object) -> None:
            super().__init__(*args, directory=str(folder))  # type: ignore[arg-type]

        def log_message(self, *_args: object) -> None:
            pass

    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Quiet) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        yield folder, f"http://127.0.0.1:{server.server_port}"
        server.shutdown()
        thread.join()


class TestFetched:
    async def test_files(self, bulk: BulkWorld, files: tuple[Path, str]) -> None:
        """Each file is fetched and counted by itself; one that is not there is told of."""
        folder, base = files
        (folder / "a.ndjson").write_bytes(ndjson(patient("p1"), observation("o1")))
        (folder / "b.ndjson").write_bytes(ndjson(patient("p2")).rstrip())
        body = asked(f"{base}/a.ndjson", f"{base}/none.ndjson", f"{base}/b.ndjson", type="Patient")
        address = await bulk.started("/$import", body)
        await bulk.worked()
        manifest = await bulk.manifest(address)

        assert [(one["type"], one["count"], one["inputUrl"]) for one in manifest["output"]] == [
            ("Patient", 1, f"{base}/a.ndjson"), ("Patient", 1, f"{base}/b.ndjson"),
        ]  # fmt: skip
        told = {one["inputUrl"]: problems(await bulk.resources([one])) for one in manifest["error"]}
        assert told[f"{base}/none.ndjson"] == ["The address answered with status 404."]
        assert told[f"{base}/a.ndjson"] == ["Line 2: This file was announced to hold Patient resources alone."]
        assert await bulk.count("bulk_chunks") == 2

    @pytest.mark.parametrize(
        "body",
        [
            asked("https://files.example/a.ndjson"), asked("file:///etc/passwd"), asked("http://169.254.169.254/x"),
            asked("http://user@127.0.0.1:80/x"), asked(), asked("http://127.0.0.1:1/x", type="Nothing"),
            asked("http://127.0.0.1:1/x", etag="1"), {"resourceType": "Parameters"},
            {"resourceType": "Parameters", "parameter": [{"name": "inputFormat", "valueString": "text/csv"}]},
            {"resourceType": "Parameters", "parameter": [{"name": "typo", "valueString": "x"}]},
        ],
    )  # fmt: skip
    async def test_refused(self, bulk: BulkWorld, body: Json) -> None:
        """Addresses that the settings do not name, and parameters that are not known, are 400."""
        assert issue(await bulk.post("/$import", body, account="system", Prefer=ASYNC))[0] == 400

    async def test_no_redirects(self, bulk: BulkWorld, files: tuple[Path, str]) -> None:
        """An allowed address does not lead to another one."""
        folder, base = files
        (folder / "dir").mkdir()
        address = await bulk.started("/$import", asked(f"{base}/dir"))
        await bulk.worked()
        manifest = await bulk.manifest(address)

        assert problems(await bulk.resources(manifest["error"])) == ["The address answered with status 301."]


class TestRoundTrip:
    async def test_into_an_empty_exchange(
        self, bulk: BulkWorld, issuer: Settings, mongo_uri: str, database_prefix: str, tmp_path: Path
    ) -> None:
        """What one exchange wrote out, another reads in: the same resources, to the last digit."""
        value = '{"value": 1.50, "unit": "mmol/L"}'
        text = json.dumps(observation("o1", valueQuantity="VALUE"), indent=1).replace('"VALUE"', value)
        await bulk.made(patient("p1", RESIDENT_ID), patient("p2", RESIDENT_ID), observation("o2", "p2"))
        await bulk.put("/Observation/o1", text, account="system", Content_Type="application/json")
        await bulk.made({"resourceType": "Organization", "id": "g1", "name": "医院"})
        manifest = await bulk.exported("/$export")
        lines = [line for file in manifest["output"] for line in await bulk.lines(file)]
        changes = {
            "mongo_uri": mongo_uri, "database_prefix": f"{database_prefix}x", "data_dir": tmp_path / "other",
            "bulk_settle_seconds": 0.0,
        }  # fmt: skip
        async with build(issuer.model_copy(update=changes)) as services:
            app = Starlette(routes=[*bulk_routes(services.fhir), *fhir_routes(services.fhir)])
            transport = httpx.ASGITransport(app=app)
            async with httpx.AsyncClient(transport=transport, base_url=services.settings.fhir_url) as client:
                other = BulkWorld(services, client, bulk.settings)
                taken = await other.imported(b"".join(line + b"\n" for line in lines))
                again = await other.exported("/$export")
                found = [line for file in again["output"] for line in await other.lines(file)]

        assert sorted(map(bare, found)) == sorted(map(bare, lines))
        assert any(b'"value":1.50' in line for line in found)
        # Persons are made anew from the Patients: one human each time, as the registry sees it.
        (refused,) = taken["error"]
        assert refused["count"] == sum(b'"resourceType":"Person"' in line for line in lines) == 1


def bare(line: bytes) -> str:
    """A resource without what each server sets itself; numbers as they are written."""
    resource = json.loads(line, parse_float=str)
    if resource["resourceType"] == "Person":
        return f"Person of {sorted(one['target']['reference'] for one in resource['link'])}"
    return json.dumps({**resource, "meta": None}, sort_keys=True)


def bulk_token(world: BulkWorld) -> str:
    from fhir_world import bearer

    return f"Bearer {bearer(world.settings, 'system')}"
