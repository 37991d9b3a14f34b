"""
The rules of a transaction. https://hl7.org/fhir/R4/http.html#trules
"""

from __future__ import annotations

import base64
import json
from typing import Any

import pytest
from fhir_world import Json, World, ids, issue, observation, patient

pytestmark = pytest.mark.anyio
URN = "urn:uuid:0d0d0d0d-0d0d-4d0d-8d0d-0d0d0d0d0d0{}"
KEY = {"identifier": [{"system": "urn:x", "value": "1"}]}
BY_KEY = "Observation?identifier=urn:x|1"


def entry(method: str, url: str, resource: Json | None = None, name: str = "", **request: str) -> Json:
    found: Json = {"request": {"method": method, "url": url, **request}}
    if resource is not None:
        found["resource"] = resource
    return found | ({"fullUrl": name} if name else {})


def bare(resource: Json) -> Json:
    return {name: value for name, value in resource.items() if name != "id"}


def json_patch(path: str, value: Any) -> Json:
    body = json.dumps([{"op": "replace", "path": path, "value": value}]).encode()
    data = base64.b64encode(body).decode()
    return {"resourceType": "Binary", "contentType": "application/json-patch+json", "data": data}


async def send(world: World, *entries: Json, **options: Any) -> Any:
    body = {"resourceType": "Bundle", "type": "transaction", "entry": list(entries)}
    return await world.post("", body, account="system", **options)


def statuses(answer: Any) -> list[str]:
    assert answer.status_code == 200, answer.text
    return [one["response"]["status"] for one in answer.json()["entry"]]


def made(answer: Any, number: int) -> str:
    location: str = answer.json()["entry"][number]["response"]["location"]
    return location.split("/fhir/")[1].split("/_history")[0]


class TestOrder:
    async def test_deletes_first(self, world: World) -> None:
        """DELETE, POST, PUT and PATCH, GET, in whatever order they stand; answers in the order of the entries."""
        await world.made(patient(), observation("old", **KEY), observation("o2"))
        done = await send(
            world,
            entry("GET", BY_KEY),
            entry("PATCH", "Observation/o2", json_patch("/status", "amended")),
            entry("POST", "Observation", bare(observation(**KEY)), ifNoneExist="identifier=urn:x|1"),
            entry("DELETE", BY_KEY),
            entry("HEAD", "Observation/o2"),
        )

        assert statuses(done) == ["200", "200", "201", "204", "200"]
        found = done.json()["entry"][0]["resource"]
        assert [one["resource"]["id"] for one in found["entry"]] == [made(done, 2).partition("/")[2]]
        assert "resource" not in done.json()["entry"][4]
        assert (await world.get("/Observation/o2")).json()["status"] == "amended"

    async def test_failing_read(self, world: World) -> None:
        """A read that fails takes everything back: a transaction succeeds as a whole."""
        refused = await send(world, entry("PUT", "Patient/p1", patient()), entry("GET", "Patient/none"))

        assert issue(refused)[:2] == (404, "not-found")
        assert "Bundle.entry[1]" in issue(refused)[2]
        assert issue(await world.get("/Patient/p1"))[0] == 404

    async def test_read_conditions(self, world: World) -> None:
        """A read may say what the client has: 304 is no failure."""
        await world.made(patient())
        done = await send(
            world, entry("GET", "Patient/p1", ifNoneMatch='W/"1"'),
            entry("GET", "Patient/p1", ifModifiedSince="2100-01-01T00:00:00Z"), entry("GET", "Patient/p1/_history/1"),
        )  # fmt: skip

        assert statuses(done) == ["304", "304", "200"]


class TestIdentity:
    @pytest.mark.parametrize(
        "entries",
        [
            [entry("PUT", "Patient/p1", patient()), entry("DELETE", "Patient/p1")],
            [entry("PUT", "Patient/p1", patient()), entry("PUT", "Patient/p1", patient())],
            [entry("PATCH", "Observation/a", json_patch("/status", "amended")), entry("PUT", BY_KEY, observation("a"))],
            [entry("PUT", "Observation?identifier=urn:x|9", bare(observation()))] * 2,
            [entry("DELETE", BY_KEY), entry("DELETE", "Observation/a")],
            [entry("POST", "Observation", bare(observation(identifier=[{"system": "urn:x", "value": "7"}]))),
             entry("PUT", "Observation?identifier=urn:x|7", bare(observation(identifier=[{"value": "7"}])))],
        ],
    )  # fmt: skip
    async def test_overlap(self, world: World, entries: list[Json]) -> None:
        """No resource is changed twice, by its id or by a condition that it meets; nothing of it happens."""
        await world.made(patient(), observation("a", **KEY))
        refused = await send(world, *entries)

        assert refused.status_code in (400, 412), refused.text
        assert (await world.get("/Patient/p1")).headers["ETag"] == 'W/"1"'
        assert ids(await world.get("/Observation")) == ["a"]

    @pytest.mark.parametrize(
        ("url", "body"),
        [("Patient/p1", patient("p2")), ("Patient/p1", bare(patient())), ("Patient/p1", observation("p1")),
         ("Nothing/p1", patient()), ("Patient", patient()), ("Patient/p1/x", patient())],
    )  # fmt: skip
    async def test_address(self, world: World, url: str, body: Json) -> None:
        """The address and the body name the same resource."""
        assert issue(await send(world, entry("PUT", url, body)))[0] == 400

    @pytest.mark.parametrize("names", [(URN.format(1), URN.format(1)), ("http://a.example/Patient/1/_history/2", "")])
    async def test_full_urls(self, world: World, names: tuple[str, str]) -> None:
        """A full address is one entry's, and not a version's."""
        entries = [entry("POST", "Patient", bare(patient()), name) for name in names]

        assert issue(await send(world, *entries))[0] == 400

    async def test_operation(self, world: World) -> None:
        """An operation that a transaction could not take back is refused; a search by POST changes nothing."""
        assert issue(await send(world, entry("POST", "Patient/$validate", patient())))[0] == 400
        assert statuses(await send(world, entry("POST", "Patient/_search?_id=p1"))) == ["200"]


class TestReferences:
    async def test_everywhere(self, world: World) -> None:
        """References, addresses, links of a narrative; not strings and not canonicals, and all else to the byte."""
        urn, binary = URN.format(1), URN.format(2)
        div = f"<div xmlns='http://www.w3.org/1999/xhtml'><a href='{binary}#x'>{urn}</a><img src='{binary}'/></div>"
        report = {
            "resourceType": "DocumentReference", "status": "current", "text": {"status": "generated", "div": div},
            "subject": {"reference": urn}, "description": urn,
            "extension": [{"url": "urn:e", "valueUri": binary}, {"url": "urn:e", "valueCanonical": binary}],
            "content": [{"attachment": {"url": binary, "title": binary}}],
        }  # fmt: skip
        done = await send(
            world,
            entry("POST", "DocumentReference", report),
            entry("POST", "Patient", bare(patient()), urn),
            entry("POST", "Binary", {"resourceType": "Binary", "contentType": "text/plain", "data": "eA=="}, binary),
        )
        stored = (await world.get(f"/{made(done, 0)}", account="system")).json()
        person, content = made(done, 1), made(done, 2)

        assert stored["subject"]["reference"] == person
        assert stored["content"][0]["attachment"] == {"url": content, "title": binary}
        assert [one.get("valueUri") or one["valueCanonical"] for one in stored["extension"]] == [content, binary]
        assert stored["description"] == urn
        assert f'<a href="{content}#x">{urn}</a><img src="{content}"/>' in stored["text"]["div"]

    async def test_relative(self, world: World) -> None:
        """A relative reference begins where its entry does: the same id of two senders is two resources."""
        done = await send(
            world,
            entry("POST", "Patient", bare(patient()), "http://a.example/fhir/Patient/1"),
            entry("POST", "Patient", bare(patient()), "http://b.example/fhir/Patient/1"),
            entry("POST", "Observation", bare(observation(of="1")), "http://b.example/fhir/Observation/1"),
            entry("POST", "Observation", bare(observation(of="1")), URN.format(3)),
        )
        subjects = [(await world.get(f"/{made(done, n)}")).json()["subject"]["reference"] for n in (2, 3)]

        assert subjects == [made(done, 1), "Patient/1"]

    async def test_circle(self, world: World) -> None:
        """Entries may point at each other, and at what is updated."""
        one, two = URN.format(1), URN.format(2)
        done = await send(
            world,
            entry("POST", "Observation", bare(observation(hasMember=[{"reference": two}])), one),
            entry("PUT", "Observation/o2", observation("o2", derivedFrom=[{"reference": one}]), two),
        )

        assert (await world.get(f"/{made(done, 0)}")).json()["hasMember"][0]["reference"] == "Observation/o2"
        assert (await world.get("/Observation/o2")).json()["derivedFrom"][0]["reference"] == made(done, 0)

    async def test_condition_met_here(self, world: World) -> None:
        """A reference by condition may select what the same transaction makes; two of them are not one."""
        doctor = {"resourceType": "Practitioner", "identifier": [{"system": "urn:d", "value": "7"}]}
        found = bare(observation(performer=[{"reference": "Practitioner?identifier=urn:d|7"}]))
        done = await send(world, entry("POST", "Observation", found), entry("POST", "Practitioner", doctor))

        assert (await world.get(f"/{made(done, 0)}")).json()["performer"][0]["reference"] == made(done, 1)
        refused = await send(world, entry("POST", "Observation", found), entry("POST", "Practitioner", doctor))
        assert issue(refused)[:2] == (412, "conflict")
        assert len(ids(await world.get("/Practitioner"))) == 1


class TestConditions:
    async def test_patch(self, world: World) -> None:
        """A patch by condition, as JSON Patch in a Binary and as FHIRPath Patch in Parameters; references go along."""
        await world.made(patient(), observation("a", **KEY), observation("b"))
        urn = URN.format(1)
        parts = [{"name": "type", "valueCode": "replace"}, {"name": "path", "valueString": "Observation.subject"},
                 {"name": "value", "valueReference": {"reference": urn}}]  # fmt: skip
        parameters = {"resourceType": "Parameters", "parameter": [{"name": "operation", "part": parts}]}
        done = await send(
            world,
            entry("PATCH", BY_KEY, json_patch("/subject/reference", urn)),
            entry("PATCH", "Observation/b", parameters, ifMatch='W/"1"'),
            entry("POST", "Patient", bare(patient()), urn),
        )
        subjects = [(await world.get(f"/Observation/{one}")).json()["subject"]["reference"] for one in "ab"]

        assert statuses(done) == ["200", "200", "201"]
        assert subjects == [made(done, 2)] * 2
        for url, status in (("Observation?_id=none", 404), ("Observation/none", 404), ("Observation?_id=a,b", 412)):
            assert issue(await send(world, entry("PATCH", url, json_patch("/status", "final"))))[0] == status
        assert issue(await send(world, entry("PATCH", "Observation/a", patient())))[0] == 400

    async def test_several_deleted(self, world: World) -> None:
        """A delete by condition takes all away and says how many; of none it says no content."""
        await world.made(patient(), observation("a", **KEY), observation("b", **KEY))
        done = await send(world, entry("DELETE", BY_KEY), entry("DELETE", "Observation?identifier=none"))

        assert statuses(done) == ["204", "204"]
        told = done.json()["entry"][0]["response"]["outcome"]["issue"][0]["diagnostics"]
        assert told == "2 resources were deleted."

    async def test_guards(self, world: World) -> None:
        """If-Match and If-None-Match refuse the whole, with the entry's number."""
        await world.made(patient(), patient(), observation("a", **KEY))
        for one in (
            entry("DELETE", "Patient/p1", ifMatch='W/"1"'), entry("PUT", "Patient/p1", patient(), ifNoneMatch="*"),
            entry("PATCH", "Patient/p1", json_patch("/name/0/family", "x"), ifMatch='W/"1"'),
            entry("PUT", BY_KEY, observation("a", **KEY), ifMatch='W/"9"'),
        ):  # fmt: skip
            refused = await send(world, entry("PUT", "Patient/new", patient("new")), one)
            assert issue(refused)[:2] == (412, "conflict"), one
            assert "Bundle.entry[1]" in issue(refused)[2]
        assert issue(await world.get("/Patient/new"))[0] == 404

    async def test_resend(self, world: World) -> None:
        """The same bundle again changes nothing twice: conditions name what is there."""
        bundle = [
            entry("POST", "Observation", bare(observation(**KEY)), ifNoneExist="identifier=urn:x|1"),
            entry("PUT", "Patient?identifier=urn:p|1", bare(patient(identifier=[{"system": "urn:p", "value": "1"}]))),
        ]
        assert statuses(await send(world, *bundle)) == ["201", "201"]
        assert statuses(await send(world, *bundle)) == ["200", "200"]

        assert (await world.get("/Observation?_summary=count")).json()["total"] == 1
        assert (await world.get("/Patient?_summary=count")).json()["total"] == 1


class TestAnswer:
    async def test_prefer(self, world: World) -> None:
        """Entries carry what is preferred; location, tag and time always."""
        for wish, kind in (("minimal", ""), ("representation", "Patient"), ("OperationOutcome", "outcome")):
            done = await send(world, entry("POST", "Patient", bare(patient())), Prefer=f"return={wish}")
            (one,) = done.json()["entry"]

            assert one.get("resource", {}).get("resourceType", "") == ("Patient" if kind == "Patient" else "")
            assert ("outcome" in one["response"]) is (kind == "outcome")
            assert {"location", "etag", "lastModified", "status"} <= set(one["response"])

    async def test_xml(self, world: World) -> None:
        """A transaction in XML is answered in XML."""
        xml = (
            '<Bundle xmlns="http://hl7.org/fhir"><type value="transaction"/><entry><resource><Patient/></resource>'
            '<request><method value="POST"/><url value="Patient"/></request></entry></Bundle>'
        )
        done = await world.post("", xml, Content_Type="application/fhir+xml", Accept="application/fhir+xml")

        assert done.status_code == 200
        assert '<type value="transaction-response"/>' in done.text

    async def test_empty(self, world: World) -> None:
        """A transaction of nothing is nothing."""
        assert (await send(world)).json()["type"] == "transaction-response"

    async def test_absolute(self, world: World) -> None:
        """An entry's url may begin with the base, or with a slash."""
        base = world.services.settings.fhir_url
        done = await send(
            world, entry("PUT", f"{base}/Patient/p1", patient()), entry("PUT", "/Patient/p2", patient("p2"))
        )

        assert statuses(done) == ["201", "201"]
