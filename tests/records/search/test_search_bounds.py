"""Several conditions on one date are read between two moments, and find what each of them finds."""

from __future__ import annotations

import itertools
from random import Random
from typing import Any

import pytest
from records_world import World, observation, patient

from records.search import paging
from records.search.bounds import implied
from records.search.explaining import explain
from records.search.request import read
from records.search.run import Searcher
from records.stored import EVERYTHING

pytestmark = pytest.mark.anyio
WRITTEN = ("2019", "2020", "2020-01", "2020-01-31", "2020-02-01", "2020-12-31", "2021")
MOMENTS = ("2020-01-31T23:59:59+08:00", "2020-02-01T00:00:00Z", "2019-12-31T16:00:00.000Z")
PERIODS = (
    {"start": "2018", "end": "2022"}, {"start": "2020-01-31"}, {"end": "2020-02-01"}, {"start": "2020", "end": "2020"},
    {"start": "2016-02-29T08:00:00+08:00", "end": "2020-01-31"},
)  # fmt: skip
ASKED = [
    prefix + value
    for prefix in ("eq", "ne", "gt", "ge", "lt", "le", "sa", "eb")
    for value in ("2019", "2020", "2020-01", "2020-01-31", "2020-02-01T00:00:00Z")
]
PAIRS = Random(5).sample(list(itertools.combinations(ASKED, 2)), 160)


async def fill(world: World) -> None:
    """Patients born, and observations made, at times written in every way; some without."""
    born = [patient(f"p{at}", birthDate=value) for at, value in enumerate(WRITTEN)]
    made: list[dict[str, Any]] = [{"effectiveDateTime": value} for value in (*WRITTEN, *MOMENTS)]
    made += [{"effectivePeriod": value} for value in PERIODS] + [{"effectiveInstant": MOMENTS[1]}, {}]
    seen = [observation(f"o{at}", **elements) for at, elements in enumerate(made)]
    await world.put(*born, patient("p9"), *seen)


class TestBounds:
    @pytest.mark.parametrize(("resource_type", "name"), [("Patient", "birthdate"), ("Observation", "date")])
    async def test_both(self, world: World, resource_type: str, name: str) -> None:
        """Two conditions together find what both find alone, in whatever order."""
        await fill(world)
        alone = {one: set(await world.found(resource_type, f"{name}={one}")) for one in ASKED}

        for first, second in PAIRS:
            found = await world.found(resource_type, f"{name}={first}&{name}={second}&_sort={name}")

            assert set(found) == alone[first] & alone[second], (first, second)

    async def test_between(self, world: World) -> None:
        """A range is read from one end to the other in the order of the index: no more than what lies near it."""
        await world.put(*(patient(f"p{year}", birthDate=f"{year}-06-01") for year in range(1920, 2020)))
        asked = "birthdate=ge1950&birthdate=lt1955&_sort=birthdate"
        request = read("Patient", [tuple(one.split("=")) for one in asked.split("&")])  # type: ignore[misc]
        condition = await Searcher(world.store.collections, EVERYTHING).condition(request)
        assert condition is not None
        plan = await explain(world.store.collections.of("Patient"), condition, paging.order(request.sort), 21)

        assert await world.found("Patient", asked) == [f"p{year}" for year in range(1950, 1955)]
        assert plan.documents <= 7, plan

    @pytest.mark.parametrize(
        "query",
        [
            [("birthdate", "ne2020")], [("birthdate", "2020,2021")], [("birthdate:missing", "true")],
            [("_lastUpdated", "ge2020"), ("_lastUpdated", "lt2021")], [("name", "x")],
        ],
    )  # fmt: skip
    async def test_nothing_follows(self, query: list[tuple[str, str]]) -> None:
        """Of alternatives, of what is unequal, of a modifier nothing follows."""
        assert list(implied("Patient", read("Patient", query).filters)) == []

    async def test_repeated(self) -> None:
        """Of a date that a resource may have several of, another one may be meant by each condition."""
        filters = read("CarePlan", [("activity-date", "ge2020"), ("activity-date", "lt2021")]).filters

        assert list(implied("CarePlan", filters)) == []
