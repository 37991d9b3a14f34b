"""Import of Synthea's patient histories as FHIR transactions, beside insert_many of the same resources."""

from __future__ import annotations

from pathlib import Path

import msgspec

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
    bare = await _bare(stage, resources)
    name = f"{len(bodies)} bundles of {total // len(bodies)} resources; times are of a bundle"
    return [
        Result(
            GROUP, name, Timing(total, sent.seconds, sent.each),
            (Floor("insert_many", Timing(total, bare.seconds)),), "resource",
        )
    ]  # fmt: skip


async def _bare(stage: Stage, resources: list[list[dict[str, object]]]) -> Timing:
    floor = stage.floor("transactions")

    async def one(_: int, number: int) -> None:
        await floor.insert_many([{"text": msgspec.json.encode(resource)} for resource in resources[number]])

    return await measure(one, len(resources))
