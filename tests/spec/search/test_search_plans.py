"""No search parameter of any type is answered by looking at a whole collection: each form of each runs by an index."""

from __future__ import annotations

import re
import uuid
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import pytest
from pymongo import AsyncMongoClient

from records.definitions import SearchParameter, definitions
from records.resource_store import ResourceStore
from records.search import traits
from records.search.dictionary import Code
from records.search.explaining import explain
from records.search.filters import Compiler
from records.search.key import Condition
from records.search.request import read_filter

pytestmark = pytest.mark.anyio
PREFIXES = ("", "ne", "gt", "lt", "ge", "le", "sa", "eb", "ap")
VALUES = {"date": "2024-03-05", "number": "5", "quantity": "5.4|http://unitsofmeasure.org|mg"}
COMPONENTS = {"token": "urn:s|a", "date": "2024", "number": "5", "quantity": "5"}
LEAF = {"k", "_id", "t", "p"}


class Words:
    """A dictionary that knows everything."""

    async def members(self, _value_set: str, /) -> Sequence[Code]:
        return [Code("urn:s", "a"), Code("urn:s", "b", finer=True)]

    async def below(self, _system: str, _code: str, /) -> Sequence[Code]:
        return [Code("urn:s", "a")]

    above = below


class Nobody:
    """Inner searches find one resource."""

    async def ids(self, _resource_type: str, _condition: Condition) -> list[str]:
        return ["x"]

    async def targets(self, _resource_type: str, _condition: Condition, _prefix: str) -> list[str]:
        return ["x"]

    async def listed(self, _resource_type: str, _lists: Sequence[str]) -> list[str]:
        return ["x"]


COMPILER = Compiler(Nobody(), "http://127.0.0.1:8080/fhir", Words())


def sample(parameter: SearchParameter) -> Iterator[tuple[str, str]]:
    """(name with modifier, value): every way to ask for a parameter, but those that say not."""
    name = parameter.code
    match parameter.type:
        case "date" | "number" | "quantity":
            yield from ((name, prefix + VALUES[parameter.type]) for prefix in PREFIXES)
            if parameter.type == "quantity":
                yield from ((name, prefix + "5.4||mg") for prefix in PREFIXES)
        case "string":
            yield from ((name + modifier, "Ab c") for modifier in ("", ":exact", ":contains", ":text"))
        case "token":
            yield from _tokens(parameter)
        case "uri":
            yield from ((name + modifier, "http://a.org/b") for modifier in ("", ":below", ":above"))
        case "reference":
            yield from _references(parameter)
        case "composite":
            yield name, "$".join(COMPONENTS.get(one.type, "x") for one in parameter.components)
        case "special":
            yield name, "36.8|118.0|5|km"
            return
    if parameter.type != "composite":
        yield name + ":missing", "false"


def _tokens(parameter: SearchParameter) -> Iterator[tuple[str, str]]:
    name, types = parameter.code, traits.datatypes(parameter)
    yield name, "a"
    yield name, "a,b"
    yield name + ":text", "word"
    if not types <= {"boolean", "string", "id", "uri", "url", "canonical", "oid", "markdown", "ContactPoint"}:
        yield name, "urn:s|a"
        yield name, "|a"
        yield name, "urn:s|"
    if "Identifier" in types:
        yield name + ":of-type", "s|c|v"
    if types & {"Coding", "CodeableConcept"}:
        yield from ((name + modifier, "urn:s|a") for modifier in (":in", ":above", ":below"))


def _references(parameter: SearchParameter) -> Iterator[tuple[str, str]]:
    name = parameter.code
    yield name, "x"
    yield name, "http://a.org/fhir/Patient/1"
    if "Reference" in traits.datatypes(parameter):
        yield name + ":identifier", "urn:s|a"
        yield name + ":text", "word"
    for target in parameter.targets[:1]:
        yield f"{name}:{target}", "x"
        yield f"{name}:{target}._lastUpdated", "gt2020"
    if any(traits.hierarchy(one) for one in parameter.targets) and "Reference" in traits.datatypes(parameter):
        kind = next(one for one in parameter.targets if traits.hierarchy(one))
        yield name + ":below", f"{kind}/x"
        yield name + ":above", f"{kind}/x"


def by_index(condition: Any) -> bool:
    """Whether an index bounds a condition: one part of an and, all parts of an or."""
    if not isinstance(condition, Mapping):
        return False
    if "$or" in condition:
        return all(map(by_index, condition["$or"]))
    bounded = any(_bounded(name, asked) for name, asked in condition.items())
    return bounded or any(map(by_index, condition.get("$and", ())))


def _bounded(name: str, asked: Any) -> bool:
    if name not in LEAF:
        return False
    if isinstance(asked, Mapping) and "$regex" in asked:
        return re.match(r"\^[a-zA-Z_]", asked["$regex"]) is not None
    return asked is not None


def shape_of(condition: Any) -> Any:
    """Two conditions of one shape have one plan."""
    if isinstance(condition, Mapping):
        return tuple((name, shape_of(inner)) for name, inner in condition.items())
    if isinstance(condition, list):
        return tuple(dict.fromkeys(map(shape_of, condition)))
    return type(condition).__name__


async def every_condition() -> list[tuple[str, str, Condition]]:
    """(type, query, condition) of every form of every parameter."""
    found = []
    for kind in sorted(definitions().resource_types):
        for parameter in definitions().search_parameters(kind).values():
            if parameter.code in ("_id", "_lastUpdated"):
                continue
            for name, value in sample(parameter):
                found.append((kind, f"{name}={value}", await COMPILER.one(kind, read_filter(kind, name, value))))
    return found


class TestEveryParameter:
    async def test_bounded(self) -> None:
        """Every form of every parameter of every type is bounded by an index."""
        conditions = await every_condition()

        assert len(conditions) > 8_000
        assert [f"{kind}?{query}" for kind, query, condition in conditions if not by_index(condition)] == []

    async def test_plans(self, mongo_uri: str) -> None:
        """The database plans each shape of a condition by an index, in the usual order as well."""
        prefix = f"t{uuid.uuid4().hex[:10]}"
        async with AsyncMongoClient[dict[str, Any]](mongo_uri, tz_aware=True) as client:
            collections = ResourceStore(client, prefix).collections
            one_of_each: dict[Any, tuple[str, Condition]] = {}
            for kind, query, condition in await every_condition():
                one_of_each.setdefault(shape_of(condition), (f"{kind}?{query}", condition))
            await collections.prepare("Observation")
            scanned = []
            for query, condition in one_of_each.values():
                found = await explain(collections.of("Observation"), condition, [("_id", 1)], 21, run=False)
                # Nothing at all is asked for where no value is possible.
                if "COLLSCAN" in found.stages or not ({"IXSCAN", "EOF", "IDHACK"} & set(found.stages)):
                    scanned.append((query, found.stages))
            for name in await client.list_database_names():
                if name.startswith(prefix):
                    await client.drop_database(name)

        assert len(one_of_each) > 15
        assert scanned == []


class TestFilter:
    @pytest.mark.parametrize(
        "asked",
        [
            "name eq x", "name ne x", "name co x", "name sw x", "name ew x", "name gt x", "birthdate po 2020",
            "birthdate co 2020", "identifier ne a|b", "identifier ss a|b", "identifier sb a|b", "identifier in urn:v",
            "organization re Organization/x", "name pr true", "organization.name co x",
            "organization[name eq x].partof.name eq y", "name eq x or birthdate gt 2020",
        ],
    )  # fmt: skip
    async def test_bounded(self, asked: str) -> None:
        """The tests of _filter are bounded by an index too."""
        assert by_index(await COMPILER.one("Patient", read_filter("Patient", "_filter", asked)))
