"""
capabilities: what is said is what is done. https://hl7.org/fhir/R4/http.html#capabilities
"""

from __future__ import annotations

import pytest
from fhir_world import Json, World, issue, patient

from hie.fhir.router import ROUTES, methods

pytestmark = pytest.mark.anyio
# How an interaction is asked for, by its code; `{}` is a type.
ASKED = {
    "read": ("GET", "/{}/x"), "vread": ("GET", "/{}/x/_history/1"), "update": ("PUT", "/{}/x"),
    "patch": ("PATCH", "/{}/x"), "delete": ("DELETE", "/{}/x"), "history-instance": ("GET", "/{}/x/_history"),
    "history-type": ("GET", "/{}/_history"), "create": ("POST", "/{}"), "search-type": ("GET", "/{}"),
    "history-system": ("GET", "/_history"), "search-system": ("GET", ""), "transaction": ("POST", ""),
    "batch": ("POST", ""),
}  # fmt: skip


async def rest(world: World, query: str = "") -> Json:
    found: Json = (await world.get(f"/metadata{query}", account=None)).json()
    return found


class TestStatement:
    async def test_interactions(self, world: World) -> None:
        """Every interaction of every type has its address here: the answer is never 405, nor a missing address."""
        (server,) = (await rest(world))["rest"]
        advertised = [
            (one["type"], interaction["code"]) for one in server["resource"] for interaction in one["interaction"]
        ] + [("", one["code"]) for one in server["interaction"]]

        assert {code for _, code in advertised} == set(ASKED)
        for name, code in advertised:
            method, pattern = ASKED[code]
            path = tuple(part for part in pattern.format(name).split("/") if part)
            assert method in methods(path), (name, code)

    async def test_asked(self, world: World) -> None:
        """The same over the wire, for one type of each store."""
        await world.made(patient("x"))
        for name in ("Patient", "Observation", "Organization", "Condition"):
            for code, (method, pattern) in ASKED.items():
                body = b"" if method in ("PUT", "POST", "PATCH") else None
                answer = await world.ask(method, pattern.format(name), body)
                assert answer.status_code != 405, (name, code)
                assert "There is nothing at this address" not in answer.text, (name, code)

    async def test_operations(self, world: World) -> None:
        """Every operation that has a route is named with its definition, and every one that is named has a route."""
        (server,) = (await rest(world))["rest"]
        named = {
            (one["type"], operation["name"]) for one in server["resource"] for operation in one.get("operation", ())
        }
        named |= {("", operation["name"]) for operation in server.get("operation", ())}
        routed = {(one.type, one.operation) for one in ROUTES if one.operation}
        types = {one["type"] for one in server["resource"]}

        assert named == {
            (name, operation) for kind, operation in routed for name in (types if kind == "T" else {kind})
        }
        definitions = [one["definition"] for resource in server["resource"] for one in resource.get("operation", ())]
        assert all(one.partition(":")[0] in ("http", "https", "urn") for one in definitions)

    async def test_conditions(self, world: World) -> None:
        """Conditional reads, writes and deletes as they are done."""
        (server,) = (await rest(world))["rest"]
        for one in server["resource"]:
            assert (one["conditionalRead"], one["conditionalDelete"]) == ("full-support", "multiple")
            assert one["conditionalCreate"] and one["conditionalUpdate"] and one["readHistory"]

    async def test_valid(self, world: World) -> None:
        """The statement is valid by our own gate, and so is that of the terminology."""
        for query in ("", "?mode=full", "?mode=normative", "?mode=terminology"):
            found = await rest(world, query)
            told = await world.post(f"/{found['resourceType']}/$validate", found)
            assert told.json()["issue"][0]["severity"] == "information", (query, told.text)

    async def test_modes(self, world: World) -> None:
        """full, normative, terminology; another is refused, and so is an unknown parameter."""
        assert (await rest(world, "?mode=terminology"))["codeSystem"]
        assert "messaging" not in await rest(world, "?mode=normative")
        assert issue(await world.get("/metadata?mode=x", account=None))[0] == 400
        assert issue(await world.get("/metadata?colour=red", account=None))[0] == 400


class TestSmart:
    async def test_configuration(self, world: World) -> None:
        """Where the sign-in is, open to everybody and to every page."""
        answer = await world.ask(
            "GET", "/.well-known/smart-configuration", account=None, Origin="https://app.example"
        )
        found = answer.json()

        assert answer.headers["Content-Type"].startswith("application/json")
        assert answer.headers["Access-Control-Allow-Origin"] == "*"
        assert found["code_challenge_methods_supported"] == ["S256"]
        assert {"authorization_endpoint", "token_endpoint", "jwks_uri", "issuer"} <= set(found)
        assert {"permission-v2", "client-public"} <= set(found["capabilities"])
