"""@flatten, @first, @singleton, @slice, @skip, @include. https://hl7.org/fhir/R4/graphql.html#directives"""

from __future__ import annotations

from typing import Any

import pytest
from fhir_world import World, patient

pytestmark = pytest.mark.anyio
NAMES = [
    {"use": "official", "family": "王", "given": ["晓梅", "梅"]},
    {"use": "usual", "given": ["小梅"]},
]


async def shaped(world: World, selection: str, declared: str = "", **variables: Any) -> dict[str, Any]:
    """What a selection of the patient with these names comes to."""
    body = {"query": f'query {declared} {{ Patient(id: "p1") {{ {selection} }} }}', "variables": variables}
    found = (await world.post("/$graphql", body)).json()
    assert "errors" not in found, found
    return dict(found["data"]["Patient"])


@pytest.fixture
async def named(world: World) -> World:
    await world.made(patient(name=NAMES, gender="female"))
    return world


class TestFlatten:
    async def test_lifted(self, named: World) -> None:
        """The element is left out, what is in it is laid together in lists."""
        assert await shaped(named, "gender name @flatten { family given }") == {
            "gender": "female", "family": ["王"], "given": ["晓梅", "梅", "小梅"],
        }  # fmt: skip

    async def test_single(self, named: World) -> None:
        """What is not a list is lifted as it is; @first and @singleton make one of several."""
        assert await shaped(named, "meta @flatten { versionId }") == {"versionId": "1"}
        assert await shaped(named, "name @first @flatten { family given @first }") == {"family": "王", "given": "晓梅"}
        assert await shaped(named, "name @flatten { family @singleton }") == {"family": "王"}

    async def test_deep(self, named: World) -> None:
        """Through several levels, in fragments as well."""
        assert await shaped(named, "... on Patient { name @flatten { ...on HumanName { use } } }") == {
            "use": ["official", "usual"]
        }


class TestFirst:
    async def test_one(self, named: World) -> None:
        """The first alone, and not as a list."""
        assert await shaped(named, "name @first { family }") == {"name": {"family": "王"}}


class TestSlice:
    async def test_named(self, named: World) -> None:
        """Entries apart by what a path says, or by their place; a variable may name the path."""
        assert await shaped(named, 'name @slice(path: "use") { family }') == {
            "name.official": [{"family": "王"}], "name.usual": [{"family": None}],
        }  # fmt: skip
        assert await shaped(named, 'name @slice(path: "$index") @flatten { given @first }') == {
            "given.0": ["晓梅"], "given.1": ["小梅"],
        }  # fmt: skip
        by_variable = await shaped(named, "name @slice(path: $path) { use }", "($path: String!)", path="use")
        assert list(by_variable) == ["name.official", "name.usual"]


class TestStandard:
    async def test_conditions(self, named: World) -> None:
        """@skip and @include with variables."""
        selection = "id @skip(if: $yes) gender @include(if: $yes)"
        assert await shaped(named, selection, "($yes: Boolean!)", yes=True) == {"gender": "female"}
