"""
search, by GET and POST, in compartments, by person, $everything. https://hl7.org/fhir/R4/http.html#search
"""

from __future__ import annotations

import json

import pytest
from fhir_world import RESIDENT_ID, World, ids, issue, observation, patient

pytestmark = pytest.mark.anyio


class TestSearch:
    async def test_bundle(self, world: World) -> None:
        """Links that go on, modes, addresses; the self link says what was applied."""
        await world.made(*(patient(f"p{number}") for number in range(3)), observation())
        page = (await world.get("/Patient?family=王&_count=2&_sort=-_id&_total=accurate")).json()
        links = {link["relation"]: link["url"] for link in page["link"]}

        assert page["total"] == 3
        assert [entry["resource"]["id"] for entry in page["entry"]] == ["p2", "p1"]
        assert page["entry"][0]["search"] == {"mode": "match"}
        assert page["entry"][0]["fullUrl"].endswith("/fhir/Patient/p2")
        assert "family=" in links["self"]
        second = await world.get(links["next"])
        assert ids(second) == ["p0"]
        back = {link["relation"]: link["url"] for link in second.json()["link"]}["previous"]
        assert ids(await world.get(back)) == ["p2", "p1"]
        included = (await world.get("/Observation?_include=Observation:subject")).json()["entry"]
        assert [entry["search"]["mode"] for entry in included] == ["match", "include"]

    async def test_post(self, world: World) -> None:
        """Parameters in the body stay out of the address."""
        await world.made(patient())
        found = await world.post(
            "/Patient/_search", b"family=%E7%8E%8B&_count=5", Content_Type="application/x-www-form-urlencoded"
        )

        assert ids(found) == ["p1"]

    async def test_count_alone(self, world: World) -> None:
        """_summary=count is a total without entries."""
        await world.made(patient())
        found = (await world.get("/Patient?_summary=count")).json()

        assert found["total"] == 1
        assert "entry" not in found

    async def test_unknown(self, world: World) -> None:
        """400 and what was meant; passed over where the client is lenient."""
        status, code, text = issue(await world.get("/Patient?famly=x"))
        lenient = await world.get("/Patient?famly=x", Prefer="handling=lenient")

        assert (status, code) == (400, "not-supported")
        assert "family" in text
        assert lenient.status_code == 200
        assert "famly" not in lenient.json()["link"][0]["url"]

    async def test_compartment(self, world: World) -> None:
        """Only what concerns one patient."""
        await world.made(patient("p1"), patient("p2"), observation("o1", "p1"), observation("o2", "p2"))

        assert ids(await world.get("/Patient/p1/Observation")) == ["o1"]


class TestPerson:
    async def test_all_records(self, world: World) -> None:
        """One human's records of two sources are found by the person, and $everything holds each once."""
        await world.made(
            patient("p1", RESIDENT_ID), patient("p2", RESIDENT_ID), patient("p3"),
            observation("o1", "p1"), observation("o2", "p2"), observation("o3", "p3"),
        )  # fmt: skip
        person = await world.services.registry.person_of("p1")

        assert await world.services.registry.person_of("p2") == person
        assert sorted(ids(await world.get(f"/Observation?subject=Person/{person}"))) == ["o1", "o2"]
        found = json.loads((await world.get(f"/Person/{person}/$everything")).text)
        assert sorted(one["resource"]["id"] for one in found["entry"]) == sorted([person, "p1", "p2", "o1", "o2"])

    async def test_own_record_only(self, world: World) -> None:
        """A resident finds the own record in every way of asking, and nobody else's."""
        await world.made(
            patient("p1", RESIDENT_ID), patient("p2"), observation("o1", "p1"), observation("o2", "p2"),
            {"resourceType": "Organization", "id": "h1", "name": "H"},
        )  # fmt: skip
        asked = {"account": "resident"}

        assert ids(await world.get("/Patient", **asked)) == ["p1"]
        assert ids(await world.get("/Observation", **asked)) == ["o1"]
        assert (await world.get("/Observation?subject=Patient/p2", **asked)).json()["total"] == 0
        assert ids(await world.get("/Organization", **asked)) == ["h1"]
        assert len(ids(await world.get("/Person", **asked))) == 1
        for hidden in ("/Patient/p2", "/Observation/o2", "/Observation/o2/_history/1", "/Patient/p2/$everything"):
            assert issue(await world.get(hidden, **asked))[0] == 404, hidden
        assert issue(await world.put("/Observation/o1", observation("o1", "p1"), **asked))[0] == 403


class TestConsent:
    async def test_refusal(self, world: World) -> None:
        """A resident refuses a role: its searches, reads and totals know nothing of the record any more."""
        await world.made(patient("p1", RESIDENT_ID), observation("o1", "p1"))
        assert ids(await world.get("/Observation")) == ["o1"]
        refusal = {
            "resourceType": "Consent", "id": "c1", "status": "active",
            "scope": {"coding": [{"code": "patient-privacy"}]}, "category": [{"text": "privacy"}],
            "patient": {"reference": "Patient/p1"}, "policyRule": {"text": "opt-out"},
            "provision": {
                "type": "deny",
                "actor": [
                    {
                        "role": {"text": "clinician"},
                        "reference": {"identifier": {"system": "urn:hie:role", "value": "clinician"}},
                    }
                ],
            },
        }  # fmt: skip
        await world.made(refusal)
        world.services.gate.consents._looked = float("-inf")

        assert (await world.get("/Observation")).json()["total"] == 0
        assert issue(await world.get("/Patient/p1"))[0] == 404
        emergency = {"X_Purpose_Of_Use": "ETREAT", "X_Access_Reason": "unconscious"}
        assert (await world.get("/Patient/p1", **emergency)).status_code == 200


class TestSystem:
    async def test_types(self, world: World) -> None:
        """Several types in one search, page by page, each row once; by POST as well."""
        await world.made(patient("p1"), patient("p2"), observation("o1"), observation("o2", "p2"))
        seen: list[str] = []
        address = "/?_type=Patient,Observation&_count=3"
        while address:
            page = (await world.get(address)).json()
            seen += [entry["resource"]["id"] for entry in page["entry"]]
            address = next((link["url"] for link in page["link"] if link["relation"] == "next"), "")

        assert sorted(seen) == ["o1", "o2", "p1", "p2"]
        assert (await world.get("/?_type=Patient,Observation&_summary=count")).json()["total"] == 4
        form = {"Content_Type": "application/x-www-form-urlencoded"}
        assert ids(await world.post("/_search", b"_type=Patient&_id=p2", **form)) == ["p2"]
        assert issue(await world.get("/?_type=Nothing"))[0] == 400

    async def test_all(self, world: World) -> None:
        """Without _type everything that is open; a parameter of one type alone is refused."""
        await world.made(patient("p1", meta={"tag": [{"system": "t", "code": "1"}]}), observation("o1"))

        assert ids(await world.get("/?_tag=t|1", account="system")) == ["p1"]
        assert issue(await world.get("/?birthdate=1985", account="system"))[0] == 400


class TestCompartments:
    async def test_encounter(self, world: World) -> None:
        """What belongs to one visit."""
        visit = {"resourceType": "Encounter", "id": "e1", "status": "finished", "class": {"code": "AMB"}}
        await world.made(visit, observation("o1", encounter={"reference": "Encounter/e1"}), observation("o2"))

        assert ids(await world.get("/Encounter/e1/Observation?code=1558-6")) == ["o1"]
        assert issue(await world.get("/Encounter/e1/Patient"))[0] == 400


class TestLists:
    async def test_members(self, world: World) -> None:
        """What a List names."""
        listed = {
            "resourceType": "List", "id": "l1", "status": "current", "mode": "working",
            "entry": [{"item": {"reference": "Patient/p2"}}],
        }  # fmt: skip
        await world.made(patient("p1"), patient("p2"), listed)

        assert ids(await world.get("/Patient?_list=l1")) == ["p2"]
        assert ids(await world.get("/Patient?_list=none")) == []


class TestMeaning:
    async def test_value_set_and_hierarchy(self, world: World) -> None:
        """Diagnoses in a value set, below a code, above a code; unknown sets are refused."""
        icd = "http://hl7.org/fhir/sid/icd-10"

        def condition(identity: str, code: str) -> dict[str, object]:
            coded = {"coding": [{"system": icd, "code": code}]}
            return {"resourceType": "Condition", "id": identity, "subject": {"reference": "Patient/p1"}, "code": coded}

        await world.made(condition("c1", "I10"), condition("c2", "I10.x03"), condition("c3", "E11.9"))

        assert ids(await world.get("/Condition?code:in=urn:hie:valueset:hypertension&_sort=_id")) == ["c1", "c2"]
        assert ids(await world.get("/Condition?code:not-in=urn:hie:valueset:hypertension")) == ["c3"]
        assert sorted(ids(await world.get(f"/Condition?code:below={icd}|I10"))) == ["c1", "c2"]
        assert "c1" in ids(await world.get(f"/Condition?code:above={icd}|I10.x03"))
        assert issue(await world.get("/Condition?code:in=urn:nothing"))[0] == 400
