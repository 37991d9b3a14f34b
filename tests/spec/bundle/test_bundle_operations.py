"""
Operations as entries of a batch, by GET and by POST; of a transaction, by GET: https://hl7.org/fhir/R4/operations.html
"""

from __future__ import annotations

import base64
import json
from typing import Any

import pytest
from fhir_world import Json, World, observation, patient
from test_bundle_batch_rules import entry, send

pytestmark = pytest.mark.anyio
BORN = {"birthDate": "1985-06-12", "gender": "female"}


def parameters(**given: Any) -> Json:
    """Parameters of texts and resources."""
    return {
        "resourceType": "Parameters",
        "parameter": [
            {"name": name} | ({"resource": one} if isinstance(one, dict) else {"valueString": one})
            for name, one in given.items()
        ],
    }


async def asked(world: World, *entries: Json) -> list[Json]:
    """The answers of a batch."""
    await world.made(patient("p1", **BORN), observation("o1"))
    return await send(world, *entries)


class TestByPost:
    async def test_match(self, world: World) -> None:
        """Who is this: the bundle of candidates is the entry's resource."""
        body = parameters(resource=patient("x", **BORN))
        (answer,) = await asked(world, entry("POST", "Patient/$match", body))

        assert answer["response"]["status"] == "200"
        assert [one["resource"]["id"] for one in answer["resource"]["entry"]] == ["p1"]

    async def test_validate(self, world: World) -> None:
        """What is wrong with a resource: bare, in Parameters, and of one that is stored."""
        bad = {"resourceType": "Patient", "gender": "nobody"}
        answers = await asked(
            world,
            entry("POST", "Patient/$validate", bad),
            entry("POST", "Patient/$validate", parameters(resource=bad)),
            entry("GET", "Patient/p1/$validate"),
            entry("POST", "Patient/$validate?mode=delete", bad),
        )  # fmt: skip

        assert [one["response"]["status"] for one in answers] == ["200", "200", "200", "400"]
        assert [one["resource"]["issue"][0]["severity"] for one in answers[:3]] == ["error", "error", "information"]
        assert answers[3]["response"]["outcome"]["resourceType"] == "OperationOutcome"

    async def test_graphql(self, world: World) -> None:
        """An answer that is no resource comes as a Binary, so that the bundle is one."""
        query = 'query { Patient(id: "p1") { gender } }'
        answers = await asked(
            world,
            entry("POST", "$graphql", parameters(query=query)),
            entry("GET", "Patient/p1/$graphql?query={birthDate}"),
            entry("POST", "$graphql", parameters(query="{")),
        )  # fmt: skip
        found = [json.loads(base64.b64decode(one["resource"]["data"])) for one in answers]

        assert {one["resource"]["contentType"].partition(";")[0] for one in answers} == {"application/json"}
        assert found[0]["data"] == {"Patient": {"gender": "female"}}
        assert found[1]["data"] == {"birthDate": "1985-06-12"}
        assert "errors" in found[2]

    async def test_in_xml(self, world: World) -> None:
        """The bundle can be written in XML whatever is in it."""
        await world.made(patient("p1", **BORN))
        only = entry("GET", "Patient/p1/$graphql?query={gender}")
        body = {"resourceType": "Bundle", "type": "batch", "entry": [only]}
        answer = await world.post("", body, account="system", Accept="application/fhir+xml")

        assert answer.status_code == 200
        assert b"<Binary" in answer.content

    async def test_changing(self, world: World) -> None:
        """Operations that change something do it; a message is filed."""
        tag = {"resourceType": "Parameters", "parameter": [
            {"name": "meta", "valueMeta": {"tag": [{"system": "urn:t", "code": "a"}]}}]}  # fmt: skip
        (answer,) = await asked(world, entry("POST", "Patient/p1/$meta-add", tag))

        assert answer["response"]["status"] == "200"
        assert (await world.get("/Patient?_tag=urn:t|a&_summary=count", account="system")).json()["total"] == 1

    async def test_alone(self, world: World) -> None:
        """One that fails holds up nobody, and nobody else's right is taken for it."""
        body = {"resourceType": "Bundle", "type": "batch", "entry": [
            entry("POST", "Patient/$match", parameters(resource=patient("x"))),
            entry("POST", "Patient/$nothing", parameters()),
            entry("POST", "$reindex", parameters()),
            entry("GET", "ValueSet/$expand?url=http://hl7.org/fhir/ValueSet/administrative-gender"),
        ]}  # fmt: skip
        answer = await world.post("", body, account="clinician")
        found = [one["response"]["status"][:3] for one in answer.json()["entry"]]

        assert found == ["422", "404", "403", "200"]


class TestByGet:
    async def test_reading(self, world: World) -> None:
        """Everything that is read by an operation; a stream stands in the bundle whole."""
        answers = await asked(
            world,
            entry("GET", "Patient/p1/$everything"),
            entry("GET", "Observation/$lastn?patient=Patient/p1"),
            entry("GET", "Patient/p1/$summary"),
            entry("GET", "Patient/p1/$meta"),
            entry("GET", "CodeSystem/$lookup?system=http://hl7.org/fhir/administrative-gender&code=male"),
        )  # fmt: skip

        assert [one["response"]["status"] for one in answers] == ["200"] * 5
        assert [one["resource"]["resourceType"] for one in answers] == [
            "Bundle", "Bundle", "Bundle", "Parameters", "Parameters",
        ]  # fmt: skip
        shown = [one["resource"]["resourceType"] for one in answers[0]["resource"]["entry"]]
        assert sorted(shown) == ["Observation", "Patient", "Person"]

    async def test_in_a_transaction(self, world: World) -> None:
        """An operation that reads may stand in a transaction, and sees what it wrote."""
        body = {"resourceType": "Bundle", "type": "transaction", "entry": [
            entry("PUT", "Patient/p1", patient("p1", **BORN)),
            entry("GET", "Patient/p1/$validate"),
            entry("GET", "Patient/p1/$meta"),
        ]}  # fmt: skip
        answer = await world.post("", body, account="system")

        assert answer.status_code == 200, answer.text
        assert [one["response"]["status"] for one in answer.json()["entry"]] == ["201", "200", "200"]
        for other in (entry("POST", "Patient/$validate", patient()), entry("GET", "Patient/p1/$everything")):
            refused = await world.post("", body | {"entry": [other]}, account="system")
            assert refused.status_code == 400, refused.text

    async def test_trail(self, world: World) -> None:
        """Whose record an operation in a batch showed is in the trail."""
        await world.made(patient("p1", **BORN), observation("o1"))
        before = len(await world.events())
        await send(world, entry("GET", "Observation/$lastn?patient=Patient/p1"))

        assert [one["p"] for one in (await world.events())[before:]] == [["p1"]]
