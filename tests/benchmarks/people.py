"""Records of made-up residents, written straight into the stores: only searches are measured on them."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from random import Random
from typing import Any

from records.resource_store import ResourceStore
from records.stored import Json, Write
from tests.benchmarks.messages import name
from tests.benchmarks.stage import Stage
from tests.e2e.e2e_messages import id_number

LOINC, UCUM, ICD_10 = "http://loinc.org", "http://unitsofmeasure.org", "http://hl7.org/fhir/sid/icd-10"
ID_NUMBER = "urn:oid:2.16.156.10011.1.3"
GLUCOSES, PRESSURES, BATCH = 6, 4, 400
NOW = datetime.now(UTC)


async def fill(stage: Stage, numbers: range) -> None:
    """Patient, visits, diagnoses and measurements of each, by the project's own store."""
    store = ResourceStore(stage.client, stage.settings.database_prefix, base=stage.settings.fhir_url)
    await store.ensure_indexes()
    batch: list[Write] = []
    for number in numbers:
        batch += [Write("create", one["resourceType"], one["id"], one) for one in record(number)]
        if len(batch) >= BATCH:
            await store.apply(batch)
            batch = []
    if batch:
        await store.apply(batch)


def record(number: int) -> Iterator[Json]:
    """The same number makes the same record."""
    random = Random(number)
    yield _patient(number, random)
    for visit in range(2):
        yield _encounter(number, visit, random)
    yield _condition(number, 0, "E11.9" if number % 3 else "I10")
    for count in range(GLUCOSES):
        value = f"{random.gauss(6, 1.5):.2f}"
        yield _observation(number, f"g{count}", "1558-6", random) | {"valueQuantity": _quantity(value, "mmol/L")}
    for count in range(PRESSURES):
        yield _observation(number, f"p{count}", "85354-9", random) | {
            "component": [
                {"code": _code(LOINC, code), "valueQuantity": _quantity(str(random.randint(low, high)), "mm[Hg]")}
                for code, low, high in (("8480-6", 100, 185), ("8462-4", 60, 115))
            ]
        }


def _patient(number: int, random: Random) -> Json:
    family, given = name(random.randrange(8_000)).split("^")
    who = id_number(number)
    return {
        "resourceType": "Patient", "id": f"p{number}", "active": True,
        "identifier": [
            {"system": ID_NUMBER, "value": who}, {"system": "urn:hie:authority:BENCH", "value": f"B{number:06d}"},
        ],
        "name": [{"text": family + given, "family": family, "given": [given]}],
        "gender": random.choice(("male", "female")), "birthDate": f"{who[6:10]}-{who[10:12]}-{who[12:14]}",
    }  # fmt: skip


def _encounter(number: int, visit: int, random: Random) -> Json:
    return {
        "resourceType": "Encounter", "id": f"p{number}-e{visit}", "status": "finished",
        "class": {"system": "http://terminology.hl7.org/CodeSystem/v3-ActCode", "code": "AMB"},
        "subject": {"reference": f"Patient/p{number}"}, "period": {"start": _moment(random), "end": _moment(random, 0)},
    }  # fmt: skip


def _condition(number: int, count: int, code: str) -> Json:
    return {
        "resourceType": "Condition", "id": f"p{number}-c{count}", "code": _code(ICD_10, code),
        "subject": {"reference": f"Patient/p{number}"},
    }  # fmt: skip


def _observation(number: int, which: str, code: str, random: Random) -> dict[str, Any]:
    return {
        "resourceType": "Observation", "id": f"p{number}-{which}", "status": "final", "code": _code(LOINC, code),
        "subject": {"reference": f"Patient/p{number}"}, "encounter": {"reference": f"Encounter/p{number}-e0"},
        "effectiveDateTime": _moment(random),
    }  # fmt: skip


def _moment(random: Random, most_days: int = 700) -> str:
    return (NOW - timedelta(minutes=random.randint(0, most_days * 1440))).isoformat(timespec="seconds")


def _code(system: str, code: str) -> Json:
    return {"coding": [{"system": system, "code": code}]}


def _quantity(value: str, unit: str) -> Json:
    return {"value": Decimal(value), "unit": unit, "system": UCUM, "code": unit}
