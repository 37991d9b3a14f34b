"""
Clients that come at once, to two processes: nothing twice, nothing lost. https://hl7.org/fhir/R4/http.html#concurrency
"""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import AsyncIterator
from typing import Any

import pytest
from fhir_world import Json, World, ids, observation, patient

from hie.app import build
from hie.settings import Settings

pytestmark = pytest.mark.anyio
RACERS = 64
ROUNDS = 100
RACERS_A_ROUND = 6


@pytest.fixture
async def worlds(spec_settings: Settings) -> AsyncIterator[tuple[World, World]]:
    """Two processes' worth of services over one database."""
    async with (
        build(spec_settings) as one, build(spec_settings) as other, World.over(one) as left, World.over(other) as right,
    ):  # fmt: skip
        yield left, right


def keyed(value: str) -> Json:
    found = observation(identifier=[{"system": "urn:race", "value": value}])
    return {name: one for name, one in found.items() if name != "id"}


def transaction(*entries: tuple[str, str, Json]) -> Json:
    return {
        "resourceType": "Bundle", "type": "transaction",
        "entry": [{"request": {"method": method, "url": url}, "resource": body} for method, url, body in entries],
    }  # fmt: skip


async def race(asked: list[Any]) -> Counter[int]:
    return Counter(answer.status_code for answer in await asyncio.gather(*asked))


class TestConditionalCreate:
    @pytest.mark.slow
    @pytest.mark.timeout(600)
    async def test_crowds(self, worlds: tuple[World, World]) -> None:
        """A hundred times, sixty-four at once over two processes make one resource, and all are told of it."""
        for number in range(ROUNDS):
            options = {"If_None_Exist": f"identifier=urn:race|{number}"}
            resource = keyed(str(number))
            asked = [worlds[one % 2].post("/Observation", resource, **options) for one in range(RACERS)]
            answers = await asyncio.gather(*asked)

            assert Counter(one.status_code for one in answers) == {201: 1, 200: RACERS - 1}, number
            assert len({one.json()["id"] for one in answers}) == 1, number

    async def test_mixed(self, worlds: tuple[World, World]) -> None:
        """A hundred rounds of six: creations and updates by the same condition, alone and in transactions."""

        async def one_round(number: int) -> None:
            value, query = f"r{number}", f"identifier=urn:race|r{number}"
            bundle = transaction(("PUT", f"Observation?{query}", keyed(value)))
            if number % 2:
                bundle["entry"][0]["request"] = {"method": "POST", "url": "Observation", "ifNoneExist": query}
            asked = [
                worlds[racer % 2].post("/Observation", keyed(value), If_None_Exist=query) if racer % 3 == 0
                else worlds[racer % 2].put(f"/Observation?{query}", keyed(value)) if racer % 3 == 1
                else worlds[racer % 2].post("", bundle, account="system")
                for racer in range(RACERS_A_ROUND)
            ]  # fmt: skip
            assert set(await race(asked)) <= {200, 201}

        for number in range(0, ROUNDS, 4):
            await asyncio.gather(*(one_round(number + more) for more in range(4)))
        found = await worlds[0].get("/Observation?_summary=count")

        assert found.json()["total"] == ROUNDS

    async def test_skew(self, worlds: tuple[World, World]) -> None:
        """Two conditions that each other's resource meets: the later one finds what the first one made."""
        for number in range(10):
            both = observation(identifier=[{"system": "urn:race", "value": f"{one}{number}"} for one in "ab"])
            asked = [
                world.post("/Observation", both, If_None_Exist=f"identifier=urn:race|{name}{number}")
                for world, name in zip(worlds, "ab", strict=True)
            ]
            assert await race(asked) == {201: 1, 200: 1}


class TestLostUpdates:
    async def test_if_match(self, worlds: tuple[World, World]) -> None:
        """Of many that change the same version one succeeds, and the others are told."""
        await worlds[0].made(patient())
        for version in range(1, 6):
            asked = [
                world.put("/Patient/p1", patient(gender="male"), If_Match=f'W/"{version}"') for world in worlds * 8
            ]
            assert await race(asked) == {200: 1, 412: 15}

    async def test_unconditional(self, worlds: tuple[World, World]) -> None:
        """Updates without a condition all succeed, and the history has every one of them."""
        await worlds[0].made(patient())
        asked = [
            worlds[number % 2].put("/Patient/p1", patient(birthDate=f"19{number:02}-01-01")) for number in range(10, 26)
        ]
        assert await race(asked) == {200: 16}
        history = (await worlds[1].get("/Patient/p1/_history?_count=100")).json()["entry"]

        assert [one["resource"]["meta"]["versionId"] for one in history] == [str(one) for one in range(17, 0, -1)]
        assert len({one["resource"].get("birthDate") for one in history}) == 17

    async def test_create_only(self, worlds: tuple[World, World]) -> None:
        """Of many that may only create, one does."""
        options = {"If_None_Match": "*", "account": "system"}
        asked = [world.put("/Patient/new", patient("new"), **options) for world in worlds * 8]

        assert await race(asked) == {201: 1, 412: 15}

    async def test_patches(self, worlds: tuple[World, World]) -> None:
        """Patches of one resource are all applied, each upon the other."""
        await worlds[0].made(patient())
        asked = [
            worlds[number % 2].ask(
                "PATCH", "/Patient/p1", f'[{{"op":"add","path":"/name/0/given/-","value":"n{number}"}}]',
                Content_Type="application/json-patch+json",
            )
            for number in range(12)
        ]  # fmt: skip

        assert await race(asked) == {200: 12}
        given = (await worlds[0].get("/Patient/p1")).json()["name"][0]["given"]
        assert set(given) >= {f"n{number}" for number in range(12)}


class TestTransactions:
    async def test_overlapping(self, worlds: tuple[World, World]) -> None:
        """Transactions that change the same resources in other orders wait for each other and all succeed."""
        await worlds[0].made(patient(), observation("a"), observation("b"))
        asked = []
        for number in range(12):
            names = ("a", "b") if number % 2 else ("b", "a")
            bundle = transaction(*(("PUT", f"Observation/{one}", observation(one)) for one in names))
            asked.append(worlds[number % 2].post("", bundle, account="system"))

        assert await race(asked) == {200: 12}
        versions = [(await worlds[0].get(f"/Observation/{one}")).headers["ETag"] for one in "ab"]
        assert versions == ['W/"13"'] * 2

    async def test_deletes(self, worlds: tuple[World, World]) -> None:
        """Of many that delete by one condition each resource is deleted once."""
        await worlds[0].made(patient(), observation("a"), observation("b"))
        asked = [world.ask("DELETE", "/Observation?subject=Patient/p1") for world in worlds * 4]

        assert set(await race(asked)) <= {200, 204}
        assert ids(await worlds[0].get("/Observation")) == []
        history = (await worlds[0].get("/Observation/a/_history")).json()["entry"]
        assert [one["request"]["method"] for one in history] == ["DELETE", "PUT"]
