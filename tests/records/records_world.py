"""A store of its own and small resources, for the tests of the stores."""

from __future__ import annotations

from typing import Any

from records.resource_store import ResourceStore
from records.stored import EVERYTHING, Json, Page, Stored, Visibility, Write


class World:
    """A real store with shorthands."""

    def __init__(self, store: ResourceStore) -> None:
        self.store = store

    async def put(self, *resources: Json) -> list[Stored]:
        """Create or update each."""
        return await self.store.apply(
            [Write("update", one["resourceType"], one["id"], resource=one) for one in resources]
        )

    async def found(self, resource_type: str, query: str, visibility: Visibility = EVERYTHING) -> list[str]:
        """Ids that a search finds, in its order; the query is written as in an address, without encoding."""
        return [row.id for row in (await self.page(resource_type, query, visibility)).matches]

    async def page(self, resource_type: str, query: str, visibility: Visibility = EVERYTHING, **options: Any) -> Page:
        """One page."""
        pairs = [tuple(pair.split("=", 1)) for pair in query.split("&") if pair]
        return await self.store.search(resource_type, pairs, visibility=visibility, **options)  # type: ignore[arg-type]


def patient(identity: str, **elements: Any) -> Json:
    return {"resourceType": "Patient", "id": identity, **elements}


def observation(identity: str, of: str = "p1", **elements: Any) -> Json:
    code = elements.pop("code", {"coding": [{"system": "http://loinc.org", "code": "718-7"}]})
    return {
        "resourceType": "Observation", "id": identity, "status": "final", "code": code,
        "subject": {"reference": f"Patient/{of}"}, **elements,
    }  # fmt: skip


def quantity(value: Any, unit: str = "g/L") -> Json:
    return {"value": value, "unit": unit, "system": "http://unitsofmeasure.org", "code": unit}


def component(code: str, value: int) -> Json:
    return {
        "code": {"coding": [{"system": "http://loinc.org", "code": code}]},
        "valueQuantity": quantity(value, "mm[Hg]"),
    }
