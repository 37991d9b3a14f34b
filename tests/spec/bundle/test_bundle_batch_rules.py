"""
The rules of a batch: each entry by itself. https://hl7.org/fhir/R4/http.html#brules
"""

from __future__ import annotations

from typing import Any

import pytest
from fhir_world import Json, World, ids, observation, patient

pytestmark = pytest.mark.anyio
URN = "urn:uuid:0d0d0d0d-0d0d-4d0d-8d0d-0d0d0d0d0d0d"


async def send(world: World, *entries: Json, **options: Any) -> list[Json]:
    body = {"resourceType": "Bundle", "type": "batch", "entry": list(entries)}
    answer = await world.post("", body, account="system", **options)
    assert answer.json()["type"] == "batch-response", answer.text
    found: list[Json] = answer.json()["entry"]
    return found


def entry(method: str, url: str, resource: Json | None = None, **more: Any) -> Json:
    name = more.pop("name", "")
    found: Json = {"request": {"method": method, "url": url, **more}}
    return found | ({"resource": resource} if resource else {}) | ({"fullUrl": name} if name else {})


class TestEntries:
    async def test_every_interaction(self, world: World) -> None:
        """Whatever has an address can be an entry, and answers as it would alone."""
        merge = {"contentType": "application/merge-patch+json", "data": "eyJnZW5kZXIiOiJtYWxlIn0="}
        patch = {"resourceType": "Binary", **merge}
        answers = await send(
            world,
            entry("PUT", "Patient/p1", patient()),
            entry("GET", "Patient/p1"),
            entry("HEAD", "Patient/p1"),
            entry("PATCH", "Patient/p1", patch),
            entry("GET", "Patient/p1/_history"),
            entry("GET", "Patient/p1/$everything"),
            entry("POST", "Patient/$validate", patient()),
            entry("POST", "Observation", observation(identifier=[{"value": "1"}]), ifNoneExist="identifier=1"),
            entry("GET", "Patient/p1", ifNoneMatch='W/"2"'),
            entry("DELETE", "Patient/p1"),
            entry("GET", "metadata"),
        )
        kinds = [one.get("resource", {}).get("resourceType", "") for one in answers]

        assert [one["response"]["status"] for one in answers] == [
            "201", "200", "200", "200", "200", "200", "200", "201", "304", "204", "200",
        ]  # fmt: skip
        assert kinds == [
            "Patient", "Patient", "", "Patient", "Bundle", "Bundle", "OperationOutcome", "Observation", "", "",
            "CapabilityStatement",
        ]  # fmt: skip
        assert answers[3]["response"]["etag"] == 'W/"2"'
        assert answers[0]["response"]["location"].endswith("/Patient/p1/_history/1")
        assert "lastModified" in answers[0]["response"]

    async def test_failures(self, world: World) -> None:
        """What fails has its status and outcome, the others happen, and what was refused is kept."""
        wrong = patient("p2", gender="nonsense")
        answers = await send(
            world,
            entry("PUT", "Patient/p2", wrong),
            entry("PUT", "Patient/p1", patient()),
            entry("GET", "Nothing/1"),
            entry("POST", "/", {"resourceType": "Bundle", "type": "batch"}),
            entry("PATCH", "Patient/p1", patient()),
            entry("DELETE", "Patient"),
        )

        assert [one["response"]["status"] for one in answers] == ["422", "201", "404", "400", "400", "405"]
        failed = [one for one in answers if one["response"]["status"] >= "400"]
        assert {one["response"]["outcome"]["resourceType"] for one in failed} == {"OperationOutcome"}
        assert ids(await world.get("/Patient")) == ["p1"]
        kept = await world.services.journal.search(state="rejected")
        assert any([b"nonsense" in await world.services.journal.raw(one.id) for one in kept])

    async def test_links(self, world: World) -> None:
        """Entries of a batch stand alone: one that names another is refused, the other happens."""
        found = observation() | {"subject": {"reference": URN}}
        answers = await send(
            world, entry("POST", "Patient", patient(), name=URN), entry("POST", "Observation", found)
        )

        assert [one["response"]["status"] for one in answers] == ["201", "400"]

    async def test_prefer(self, world: World) -> None:
        """The preference of the batch is that of its entries."""
        (minimal,) = await send(world, entry("PUT", "Patient/p1", patient()), Prefer="return=minimal")
        (told,) = await send(world, entry("PUT", "Patient/p1", patient()), Prefer="return=OperationOutcome")

        assert "resource" not in minimal
        assert told["response"]["outcome"]["issue"][0]["severity"] == "information"
