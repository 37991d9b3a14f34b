"""What GraphQL refuses, and in which form; limits; the schema told. https://spec.graphql.org/October2021/#sec-Errors"""

from __future__ import annotations

from typing import Any
from urllib.parse import quote

import httpx
import pytest
from fhir_world import World, issue, observation, patient
from graphql import get_introspection_query, parse

from hie.fhir.graphql import limits
from hie.fhir.graphql.schema import schema_for, types_in
from records.errors import TooCostly

pytestmark = pytest.mark.anyio


async def refused(world: World, text: str) -> tuple[int, str, str]:
    """Status, issue code and text of the first error."""
    found: httpx.Response = await world.post("/$graphql", {"query": text})
    error = found.json()["errors"][0]
    return found.status_code, error["extensions"]["resource"]["issue"][0]["code"], error["message"]


class TestRefusals:
    async def test_forms(self, world: World) -> None:
        """Not GraphQL, not in the schema, not one operation, not a query."""
        assert (await refused(world, "{ Patient(id: "))[:2] == (400, "invalid")
        assert "nonsense" in (await refused(world, '{ Patient(id: "x") { nonsense } }'))[2]
        assert (await refused(world, "{ PatientList(nonsense: 1) { id } }"))[0] == 400
        assert (await refused(world, "query A { __typename } query B { __typename }"))[0] == 400
        assert "RESTful" in (await refused(world, "mutation { PatientDelete }"))[2]
        assert (await refused(world, '{ PatientList(_count: -1) { id } }'))[:2] == (200, "not-supported")

    async def test_requests(self, world: World) -> None:
        """What is no request at all is refused as everywhere else."""
        for asked in ("", "?query=%20", "?query={id}&variables=x", "?query={id}&a=1"):
            assert issue(await world.get(f"/$graphql{asked}"))[0] == 400, asked
        assert issue(await world.post("/$graphql", [1]))[0] == 400
        assert issue(await world.post("/$graphql", "id", Content_Type="text/plain"))[0] == 415


class TestLimits:
    def test_depth(self) -> None:
        """Nesting is counted with fragments in their places."""
        deep = "{ a " * limits.DEEPEST + "}" * limits.DEEPEST
        limits.check(parse(deep))
        with pytest.raises(TooCostly):
            limits.check(parse("{ x " + deep + "}"))
        last = "fragment F25 on A { y }"
        chained = "".join(f"fragment F{n} on A {{ x {{ ...F{n + 1} }} }} " for n in range(25)) + last
        with pytest.raises(TooCostly):
            limits.check(parse("{ ...F0 } " + chained))

    def test_fields(self) -> None:
        """Fragments that double each other cost what they come to."""
        last = "fragment F12 on A { y }"
        doubling = "".join(f"fragment F{n} on A {{ ...F{n + 1} ...F{n + 1} }} " for n in range(12)) + last
        with pytest.raises(TooCostly):
            limits.check(parse("{ ...F0 } " + doubling))

    async def test_tokens(self, world: World) -> None:
        """A text that is too long is not read to its end."""
        assert (await refused(world, "{" + " a" * 6000 + "}"))[0] == 400

    async def test_values(self, world: World, monkeypatch: pytest.MonkeyPatch) -> None:
        """What an answer would show is counted before it is shown; searches and resources too."""
        await world.made(*(patient(f"p{n}") for n in range(4)), observation())
        monkeypatch.setattr(limits, "MOST_VALUES", 20)
        assert (await refused(world, "{ PatientList { a: id b: id c: id d: id e: id } }"))[1] == "too-costly"
        monkeypatch.setattr(limits, "MOST_VALUES", 1000)
        monkeypatch.setattr(limits, "MOST_ROWS", 3)
        assert (await refused(world, "{ PatientList { id } }"))[1] == "too-costly"
        monkeypatch.setattr(limits, "MOST_ROWS", 1000)
        monkeypatch.setattr(limits, "MOST_SEARCHES", 2)
        assert (await refused(world, "{ a: PatientList { id } b: PatientList { id } c: PatientList { id } }"))[1] == (
            "too-costly"
        )


class TestSchema:
    def test_types(self) -> None:
        """A query's schema has the types that it names, and every other by name alone."""
        text = '{ PatientList(name: "x") { managingOrganization { resource { ... on Organization { id } } } } }'
        document = parse(text)
        schema = schema_for(types_in(document))

        assert types_in(document) == {"Patient", "Organization"}
        assert "birthDate" in schema.get_type("Patient").fields  # type: ignore[union-attr]
        assert sorted(schema.get_type("Observation").fields) == sorted(  # type: ignore[union-attr]
            ["_implicitRules", "_language", "id", "_id", "implicitRules", "language", "meta", "resourceType"]
        )
        assert schema_for(types_in(document)) is schema

    async def test_told(self, world: World) -> None:
        """The schema of what is stored is told to whoever asks; not mixed with resources."""
        await world.made(patient())
        found = (await world.post("/$graphql", {"query": get_introspection_query(descriptions=False)})).json()
        types: dict[str, Any] = {one["name"]: one for one in found["data"]["__schema"]["types"]}
        arguments = {one["name"]: one["args"] for one in types["Query"]["fields"]}["PatientList"]

        assert "errors" not in found
        assert {"address_city", "_count", "_offset"} <= {one["name"] for one in arguments}
        assert {"flatten", "first", "singleton", "slice", "skip"} <= {
            one["name"] for one in found["data"]["__schema"]["directives"]
        }
        mixed = "{ __schema { queryType { name } } PatientList { id } }"
        assert (await refused(world, mixed))[0] == 400
        asked = quote('{ __type(name: "HumanName") { fields { name } } }')
        named = (await world.get(f"/$graphql?query={asked}")).json()
        assert {"name": "family"} in named["data"]["__type"]["fields"]

    async def test_capabilities(self, world: World) -> None:
        """The operation is in the capability statement, of the system and of each type."""
        rest = (await world.get("/metadata", account=None)).json()["rest"][0]
        address = "http://hl7.org/fhir/OperationDefinition/Resource-graphql"

        assert {"name": "graphql", "definition": address} in rest["operation"]
        assert {"name": "graphql", "definition": address} in rest["resource"][0]["operation"]
