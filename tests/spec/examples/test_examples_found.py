"""
Every example is found by its own values: what the official expressions find in it, asked over HTTP.

https://hl7.org/fhir/R4/search.html
"""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from typing import Any
from urllib.parse import quote

import pytest
from example_region import Exchange
from official_package import Example
from official_searches import Parameter, parameters

pytestmark = [pytest.mark.slow, pytest.mark.timeout(900)]
SMALL, OF_EACH_TYPE, TOGETHER = 60_000, 6, 200
# What the server says of them by itself.
SERVERS_OWN = frozenset({"_lastUpdated", "_source"})
# A place by its coordinates, bundles by the resources in them, variants by two of their numbers.
LACKING = frozenset(
    {
        "Location.near", "Bundle.composition", "Bundle.message", "MolecularSequence.chromosome-variant-coordinate",
        "MolecularSequence.referenceseqid-variant-coordinate",
    }
)  # fmt: skip
Search = tuple[Example, str, str]


@pytest.fixture(scope="module")
def official(package: list[Example]) -> Mapping[str, list[Parameter]]:
    """The official parameters by type."""
    found = defaultdict[str, list[Parameter]](list)
    for one in parameters(package):
        if one.code not in SERVERS_OWN:
            found[one.base].append(one)
    return found


@pytest.fixture
async def offered(exchange: Exchange) -> Mapping[str, frozenset[str]]:
    """The parameters that the server says it has, by type."""
    statement = (await exchange.world.get("/metadata", account=None)).json()
    return {
        one["type"]: frozenset(parameter["name"] for parameter in one["searchParam"])
        for one in statement["rest"][0]["resource"]
    }


def sample(exchange: Exchange, most: int = OF_EACH_TYPE) -> list[Example]:
    """Some examples of each type."""
    found = defaultdict[str, list[Example]](list)
    for example in exchange.stored.values():
        if len(example.text) < SMALL and len(found[example.type]) < most:
            found[example.type].append(example)
    return [one for some in found.values() for one in some]


def of(official: Mapping[str, list[Parameter]], example: Example) -> list[Parameter]:
    """The parameters by which an example is found."""
    return [*official[example.type], *official["DomainResource"], *official["Resource"]]


async def unanswered(exchange: Exchange, searches: Sequence[Search]) -> str:
    """Those that do not find their example, one a line: its file, the search, and what came instead."""
    wrong = []
    for begin in range(0, len(searches), TOGETHER):
        some = searches[begin : begin + TOGETHER]
        answer = await exchange.world.post("", _batch(some), account="system")
        for (example, name, value), entry in zip(some, answer.json()["entry"], strict=True):
            found = _ids(entry)
            if found != [example.id]:
                wrong.append(f"{example.file} {name}={value} {found}")
    return "\n".join(wrong)


def _batch(searches: Iterable[Search]) -> str:
    urls = [f"{one.type}?{quote(name)}={quote(value)}&_id={one.id}" for one, name, value in searches]
    entries = [{"request": {"method": "GET", "url": url}} for url in urls]
    return json.dumps({"resourceType": "Bundle", "type": "batch", "entry": entries})


def _ids(entry: dict[str, Any]) -> list[str]:
    if entry["response"]["status"] != "200":
        return [json.dumps(entry["response"])]
    return [one["resource"]["id"] for one in entry["resource"].get("entry", ())]


class TestFound:
    async def test_by_its_own_values(
        self, exchange: Exchange, official: Mapping[str, list[Parameter]], offered: Mapping[str, frozenset[str]]
    ) -> None:
        """A search by any value that the official expression finds gives the example; composites too."""
        searches = [
            (example, name, value)
            for example in sample(exchange)
            for one in of(official, example)
            if one.code in offered[example.type]
            for name, value in one.asked(example.resource)
        ]

        assert await unanswered(exchange, searches) == ""
        assert len(searches) > 4000

    async def test_missing(
        self, exchange: Exchange, official: Mapping[str, list[Parameter]], offered: Mapping[str, frozenset[str]]
    ) -> None:
        """Where the expression finds nothing, :missing=true finds the example; else :missing=false does."""
        searches = [
            (example, f"{one.code}:missing", "false" if one.values(example.resource) else "true")
            for example in sample(exchange, 2)
            for one in official[example.type]
            if one.code in offered[example.type] and one.type != "composite"
        ]

        assert await unanswered(exchange, searches) == ""
        assert len(searches) > 1500

    async def test_all_offered(
        self, official: Mapping[str, list[Parameter]], offered: Mapping[str, frozenset[str]]
    ) -> None:
        """Every parameter that the specification has for a type is offered, but those few."""
        lacking = {
            f"{name}.{one.code}" for name, known in offered.items() for one in official[name] if one.code not in known
        }

        assert lacking <= LACKING
