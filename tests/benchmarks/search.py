"""
Searches over HTTP, a page of 20 each, beside finding as many documents by their ids in the same collections.

`--patients N...` sizes the region, from the smallest on: each patient has two visits, a diagnosis, ten measurements.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from urllib.parse import quote

from tests.benchmarks.http import Http
from tests.benchmarks.measure import Floor, Result, Timing, measure
from tests.benchmarks.messages import FAMILIES
from tests.benchmarks.people import ICD_10, ID_NUMBER, LOINC, NOW, UCUM, fill
from tests.benchmarks.stage import Stage, say
from tests.e2e.e2e_messages import id_number

COUNT, WARM, CLIENTS = 200, 20, 4
PARTS = {"Patient": "health_records", "Condition": "health_records"}
Ask = Callable[[int], tuple[str, dict[str, str]]]


def shapes(patients: int) -> dict[str, Ask]:
    """What is asked, by the number of the search: no two ask the same where there is a choice."""

    def who(number: int) -> str:
        return f"p{number * 7 % patients}"

    glucose, kind = f"{LOINC}|1558-6", "Observation"

    def after(number: int) -> str:
        return f"ge{(NOW - timedelta(days=30 + number % 300)).date()}"

    return {
        "string": lambda n: ("Patient", {"family": FAMILIES[n % len(FAMILIES)]}),
        "date with prefix, sorted": lambda n: (kind, {"date": after(n), "_sort": "-date"}),
        "token": lambda n: ("Condition", {"code": f"{ICD_10}|{('I10', 'E11.9')[n % 2]}"}),
        "identifier": lambda n: ("Patient", {"identifier": f"{ID_NUMBER}|{id_number(n * 7 % patients)}"}),
        "reference": lambda n: (kind, {"patient": f"Patient/{who(n)}"}),
        "token and reference": lambda n: (kind, {"patient": f"Patient/{who(n)}", "code": glucose}),
        "quantity": lambda n: (kind, {"value-quantity": f"gt{6 + n % 30 / 10:.1f}|{UCUM}|mmol/L"}),
        "composite": lambda n: (kind, {"component-code-value-quantity": f"{LOINC}|8480-6$gt{140 + n % 40}"}),
        "chain": lambda n: (kind, {"patient.identifier": f"B{n * 7 % patients:06d}", "code": glucose}),
        "reverse chain": lambda n: ("Patient", {"_has:Condition:patient:code": "I10", "family": FAMILIES[n % 20]}),
        "include": lambda n: (kind, {"patient": f"Patient/{who(n)}", "_include": "Observation:encounter"}),
        "count": lambda n: (kind, {"code": glucose, "date": after(n), "_summary": "count"}),
    }  # fmt: skip


async def run(stage: Stage) -> list[Result]:
    """Every shape in turn, at every size."""
    results, filled = list[Result](), 0
    for size in sorted(stage.patients):
        say(f"  filling {size} records")
        await fill(stage, range(filled, size))
        filled = size
        group = f"FHIR search, {size:,} patients, {size * 14:,} resources, {CLIENTS} clients"
        https = stage.https(CLIENTS)
        results += [await _shape(stage, group, name, ask, https) for name, ask in shapes(size).items()]
    return results


async def _shape(stage: Stage, group: str, name: str, ask: Ask, https: list[Http]) -> Result:
    found: dict[int, list[str]] = {}

    async def one(task: int, number: int) -> None:
        kind, params = ask(number)
        query = "&".join(f"{quote(key)}={quote(value)}" for key, value in (params | {"_count": "20"}).items())
        reply = await https[task]("GET", f"/fhir/{kind}?{query}")
        found[number] = [entry["fullUrl"] for entry in reply.json().get("entry", [])]  # type: ignore[attr-defined]

    timing = await measure(one, stage.count(COUNT), CLIENTS, WARM)
    rows = sum(map(len, found.values())) / len(found)
    floor = await _by_id(stage, found)
    return Result(group, f"{name} ({rows:.0f} rows)", timing, (Floor("find by ids", floor),))


async def _by_id(stage: Stage, found: dict[int, list[str]]) -> Timing:
    asked = [_by_type(urls) for _, urls in sorted(found.items())]

    async def one(_: int, number: int) -> None:
        for kind, ids in asked[number].items():
            await stage.database(PARTS.get(kind, "emr"))[kind].find({"_id": {"$in": ids}}, {"text": 1}).to_list()

    return await measure(one, stage.count(COUNT), CLIENTS, WARM)


def _by_type(urls: list[str]) -> dict[str, list[str]]:
    grouped: dict[str, list[str]] = {}
    for url in urls:
        kind, identity = url.rsplit("/", 2)[1:]
        grouped.setdefault(kind, []).append(identity)
    # An answer without rows still costs a question.
    return grouped or {"Observation": []}
