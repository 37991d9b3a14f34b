"""
Import of Synthea's patient histories as FHIR transactions.

Beside it the same resources by insert_many: as the documents that the store makes of them, with its indexes, and as
nothing but their text.
"""

from __future__ import annotations

import uuid
from datetime import UTC, datetime
from pathlib import Path

import msgspec

from records.collections import indexes
from records.documents import Document, build
from records.stored import Write
from tests.benchmarks.measure import Floor, Result, Timing, measure
from tests.benchmarks.stage import Stage, say

GROUP = "Transaction import"
FOLDER = Path(__file__).resolve().parents[3] / "shared" / "data" / "synthea"


async def run(stage: Stage) -> list[Result]:
    """One client sends one patient's whole history after the other."""
    files = sorted(FOLDER.glob("*.json"))[: stage.bundles] if FOLDER.is_dir() else []
    if not files:
        say("  skipped: the Synthea samples are not beside this checkout")
        return []
    bodies = [file.read_bytes() for file in files]
    resources = [[entry["resource"] for entry in msgspec.json.decode(body)["entry"]] for body in bodies]
    total = sum(map(len, resources))
    (http,) = stage.https(1)
    sent = await measure(lambda _, number: http("POST", "/fhir", bodies[number]), len(bodies))
    stored, bare = await _stored(stage, resources), await _bare(stage, resources)
    name = f"{len(bodies)} bundles of {total // len(bodies)} resources; times are of a bundle"
    return [
        Result(
            GROUP, name, Timing(total, sent.seconds, sent.each),
            (
                Floor("insert_many of the stored documents", Timing(total, stored.seconds)),
                Floor("insert_many of the texts", Timing(total, bare.seconds)),
            ), "resource",
        )
    ]  # fmt: skip


async def _stored(stage: Stage, resources: list[list[dict[str, object]]]) -> Timing:
    made: list[dict[str, list[Document]]] = []
    for one in resources:
        by_type: dict[str, list[Document]] = {}
        for resource in one:
            kind = str(resource["resourceType"])
            write = Write("create", kind, uuid.uuid4().hex, resource, msgspec.json.encode(resource))
            by_type.setdefault(kind, []).append(build(write, 1, datetime.now(UTC)))
        made.append(by_type)
    floors = {kind: stage.floor(f"stored_{kind}") for by_type in made for kind in by_type}
    for kind, floor in floors.items():
        await floor.create_indexes(indexes(kind))

    async def one_history(_: int, number: int) -> None:
        for kind, documents in made[number].items():
            await floors[kind].insert_many(documents)

    return await measure(one_history, len(resources))


async def _bare(stage: Stage, resources: list[list[dict[str, object]]]) -> Timing:
    floor = stage.floor("transactions")

    async def one(_: int, number: int) -> None:
        await floor.insert_many([{"text": msgspec.json.encode(resource)} for resource in resources[number]])

    return await measure(one, len(resources))
