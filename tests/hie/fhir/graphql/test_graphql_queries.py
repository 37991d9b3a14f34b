"""GraphQL over the resources: queries, references, lists, connections. https://hl7.org/fhir/R4/graphql.html"""

from __future__ import annotations

from decimal import Decimal
from typing import Any
from urllib.parse import quote

import httpx
import pytest
from fhir_world import RESIDENT_ID, World, issue, observation, patient

from records.stored import encode

Json = dict[str, Any]

pytestmark = pytest.mark.anyio
PSY = {"system": "http://terminology.hl7.org/CodeSystem/v3-ActCode", "code": "PSY"}
HOSPITAL: Json = {"resourceType": "Organization", "id": "h1", "name": "市中心医院"}


async def query(world: World, text: str, *, at: str = "", **options: Any) -> httpx.Response:
    return await world.get(f"{at}/$graphql?query={quote(text)}", **options)


async def data(world: World, text: str, **options: Any) -> Json:
    """What a query that goes well answers."""
    found = await query(world, text, **options)
    assert found.status_code == 200, found.text
    assert "errors" not in found.json(), found.text
    return dict(found.json()["data"])


def first(answer: httpx.Response) -> tuple[str, str]:
    """Code and text of the first error; it carries an OperationOutcome."""
    error = answer.json()["errors"][0]
    (one, *_) = error["extensions"]["resource"]["issue"]
    return one["code"], error["message"]


class TestOne:
    async def test_by_id(self, world: World) -> None:
        """A resource, its parts, an alias; null where there is nothing."""
        await world.made(patient(gender="female", birthDate="1985-06-12"))
        selection = "id born: birthDate name { family given } telecom { value }"
        found = await data(world, f'{{ Patient(id: "p1") {{ {selection} }} }}')

        assert found["Patient"] == {
            "id": "p1", "born": "1985-06-12", "name": [{"family": "王", "given": ["晓梅"]}], "telecom": None,
        }  # fmt: skip

    async def test_decimal(self, world: World) -> None:
        """1.50 stays 1.50; a primitive's extensions are beside it."""
        extension = {"extension": [{"url": "urn:x", "valueCode": "a"}]}
        await world.made(
            patient(birthDate="1985", _birthDate=extension),
            observation(valueQuantity={"value": 1.5, "unit": "mmol/L"}),
        )
        body = encode(observation(valueQuantity={"value": Decimal("1.50"), "unit": "mmol/L"}))
        assert (await world.put("/Observation/o1", body, account="system")).status_code == 200
        found = await query(world, '{ Observation(id: "o1") { valueQuantity { value } } }')

        assert '"value":1.50' in found.text
        assert found.headers["content-type"].startswith("application/json")
        born = await data(world, '{ Patient(id: "p1") { birthDate _birthDate { extension { url valueCode } } } }')
        assert born["Patient"] == {"birthDate": "1985", "_birthDate": extension}

    async def test_missing(self, world: World) -> None:
        """What is not there, or not open to the caller, is an error with its place, and null; the rest stands."""
        await world.made(patient(), observation(meta={"security": [PSY]}))
        text = '{ Patient(id: "p1") { id } Observation(id: "o1") { id } x: Patient(id: "%") { id } }'
        found = await query(world, text)

        assert found.status_code == 200
        assert found.json()["data"] == {"Patient": {"id": "p1"}, "Observation": None, "x": None}
        assert first(found)[0] == "not-found"
        assert sorted(error["path"] for error in found.json()["errors"]) == [["Observation"], ["x"]]

    async def test_instance(self, world: World) -> None:
        """A query of one resource begins inside it."""
        await world.made(patient(), observation())

        assert await data(world, "{ id ObservationList(_reference: patient) { id } }", at="/Patient/p1") == {
            "id": "p1", "ObservationList": [{"id": "o1"}],
        }  # fmt: skip
        assert issue(await query(world, "{ id }", at="/Patient/none"))[0] == 404

    async def test_ways(self, world: World) -> None:
        """By GET, by a JSON body with variables, by the query as the body, by Parameters."""
        await world.made(patient())
        text = "query A($id: ID!) { Patient(id: $id) { id } } query B { PatientList { gender } }"
        body = {"query": text, "variables": {"id": "p1"}, "operationName": "A"}
        plain = '{ Patient(id: "p1") { id } }'
        parameters = {"resourceType": "Parameters", "parameter": [{"name": "query", "valueString": plain}]}
        variables = quote('{"id":"p1"}')
        address = f"/$graphql?query={quote(text)}&operationName=A&variables={variables}"

        answers = [
            await world.get(address),
            await world.post("/$graphql", body, Content_Type="application/json"),
            await world.post("/$graphql", plain, Content_Type="application/graphql"),
            await world.post("/$graphql", parameters),
            await world.get(f"/$graphql?query={quote(plain)}", Accept="application/fhir+xml"),
        ]
        assert [answer.json() for answer in answers] == [{"data": {"Patient": {"id": "p1"}}}] * 5


class TestElements:
    async def test_filters(self, world: World) -> None:
        """Entries of a repeating element by the values of their parts, and a stretch of them."""
        names = [
            {"use": "official", "family": "王"}, {"use": "usual", "family": "小王"},
            {"use": "official", "family": "汪"},
        ]  # fmt: skip
        await world.made(patient(name=names, multipleBirthBoolean=False))
        found = await data(world, """{ Patient(id: "p1") {
            a: name(use: official) { family } b: name(use: "usual") { family }
            c: name(_offset: 1, _count: 1) { family } d: name(use: official, family: "汪") { use }
            multipleBirthBoolean
        } }""")  # fmt: skip

        assert found["Patient"] == {
            "a": [{"family": "王"}, {"family": "汪"}], "b": [{"family": "小王"}], "c": [{"family": "小王"}],
            "d": [{"use": "official"}], "multipleBirthBoolean": False,
        }  # fmt: skip
        refused = await query(world, '{ Patient(id: "p1") { name(fhirpath: "use") { family } } }')
        assert first(refused)[0] == "not-supported"


class TestReferences:
    async def test_resolved(self, world: World) -> None:
        """By fragments, by the interface, of one type alone, contained."""
        inside = {"resourceType": "Practitioner", "id": "in", "name": [{"family": "赵"}]}
        await world.made(
            HOSPITAL,
            patient(contained=[inside], managingOrganization={"reference": "Organization/h1"},
                    generalPractitioner=[{"reference": "#in"}, {"reference": "Organization/h1"}]),
        )  # fmt: skip
        found = await data(world, """
            query { Patient(id: "p1") {
                managingOrganization { resource { __typename id ...Named } }
                generalPractitioner { resource(type: Practitioner) { ... on Practitioner { name { family } } } }
            } }
            fragment Named on Organization { name }
        """)  # fmt: skip

        assert found["Patient"]["managingOrganization"]["resource"] == {
            "__typename": "Organization", "id": "h1", "name": "市中心医院",
        }  # fmt: skip
        assert [one["resource"] for one in found["Patient"]["generalPractitioner"]] == [
            {"name": [{"family": "赵"}]}, None,
        ]  # fmt: skip

    async def test_unresolved(self, world: World) -> None:
        """An error, unless the query says that it may be missing."""
        await world.made(patient(managingOrganization={"reference": "Organization/none"}))
        text = '{ Patient(id: "p1") { id managingOrganization { resource%s { id } } } }'
        missing = await query(world, text % "")

        assert missing.json()["data"]["Patient"] == {"id": "p1", "managingOrganization": {"resource": None}}
        assert first(missing)[0] == "not-found"
        assert (await data(world, text % "(optional: true)"))["Patient"]["managingOrganization"] == {"resource": None}

    async def test_type_unnamed(self, world: World) -> None:
        """A reference to a type that the query does not speak of shows what all resources have."""
        await world.made(HOSPITAL, patient(managingOrganization={"reference": "Organization/h1"}))
        text = "{ PatientList { managingOrganization { resource { resourceType ... on Patient { gender } } } } }"

        assert (await data(world, text))["PatientList"] == [
            {"managingOrganization": {"resource": {"resourceType": "Organization"}}}
        ]


class TestLists:
    async def test_search(self, world: World) -> None:
        """Search parameters are arguments, a dash is an underscore; a list is met by all its values."""
        addresses = {"address": [{"city": "淄博"}]}
        await world.made(patient("p1", **addresses), patient("p2", gender="male"), patient("p3", gender="female"))

        async def of(arguments: str) -> list[str]:
            return [one["id"] for one in (await data(world, f"{{ PatientList({arguments}) {{ id }} }}"))["PatientList"]]

        assert await of('address_city: "淄博"') == ["p1"]
        assert await of("gender: male") == ["p2"]
        assert await of('gender: "male,female", _sort: "-_id"') == ["p3", "p2"]
        assert await of('gender: ["male", "female"]') == []
        assert await of("_count: 1, _offset: 1, _sort: _id") == ["p2"]

    async def test_person(self, world: World) -> None:
        """A person means all source patients, as in every search."""
        await world.made(
            patient("p1", RESIDENT_ID), patient("p2", RESIDENT_ID), observation("o1", "p1"), observation("o2", "p2")
        )
        person = await world.services.registry.person_of("p1")
        found = await data(world, f'{{ ObservationList(subject: "Person/{person}", _sort: _id) {{ id }} }}')

        assert [one["id"] for one in found["ObservationList"]] == ["o1", "o2"]

    async def test_reverse(self, world: World) -> None:
        """What points at each row of a list; each its own, with conditions and a number."""
        await world.made(*(patient(f"p{n}") for n in range(3)))
        await world.made(*(observation(f"o{n}", f"p{n % 2}", status="final" if n < 4 else "amended") for n in range(6)))
        found = await data(world, """{ PatientList(_sort: _id) {
            id ObservationList(_reference: patient, status: final, _count: 1, _sort: _id) { id }
        } }""")  # fmt: skip

        assert [[one["id"] for one in row["ObservationList"]] for row in found["PatientList"]] == [["o0"], ["o1"], []]
        wrong = await query(world, "{ PatientList { ObservationList(_reference: performers) { id } } }")
        assert first(wrong)[0] == "not-supported"

    async def test_connection(self, world: World) -> None:
        """Page by page; the number of all where it is asked for."""
        await world.made(*(patient(f"p{n}") for n in range(5)))
        seen, cursor = [], ""
        while True:
            text = "query ($at: String) { PatientConnection(_count: 2, _sort: _id, _cursor: $at) { count next pagesize"
            body = {"query": f"{text} edges {{ mode resource {{ id }} }} }} }}", "variables": {"at": cursor}}
            page = (await world.post("/$graphql", body)).json()["data"]["PatientConnection"]
            seen += [one["resource"]["id"] for one in page["edges"]]
            assert (page["count"], page["pagesize"], page["edges"][0]["mode"]) == (5, 2, "match")
            if not (cursor := page["next"]):
                break
        assert seen == ["p0", "p1", "p2", "p3", "p4"]


class TestBatches:
    async def test_references(self, world: World, monkeypatch: pytest.MonkeyPatch) -> None:
        """A hundred references of a list, and what points at a hundred, are a question each, not a hundred."""
        for start in range(0, 60, 20):
            await world.made(*(
                {"resourceType": "Practitioner", "id": f"d{n}", "name": [{"family": "张"}]}
                for n in range(start, start + 20)
            ))  # fmt: skip
            await world.made(*(
                patient(f"p{n}", generalPractitioner=[{"reference": f"Practitioner/d{n}"}])
                for n in range(start, start + 20)
            ))  # fmt: skip
        asked: list[str] = []
        store = world.services.fhir.store
        search, read_many = store.search, store.read_many

        async def counted_search(kind: str, *rest: Any, **options: Any) -> Any:
            asked.append(f"search {kind}")
            return await search(kind, *rest, **options)

        async def counted_read(references: Any, **options: Any) -> Any:
            asked.append("read")
            return await read_many(references, **options)

        # The same store, listened to: nothing of what it does is replaced.
        monkeypatch.setattr(store, "search", counted_search)
        monkeypatch.setattr(store, "read_many", counted_read)
        found = await data(world, """{ PatientList(_count: 100) {
            generalPractitioner { resource { ... on Practitioner {
                id PatientList(_reference: general_practitioner) { id }
            } } }
        } }""")  # fmt: skip
        doctors = [row["generalPractitioner"][0]["resource"] for row in found["PatientList"]]

        assert len(doctors) == 60
        assert all(f"p{one['id'][1:]}" == one["PatientList"][0]["id"] for one in doctors)
        # The decision looks for the caller's organization.
        assert [one for one in asked if "Organization" not in one] == ["search Patient", "read", "search Patient"]


class TestSight:
    async def test_hidden(self, world: World) -> None:
        """What the caller may not see is in no list, behind no reference and in no number."""
        secret = {"meta": {"security": [PSY]}}
        await world.made(patient("p1", RESIDENT_ID), patient("p2"))
        await world.made(observation("o1", **secret), observation("o2", "p2"))
        text = """{ ObservationList { id } ObservationConnection { count } PatientList(_sort: _id) { id
            ObservationList(_reference: patient) { id } } }"""

        clinician = await data(world, text)
        assert clinician["ObservationList"] == [{"id": "o2"}]
        assert clinician["ObservationConnection"]["count"] == 1
        assert clinician["PatientList"][0] == {"id": "p1", "ObservationList": []}
        resident = await data(world, text, account="resident")
        assert resident["PatientList"] == [{"id": "p1", "ObservationList": [{"id": "o1"}]}]

    async def test_trail(self, world: World) -> None:
        """Each patient whose record was shown is in the trail, and no other."""
        await world.made(patient("p1"), patient("p2"), patient("p3"), observation("o1", "p1"), observation("o2", "p2"))
        before = len(await world.events())
        await data(world, '{ Observation(id: "o1") { id } ObservationList(_id: "o2") { subject { resource { id } } } }')

        written = (await world.events())[before:]
        assert sorted(row["p"][0] for row in written) == ["p1", "p2"]

    async def test_withheld(self, world: World) -> None:
        """A type that the role may not see is refused in the words of every other interaction."""
        found = await query(world, "{ AuditEventList { id } }")

        assert first(found)[0] == "forbidden"
        assert found.json()["data"] == {"AuditEventList": None}
        assert (await query(world, "{ PatientList { id } }", account=None)).status_code == 401
