"""What comes back: parts of resources, distances, explanations; asked over HTTP as anybody asks."""

from __future__ import annotations

import json

import pytest
from fhir_world import World, ids, issue, observation, patient
from pymongo.errors import ExecutionTimeout

from hie.errors import fault

pytestmark = pytest.mark.anyio
SUBSETTED = {"system": "http://terminology.hl7.org/CodeSystem/v3-ObservationValue", "code": "SUBSETTED"}


class TestParts:
    @pytest.mark.parametrize(
        ("query", "wanted"),
        [
            ("_elements=subject", {"status", "code", "subject"}),
            ("_elements=Observation.value,Patient.name", {"status", "code", "valueString"}),
            ("_summary=true", {"status", "code", "subject", "valueString", "component"}),
            ("_summary=text", {"status", "code", "text"}),
            ("_summary=data", {"status", "code", "subject", "valueString", "note", "component"}),
        ],
    )
    async def test_subsets(self, world: World, query: str, wanted: set[str]) -> None:
        """What was asked, with what must be there, marked as a part."""
        await world.made(
            patient(),
            observation(
                valueString="x", note=[{"text": "n"}],
                component=[{"code": {"text": "c"}, "valueInteger": 1, "interpretation": [{"text": "high"}]}],
                text={"status": "generated", "div": '<div xmlns="http://www.w3.org/1999/xhtml">t</div>'},
            ),
        )  # fmt: skip
        found = (await world.get(f"/Observation?{query}")).json()["entry"][0]["resource"]

        assert set(found) - {"resourceType", "id", "meta"} == wanted
        assert SUBSETTED in found["meta"]["tag"]
        if query == "_summary=true":
            assert found["component"] == [{"code": {"text": "c"}, "valueInteger": 1}]

    async def test_whole(self, world: World) -> None:
        """_summary=false is everything, without a mark."""
        await world.made(patient())
        found = (await world.get("/Patient?_summary=false")).json()["entry"][0]["resource"]

        assert "tag" not in found["meta"]

    async def test_self(self, world: World) -> None:
        """The self link says what was asked, in the order asked."""
        await world.made(patient())
        links = (await world.get("/Patient?family=王&_summary=data&_sort=-_id")).json()["link"]

        assert links[0]["url"].endswith("/Patient?family=%E7%8E%8B&_summary=data&_sort=-_id")


class TestDistance:
    async def test_entry(self, world: World) -> None:
        """How far each place is, in its entry."""
        await world.made({"resourceType": "Location", "id": "l1", "position": {"latitude": 36.8, "longitude": 118.06}})
        (entry,) = (await world.get("/Location?near=36.8|118.05|2|km")).json()["entry"]

        (extension,) = entry["search"]["extension"]
        assert extension["url"] == "http://hl7.org/fhir/StructureDefinition/location-distance"
        assert extension["valueDistance"] == {
            "value": 0.89, "unit": "km", "system": "http://unitsofmeasure.org", "code": "km"
        }  # fmt: skip
        assert entry["search"]["mode"] == "match"


class TestExplanation:
    async def test_operators(self, world: World) -> None:
        """Shape, stages, indexes and counts; no value of the search or of a resource."""
        await world.made(patient(birthDate="1985-06-12"), observation())
        for account in ("system", "administrator"):
            answer = await world.get("/Patient?family=王&birthdate=1985-06-12&_explain=true", account=account)
            found = {one["name"]: one for one in answer.json()["parameter"]}

            assert answer.json()["resourceType"] == "Parameters"
            assert "IXSCAN" in answer.text
            assert "COLLSCAN" not in answer.text
            assert json.loads(found["condition"]["valueString"])
            assert "王" not in answer.text and "1985" not in answer.text and "06-1" not in answer.text
            assert {"keysExamined", "documentsExamined", "returned", "milliseconds"} <= found.keys()

    async def test_refused(self, world: World) -> None:
        """Others may not ask; what is neither yes nor no is refused; no means a search."""
        await world.made(patient())

        assert issue(await world.get("/Patient?_explain=true"))[0] == 403
        assert issue(await world.get("/Patient?_explain=maybe", account="system"))[0] == 400
        assert ids(await world.get("/Patient?_explain=false")) == ["p1"]


class TestPatience:
    def test_timeout(self) -> None:
        """A search that is not done in time is the server's trouble, and says so."""
        found = fault(ExecutionTimeout("operation exceeded time limit"))

        assert (found.status, found.issues[0].code) == (503, "timeout")


class TestKinds:
    async def test_types(self, world: World) -> None:
        """A list of types, asked for what they share."""
        await world.made(patient("p1"), observation("o1"), observation("o2"))

        assert sorted(ids(await world.get("/?_type=Observation&_type=Patient&_id=o1,p1"))) == ["o1", "p1"]
        assert issue(await world.get("/?_type=Observation,Patient&value-quantity=5"))[0] == 400
