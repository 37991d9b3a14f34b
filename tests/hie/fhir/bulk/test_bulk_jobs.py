"""
Jobs that survive: a crash in the middle, two workers at once, an end by request or by time, and too many of them.
"""

from __future__ import annotations

import asyncio
from dataclasses import replace

import pytest
from bulk_world import ASYNC, BulkWorld
from fhir_world import issue, observation, patient

from hie.fhir.bulk import extraction
from hie.fhir.bulk.jobs import Lost
from records import transactions
from records.stored import Write

pytestmark = pytest.mark.anyio
ROWS = 1_300


@pytest.fixture
async def filled(bulk: BulkWorld, monkeypatch: pytest.MonkeyPatch) -> BulkWorld:
    """Some thousand resources, written out in small steps."""
    monkeypatch.setattr(extraction, "PAGE_ROWS", 100)
    await bulk.made(patient())
    rows = [observation(f"o{number:05}") for number in range(ROWS)]
    await bulk.services.store.apply([Write("create", "Observation", row["id"], row) for row in rows])
    return bulk


async def complete(world: BulkWorld, address: str) -> None:
    """Every resource is there, once."""
    found = await world.references(await world.manifest(address))
    assert found == sorted(f"Observation/o{number:05}" for number in range(ROWS))


class TestResumption:
    async def test_crash(self, filled: BulkWorld) -> None:
        """A worker that is killed leaves its place; another goes on there when the lease is over."""
        address = await filled.started("/$export?_type=Observation")
        first = filled.runner(seconds=0.4)
        await first._leases.hold([address.rpartition("/")[2]])
        job = await filled.job(address)
        for _ in range(4):
            job = await first.step(job)
        second = filled.runner(seconds=0.4)
        assert await second.turn() is False
        at = (await filled.job(address)).progress
        await asyncio.sleep(0.6)
        await filled.worked(second)

        assert at.done == 400
        assert at.cursor == "o00399"
        await complete(filled, address)

    async def test_lost_write(self, filled: BulkWorld) -> None:
        """A step that was not written counts for nothing: the next one begins where the last written one ended."""
        address = await filled.started("/$export?_type=Observation")
        runner = filled.runner()
        job = await runner.step(await filled.job(address))
        broken = replace(job, progress=replace(job.progress, turn=99))
        with pytest.raises(Lost):
            await runner.step(broken)
        await filled.worked()

        await complete(filled, address)

    async def test_locks_left_behind(self, filled: BulkWorld, monkeypatch: pytest.MonkeyPatch) -> None:
        """A killed worker's transaction holds its job until the database ends it: the job waits, and does not fail."""
        monkeypatch.setattr(transactions, "PATIENCE_SECONDS", 0.05)
        address = await filled.started("/$export?_type=Observation")
        job_id, runner = address.rpartition("/")[2], filled.runner()
        async with filled.services.client.start_session() as session:
            await session.start_transaction()
            await filled._collection("bulk_jobs").update_one({"_id": job_id}, {"$set": {"lock": 1}}, session=session)
            assert await runner.turn() is False
            await session.abort_transaction()
        assert (await filled.job(address)).state == "open"
        await filled.worked(runner)

        await complete(filled, address)

    async def test_race(self, filled: BulkWorld) -> None:
        """Two that both believe to have the job: one step of each turn is kept, and no resource comes twice."""
        address = await filled.started("/$export?_type=Observation")
        one, other = filled.runner(), filled.runner()
        while (job := await filled.job(address)).state == "open":
            results = await asyncio.gather(one.step(job), other.step(job), return_exceptions=True)
            assert sum(isinstance(result, Lost) for result in results) == 1

        await complete(filled, address)

    async def test_two_workers(self, filled: BulkWorld) -> None:
        """Two workers share several jobs; each job is whole."""
        addresses = [await filled.started("/$export?_type=Observation") for _ in range(4)]
        stop = asyncio.Event()
        running = [asyncio.create_task(filled.runner(seconds=1.0).run(stop)) for _ in range(2)]
        async with asyncio.timeout(60):
            for address in addresses:
                while (await filled.job(address)).state == "open":
                    await asyncio.sleep(0.05)
        stop.set()
        await asyncio.gather(*running)

        for address in addresses:
            await complete(filled, address)


class TestEnd:
    async def test_cancel(self, filled: BulkWorld) -> None:
        """DELETE ends a job in the middle: 202, then 404, and nothing of its files is left."""
        address = await filled.started("/$export?_type=Observation")
        runner = filled.runner()
        job = await runner.step(await filled.job(address))
        assert await filled.count("bulk_chunks") == 1
        cancelled = await filled.ask("DELETE", address, account="system")
        with pytest.raises(Lost):
            await runner.step(job)

        assert cancelled.status_code == 202
        assert (await filled.get(address, account="system")).status_code == 404
        assert (await filled.ask("DELETE", address, account="system")).status_code == 404
        assert await filled.count("bulk_chunks") == 0
        await filled.services.fhir.bulk.clean()
        assert await filled.count("bulk_jobs") == 0

    async def test_cancel_of_a_finished_one(self, filled: BulkWorld) -> None:
        """The files of a finished job go as well."""
        address = await filled.started("/$export?_type=Observation")
        await filled.worked()
        (file,) = (await filled.manifest(address))["output"]
        await filled.ask("DELETE", address, account="system")

        assert (await filled.get(file["url"], account="system")).status_code == 404

    async def test_expiry(self, filled: BulkWorld) -> None:
        """When its time is over a job is 404, and its files are cleaned away."""
        kept = await filled.started("/$export?_type=Patient")
        await filled.worked()
        address = await filled.started("/$export?_type=Observation")
        await filled.worked(filled.runner(filled.with_settings(bulk_keep_hours=0.2 / 3600)))
        manifest = await filled.get(address, account="system")
        await asyncio.sleep(0.3)

        assert manifest.status_code == 200
        assert (await filled.get(address, account="system")).status_code == 404
        assert (await filled.get(f"{address}/Observation-output-1", account="system")).status_code == 404
        await filled.runner().turn()
        assert await filled.count("bulk_chunks") == 1
        assert await filled.count("bulk_jobs") == 1
        assert (await filled.get(kept, account="system")).status_code == 200

    async def test_failure(self, bulk: BulkWorld) -> None:
        """A job whose requester may no longer export fails with an OperationOutcome."""
        await bulk.made(patient())
        address = await bulk.started("/$export?_type=Patient", account="administrator")
        commission = {
            "resourceType": "Organization", "id": "g1", "active": False, "name": "淄博市卫生健康委员会",
            "identifier": [{"system": "urn:hie:organization", "value": "370300-G01"}],
        }  # fmt: skip
        await bulk.made(commission)
        bulk.services.gate.organizations._known.clear()
        await bulk.worked()
        job = await bulk.job(address)

        assert job.state == "failed"
        assert job.status == 403
        assert await bulk.count("bulk_chunks") == 0


class TestLimits:
    async def test_too_many(self, bulk: BulkWorld) -> None:
        """A client with five jobs under way gets 429 and is told when to come again."""
        addresses = [await bulk.started("/$export") for _ in range(5)]
        refused = await bulk.get("/$export", account="system", Prefer=ASYNC)
        other = await bulk.get("/$export", account="administrator", Prefer=ASYNC)
        await bulk.ask("DELETE", addresses[0], account="system")

        assert issue(refused)[:2] == (429, "throttled")
        assert int(refused.headers["Retry-After"]) > 0
        assert other.status_code == 202
        assert (await bulk.get("/$export", account="system", Prefer=ASYNC)).status_code == 202

    async def test_settling(self, bulk: BulkWorld) -> None:
        """Nothing is read before writes that were under way at the transaction time have had time to be there."""
        await bulk.made(patient())
        address = await bulk.started("/$export?_type=Patient")

        assert await bulk.runner(bulk.with_settings(bulk_settle_seconds=60.0)).turn() is False
        assert (await bulk.job(address)).progress.done == 0
