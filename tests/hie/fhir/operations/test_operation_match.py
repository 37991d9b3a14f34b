"""$match: who may this be? https://hl7.org/fhir/R4/patient-operation-match.html"""

from __future__ import annotations

from typing import Any

import httpx
import pytest
from fhir_world import ID_NUMBER, RESIDENT_ID, World, ids, issue, patient

from hie.fhir.operations.match import GRADE, score
from records import validation
from records.stored import decode

Json = dict[str, Any]
OTHER_ID = "370303198506121463"  # valid, and somebody else's

pytestmark = pytest.mark.anyio


def person(identity: str, name: str, born: str, phone: str = "", number: str = "", **elements: Any) -> Json:
    said = {"name": [{"text": name}], "birthDate": born, **elements}
    return patient(identity, number, **said, **({"telecom": [{"system": "phone", "value": phone}]} if phone else {}))


def asking(resource: Json, **simple: Any) -> Json:
    kinds = {bool: "valueBoolean", int: "valueInteger", str: "valueString"}
    rest = [{"name": name, kinds[type(value)]: value} for name, value in simple.items()]
    without = {name: value for name, value in resource.items() if name != "id"}
    return {"resourceType": "Parameters", "parameter": [{"name": "resource", "resource": without}, *rest]}


def graded(answer: httpx.Response) -> list[tuple[str, str]]:
    assert answer.status_code == 200, answer.text
    assert validation.validate(decode(answer.content)) == []
    found = [one for one in answer.json().get("entry", ()) if one["search"]["mode"] == "match"]
    return [(one["resource"]["id"], one["search"]["extension"][0]["valueCode"]) for one in found]


async def ask(world: World, resource: Json, account: str = "clinician", **simple: Any) -> httpx.Response:
    return await world.post("/Patient/$match", asking(resource, **simple), account=account)


class TestMatch:
    async def test_grades(self, world: World) -> None:
        """The same number and name is certain, a namesake of that day without one as well, a namesake elsewhere not."""
        await world.made(
            person("p1", "王晓梅", "1985-06-12", number=RESIDENT_ID), person("p2", "李强", "1970-01-05"),
            person("p3", "王晓梅", "1985-06-21", phone="13905331234"),
        )  # fmt: skip
        answer = await ask(world, person("", "王晓梅", "1985-06-12", number=RESIDENT_ID))

        assert graded(answer)[0] == ("p1", "certain") and "p2" not in ids(answer)
        entry = answer.json()["entry"][0]
        assert entry["search"]["extension"][0]["url"] == GRADE and entry["search"]["score"] > 0.99
        assert entry["fullUrl"].endswith("/Patient/p1")

    async def test_order(self, world: World) -> None:
        """Most likely first: neither grades nor scores rise on the way down; the total is what was found."""
        await world.made(
            person("p1", "王晓梅", "1985-06-12", phone="13905331234"), person("p2", "王晓美", "1985-06-12"),
            person("p3", "王晓", "1985-06-12"),
        )  # fmt: skip
        answer = await ask(world, person("", "王晓梅", "1985-06-12", phone="13905331234"))
        ranks = ["certain", "probable", "possible"]
        grades = [ranks.index(grade) for _, grade in graded(answer)]
        scores = [one["search"]["score"] for one in answer.json()["entry"]]

        assert grades == sorted(grades) and scores == sorted(scores, reverse=True)
        assert answer.json()["total"] == len(scores) >= 2

    async def test_count(self, world: World) -> None:
        """No more than asked for; the whole Patient may also be the body."""
        await world.made(*(person(f"p{n}", "王晓梅", "1985-06-12", number=RESIDENT_ID) for n in range(3)))
        asked = person("", "王晓梅", "1985-06-12", number=RESIDENT_ID)
        del asked["id"]

        assert len(graded(await ask(world, asked, count=2))) == 2
        assert len(graded(await world.post("/Patient/$match", asked))) == 3

    async def test_nothing_made(self, world: World) -> None:
        """Asking makes nobody: no Patient, no Person, no link, no question for a steward."""
        await world.made(person("p1", "王晓梅", "1985-06-12"))
        registry = world.services.registry
        before = await registry.expand(await registry.person_of("p1") or "")
        await ask(world, person("", "王晓梅", "1985-06-12"))
        await ask(world, person("", "赵新人", "2001-02-03"))

        assert (await world.get("/Patient?_total=accurate", account="system")).json()["total"] == 1
        assert await registry.expand(await registry.person_of("p1") or "") == before
        assert await registry.reviews() == []

    async def test_nobody(self, world: World) -> None:
        """Nobody alike is an empty bundle."""
        answer = await ask(world, person("", "赵新人", "2001-02-03"))

        assert graded(answer) == [] and answer.json()["total"] == 0

    def test_score(self) -> None:
        """Even odds are a half; certainty does not pass one."""
        assert (score(0), score(500), score(-500)) == (0.5, 1.0, 0.0)


class TestCertain:
    async def test_one(self, world: World) -> None:
        """One certain human: the record that is most alike, also where that human has several."""
        await world.made(
            person("p1", "王晓梅", "1985-06-12", number=RESIDENT_ID),
            person("p2", "王晓梅", "1985-06-12", number=RESIDENT_ID, phone="13905331234"),
        )  # fmt: skip
        asked = person("", "王晓梅", "1985-06-12", number=RESIDENT_ID, phone="13905331234")

        assert graded(await ask(world, asked, onlyCertainMatches=True)) == [("p2", "certain")]

    async def test_several(self, world: World) -> None:
        """Two humans who both may be meant: none is returned, and the outcome says why."""
        await world.made(
            person("p1", "王晓梅", "1985-06-12", number=RESIDENT_ID),
            person("p2", "王晓梅", "1985-06-12", number=OTHER_ID),
        )  # fmt: skip
        answer = await ask(world, person("", "王晓梅", "1985-06-12"), onlyCertainMatches=True)

        assert graded(answer) == [] and answer.json()["total"] == 0
        (entry,) = answer.json()["entry"]
        assert entry["search"]["mode"] == "outcome" and entry["resource"]["issue"][0]["code"] == "multiple-matches"

    async def test_uncertain(self, world: World) -> None:
        """What is only possible is not returned."""
        await world.made(person("p1", "王晓梅", "1985-06-12", phone="13905331234"))
        answer = await ask(world, person("", "王晓兰", "1985-06-12"), onlyCertainMatches=True)

        assert graded(answer) == []


class TestSight:
    async def test_closed(self, world: World) -> None:
        """Who is closed to the caller is not found, not counted, and lends no grade to others."""
        await world.made(
            person("p1", "王晓梅", "1985-06-12", number=RESIDENT_ID),
            person("p2", "李强", "1970-01-05", number=OTHER_ID),
        )  # fmt: skip
        answer = await ask(world, person("", "李强", "1970-01-05", number=OTHER_ID), account="resident")

        assert graded(answer) == [] and answer.json()["total"] == 0
        own = await ask(world, person("", "王晓梅", "1985-06-12", number=RESIDENT_ID), account="resident")
        assert graded(own) == [("p1", "certain")]

    async def test_audited(self, world: World) -> None:
        """The trail names everybody whose record was shown."""
        await world.made(person("p1", "王晓梅", "1985-06-12", number=RESIDENT_ID))
        before = len(await world.events())
        await ask(world, person("", "王晓梅", "1985-06-12", number=RESIDENT_ID))

        assert [one["p"] for one in (await world.events())[before:]] == [["p1"]]


class TestRefused:
    @pytest.mark.parametrize(
        "elements", [{"name": [{"text": "王晓梅"}]}, {"gender": "female"}, {"birthDate": "1985-06-12"}]
    )
    async def test_too_little(self, world: World, elements: Json) -> None:
        """Too little to look for somebody by is said, not answered with nobody."""
        status, code, text = issue(await ask(world, {"resourceType": "Patient", **elements}))

        assert (status, code) == (422, "business-rule") and "birth date" in text

    async def test_parameters(self, world: World) -> None:
        """No Patient, two, a wrong type or an unknown parameter are refused."""
        one = person("", "王晓梅", "1985-06-12", number=RESIDENT_ID)
        twice = asking(one)
        twice["parameter"] *= 2
        address = "/Patient/$match"

        assert issue(await world.post(address, {"resourceType": "Parameters"}))[0] == 400
        assert issue(await world.post(address, twice))[0] == 400
        assert issue(await world.post(address, {"resourceType": "Basic", "code": {"text": "x"}}))[0] == 400
        assert issue(await ask(world, one, count=0))[:2] == (400, "not-supported")
        assert issue(await ask(world, one, count="three"))[0] == 400
        assert issue(await ask(world, one, onlyCertainMatches="yes"))[0] == 400
        assert issue(await ask(world, one, threshold=1))[:2] == (400, "not-supported")
        assert issue(await ask(world, {"resourceType": "Patient", "gender": "x"}))[0] in (400, 422)
        assert (await world.get(address)).status_code == 405

    async def test_identifier_alone(self, world: World) -> None:
        """A whole identifier is enough to ask by."""
        await world.made(person("p1", "王晓梅", "1985-06-12", number=RESIDENT_ID))
        number = [{"system": ID_NUMBER, "value": RESIDENT_ID}]
        answer = await ask(world, {"resourceType": "Patient", "identifier": number})

        assert [identity for identity, _ in graded(answer)] == ["p1"]
