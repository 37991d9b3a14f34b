"""Composition/$document. https://hl7.org/fhir/R4/composition-operation-document.html"""

from __future__ import annotations

from typing import Any

import pytest
from fhir_world import RESIDENT_ID, World, ids, issue, observation, patient

from records.stored import encode
from records.validation import parse, validate

Json = dict[str, Any]

pytestmark = pytest.mark.anyio
PSY = {"system": "http://terminology.hl7.org/CodeSystem/v3-ActCode", "code": "PSY"}


def composition(identity: str = "c1", *entries: str, of: str = "p1", **elements: Any) -> Json:
    return {
        "resourceType": "Composition", "id": identity, "status": "final", "date": "2026-01-01", "title": "出院小结",
        "type": {"coding": [{"system": "http://loinc.org", "code": "18842-5"}]},
        "subject": {"reference": f"Patient/{of}"}, "author": [{"reference": "Practitioner/d1"}],
        "section": [{"title": "s", "entry": [{"reference": one} for one in entries]}] if entries else [
            {"title": "s", "text": {"status": "generated", "div": '<div xmlns="http://www.w3.org/1999/xhtml">x</div>'}}
        ],
        **elements,
    }  # fmt: skip


def report(*results: str) -> Json:
    return {
        "resourceType": "DiagnosticReport", "id": "r1", "status": "final", "code": {"text": "x"},
        "subject": {"reference": "Patient/p1"}, "result": [{"reference": f"Observation/{one}"} for one in results],
    }  # fmt: skip


DOCTOR: Json = {"resourceType": "Practitioner", "id": "d1", "name": [{"family": "张"}]}


class TestDocument:
    async def test_whole(self, world: World) -> None:
        """The Composition first, what it names and what that names, each once; valid, and each patient in the trail."""
        await world.made(
            DOCTOR, patient("p1", link=[{"other": {"reference": "Patient/p2"}, "type": "seealso"}]), patient("p2"),
            observation("o1", performer=[{"reference": "Practitioner/d1"}]), observation("o2"), observation("o3"),
            report("o1", "o2"), composition("c1", "DiagnosticReport/r1", "Observation/o1"),
        )  # fmt: skip
        found = await world.get("/Composition/c1/$document")
        bundle = parse(found.content)

        assert found.status_code == 200, found.text
        assert ids(found)[0] == "c1"
        assert sorted(ids(found)[1:]) == ["d1", "o1", "o2", "p1", "r1"]
        assert validate(bundle) == []
        assert (bundle["type"], bundle["identifier"]["value"]) == ("document", f"urn:uuid:{bundle['id']}")
        assert all(one["fullUrl"].endswith(f"/fhir/{one['resource']['resourceType']}/{one['resource']['id']}")
                   for one in bundle["entry"])  # fmt: skip
        assert (await world.events())[-1]["p"] == ["p1"]
        assert ids(await world.get("/Composition/$document?id=c1")) == ids(found)

    async def test_hole(self, world: World) -> None:
        """What the Composition names is missing or hidden: no document, and the place is told."""
        await world.made(DOCTOR, patient(), observation("o1", meta={"security": [PSY]}))
        await world.made(composition("c1", "Observation/o1"), composition("c2", "Observation/none"))

        for one in ("c1", "c2"):
            refused = await world.get(f"/Composition/{one}/$document")
            assert issue(refused)[:2] == (422, "not-found")
            assert refused.json()["issue"][0]["expression"] == ["Composition.section[0].entry[0]"]
        assert (await world.get("/Composition/c1/$document", account="system")).status_code == 200

    async def test_redacted(self, world: World) -> None:
        """What is further away and hidden is left out, and the bundle says so; it is as secret as what is in it."""
        await world.made(DOCTOR, patient(), observation("o1"), observation("o2", meta={"security": [PSY]}))
        await world.made(report("o1", "o2"), composition("c1", "DiagnosticReport/r1"))
        clinician, system = [
            (await world.get("/Composition/c1/$document", account=one)).json() for one in ("clinician", "system")
        ]

        assert [one["code"] for one in clinician["meta"]["security"]] == ["REDACTED"]
        assert "o2" not in encode(clinician["entry"][1:]).decode().replace("Observation/o2", "")
        assert system["meta"]["security"] == [PSY]

    async def test_persist(self, world: World) -> None:
        """A document that is kept lies in its patient's record and is as hidden as what is in it."""
        await world.made(DOCTOR, patient("p1", RESIDENT_ID), observation("o1", meta={"security": [PSY]}))
        await world.made(composition("c1", "Observation/o1"))
        kept = await world.get("/Composition/c1/$document?persist=true", account="system")
        address = f"/Bundle/{kept.json()['id']}"

        assert kept.status_code == 200, kept.text
        assert kept.headers["location"].endswith(f"{address}/_history/1")
        assert (await world.get(address, account="system")).text == kept.text
        assert (await world.get(address, account="resident")).status_code == 200
        assert issue(await world.get(address))[0] == 404
        assert (await world.events())[-1]["p"] == ["p1"]

    async def test_versions(self, world: World) -> None:
        """A reference to a version leads to that version."""
        await world.made(DOCTOR, patient(), observation("o1"))
        await world.put("/Observation/o1", observation("o1", status="amended"), account="system")
        await world.made(composition("c1", "Observation/o1/_history/1"))
        found = (await world.get("/Composition/c1/$document")).json()

        assert [one["resource"]["status"] for one in found["entry"] if one["resource"]["id"] == "o1"] == ["final"]

    async def test_refusals(self, world: World) -> None:
        """Another server's, a graph, no id, two ids, a stranger's."""
        await world.made(DOCTOR, patient(), composition())
        for address in (
            "/Composition/$document", "/Composition/c1/$document?id=c1", "/Composition/c1/$document?graph=http://x",
            "/Composition/$document?id=http://other/fhir/Composition/c1", "/Composition/c1/$document?persist=maybe",
        ):  # fmt: skip
            assert issue(await world.get(address))[0] == 400, address
        assert issue(await world.get("/Composition/none/$document"))[0] == 404
        assert issue(await world.get("/Composition/c1/$document", account="resident"))[0] == 404
