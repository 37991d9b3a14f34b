"""
$export: kick-off, state, manifest, files. https://hl7.org/fhir/uv/bulkdata/export.html
"""

from __future__ import annotations

import pytest
from bulk_world import ASYNC, BulkWorld, problems
from fhir_world import Json, issue, observation, patient


pytestmark = pytest.mark.anyio


def organization() -> Json:
    return {"resourceType": "Organization", "id": "g1", "name": "医院"}


class TestSystem:
    async def test_whole(self, bulk: BulkWorld) -> None:
        """202 and a status address; then a manifest whose files hold every resource once."""
        await bulk.made(patient("p1"), patient("p2"), observation("o1"), organization())
        address = await bulk.started("/$export")
        waiting = await bulk.get(address, account="system")
        await bulk.worked()
        done = await bulk.get(address, account="system")
        manifest = done.json()

        assert waiting.status_code == 202
        assert waiting.headers["X-Progress"]
        assert int(waiting.headers["Retry-After"]) > 0
        assert done.headers["Content-Type"] == "application/json"
        assert "GMT" in done.headers["Expires"]
        assert manifest["requiresAccessToken"] is True
        assert manifest["request"].endswith("/fhir/$export")
        assert manifest["error"] == []
        assert "deleted" not in manifest
        found = await bulk.references(manifest)
        assert {"Patient/p1", "Patient/p2", "Observation/o1", "Organization/g1"} <= set(found)
        assert len(found) == len(set(found)) == sum(file["count"] for file in manifest["output"])
