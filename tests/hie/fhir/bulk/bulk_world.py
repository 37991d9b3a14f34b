"""A client of bulk data, and worker processes that can be stopped in the middle."""

from __future__ import annotations

import json
from dataclasses import dataclass, replace
from typing import Any
from uuid import uuid4

import httpx
from fhir_world import Json, World

from hie.exchange.leases import Leases
from hie.fhir.bulk.job import Job, to_job
from hie.fhir.bulk.runner import BulkRunner
from hie.fhir.services import FhirServices

ASYNC = "respond-async"


@dataclass
class BulkWorld(World):
    """The world of the FHIR interface, with bulk jobs."""

    def with_settings(self, **changes: Any) -> FhirServices:
        """The services of a worker with other settings."""
        return replace(self.services.fhir, settings=self.services.settings.model_copy(update=changes))

    def runner(self, services: FhirServices | None = None, *, seconds: float = 10.0) -> BulkRunner:
        """A worker process; each has leases of its own."""
        prefix = self.services.settings.database_prefix
        leases = Leases(self.services.client, prefix, "bulk_leases", f"worker-{uuid4().hex}", seconds=seconds)
        return BulkRunner(services or self.services.fhir, leases)

    async def started(self, path: str, body: Any = None, *, account: str = "system", **headers: str) -> str:
        """Kick a job off; returns its status address."""
        asked = {"Prefer": ASYNC, **headers}
        method = "GET" if body is None else "POST"
        answer = await self.ask(method, path, body, account=account, **asked)
        assert answer.status_code == 202, answer.text
        return str(answer.headers["Content-Location"])

    async def worked(self, runner: BulkRunner | None = None) -> None:
        """Run a worker until nothing is left to do."""
        runner = runner or self.runner()
        while await runner.turn():
            pass

    async def manifest(self, address: str, *, account: str = "system") -> Json:
        """What came of a job that is done."""
        answer = await self.get(address, account=account)
        assert answer.status_code == 200, (answer.status_code, answer.text)
        return answer.json()  # type: ignore[no-any-return]

    async def exported(self, path: str, body: Any = None, *, account: str = "system", **headers: str) -> Json:
        """Kick off, work, and return the manifest."""
        address = await self.started(path, body, account=account, **headers)
        await self.worked()
        return await self.manifest(address, account=account)

    async def lines(self, file: Json, *, account: str = "system") -> list[bytes]:
        """The lines of a file of a manifest."""
        answer = await self.get(file["url"], account=account, Accept="application/fhir+ndjson")
        assert answer.status_code == 200, answer.text
        assert answer.headers["Content-Type"] == "application/fhir+ndjson"
        return answer.content.split(b"\n")[:-1]

    async def resources(self, files: list[Json], *, account: str = "system") -> list[Json]:
        """The resources of several files."""
        return [json.loads(line) for file in files for line in await self.lines(file, account=account)]

    async def references(self, manifest: Json, *, account: str = "system") -> list[str]:
        """What the output of a manifest holds, sorted."""
        found = await self.resources(manifest["output"], account=account)
        return sorted(f"{one['resourceType']}/{one['id']}" for one in found)

    async def sent(self, lines: bytes, *, account: str = "system", **headers: str) -> httpx.Response:
        """Lines to $import."""
        asked = {"Prefer": ASYNC, "Content_Type": "application/fhir+ndjson", **headers}
        return await self.post("/$import", lines, account=account, **asked)

    async def imported(self, lines: bytes) -> Json:
        """Send lines, work, and return the manifest."""
        answer = await self.sent(lines)
        assert answer.status_code == 202, answer.text
        await self.worked()
        return await self.manifest(answer.headers["Content-Location"])

    async def job(self, address: str) -> Job:
        """The job as it is kept."""
        found = await self._collection("bulk_jobs").find_one({"_id": address.rpartition("/")[2]})
        assert found is not None
        return to_job(found)

    async def count(self, collection: str) -> int:
        """How many documents the exchange has in a collection."""
        return int(await self._collection(collection).count_documents({}))

    def _collection(self, name: str) -> Any:
        return self.services.client[f"{self.services.settings.database_prefix}_exchange"][name]


def problems(outcomes: list[Json]) -> list[str]:
    """What OperationOutcomes say."""
    return [issue["diagnostics"] for one in outcomes for issue in one["issue"]]
