"""Observation/$lastn. https://hl7.org/fhir/R4/observation-operation-lastn.html"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from fhir_world import RESIDENT_ID, World, ids, issue, observation, patient

from records.search.lastn import Found, last

Json = dict[str, Any]

pytestmark = pytest.mark.anyio
AT = datetime(2026, 1, 1, tzinfo=UTC)


def found(identity: str, effective: str, *codes: str, subject: str = "p") -> Found:
    return Found(identity, subject, codes or ("a",), effective, AT + timedelta(seconds=len(identity)))


def coded(*codes: str, text: str = "") -> Json:
    code: Json = {"coding": [{"system": "urn:x", "code": one} for one in codes]} if codes else {}
    return {"code": code | ({"text": text} if text else {})}


class TestLast:
    def test_newest(self) -> None:
        """One of each code where nothing else is asked, the newest first."""
        rows = [found("old", "2020", "a"), found("new", "2021", "a"), found("other", "2019", "b")]

        assert last(rows, 1) == ["new", "other"]
        assert last(rows, 2) == ["new", "old", "other"]

    def test_translations(self) -> None:
        """Codes of one Observation are one kind, and equality is transitive: the example of the specification."""
        assert len(last([found("1", "1", "a"), found("2", "2", "b"), found("3", "3", "c")], 1)) == 3
        assert len(last([found("1", "1", "a"), found("2", "2", "b"), found("3", "3", "a", "c")], 1)) == 2
        assert last([found("1", "1", "a"), found("2", "2", "b"), found("3", "3", "a", "b")], 1) == ["3"]
        chain = [found(str(n), str(n), str(n), str(n + 1)) for n in range(1, 9)]
        assert last(chain, 1) == ["8"]

    def test_ties(self) -> None:
        """Of equal times all are returned, also beyond the number asked for; of no time only the number."""
        rows = [found("1", "2020"), found("2", "2020"), found("3", "2021"), found("4", "2019")]

        assert sorted(last(rows, 1)) == ["3"]
        assert sorted(last(rows, 2)) == ["1", "2", "3"]
        assert len(last([found("1", ""), found("2", "")], 1)) == 1

    def test_subjects(self) -> None:
        """Two people's results are two groups."""
        assert len(last([found("1", "1"), found("2", "2", subject="q")], 1)) == 2


class TestOperation:
    async def test_groups(self, world: World) -> None:
        """Over the interface: by code, by text as written, filtered as a search is; the same by POST."""
        await world.made(
            patient(), patient("p2"),
            observation("a1", effectiveDateTime="2020-01-01", **coded("a")),
            observation("a2", effectiveDateTime="2021-01-01", **coded("a", "b")),
            observation("b1", effectiveDateTime="2020-06-01", **coded("b")),
            observation("t1", effectiveDateTime="2019-01-01", **coded(text="Pulse")),
            observation("t2", effectiveDateTime="2018-01-01", **coded(text="pulse")),
            observation("x", "p2", effectiveDateTime="2022-01-01", **coded("a")),
        )  # fmt: skip

        whole = await world.get("/Observation/$lastn?patient=Patient/p1")
        assert ids(whole) == ["a2", "t1", "t2"]
        assert whole.json()["total"] == 3
        assert ids(await world.get("/Observation/$lastn?patient=p1&code=a,b&max=2")) == ["a2", "b1"]
        assert ids(await world.get("/Observation/$lastn?subject=Patient/p1&date=lt2020-03&code=a")) == ["a1"]
        body = {
            "resourceType": "Parameters",
            "parameter": [{"name": "patient", "valueString": "p1"}, {"name": "max", "valuePositiveInt": 3}],
        }
        assert ids(await world.post("/Observation/$lastn", body)) == ["a2", "b1", "a1", "t1", "t2"]
        assert (await world.get("/Observation/$lastn?patient=p1&code=none")).json()["total"] == 0

    async def test_person(self, world: World) -> None:
        """The source patients of one human are one subject; two humans are two."""
        await world.made(
            patient("p1", RESIDENT_ID), patient("p2", RESIDENT_ID),
            observation("o1", "p1", effectiveDateTime="2020-01-01"),
            observation("o2", "p2", effectiveDateTime="2021-01-01"),
        )  # fmt: skip
        person = await world.services.registry.person_of("p1")

        assert ids(await world.get(f"/Observation/$lastn?subject=Person/{person}")) == ["o2"]
        assert ids(await world.get("/Observation/$lastn?subject=Patient/p1,Patient/p2")) == ["o2", "o1"]

    async def test_visibility(self, world: World) -> None:
        """What is hidden is not the last: the one before is shown; and the trail names the patient."""
        label = {"security": [{"system": "http://terminology.hl7.org/CodeSystem/v3-ActCode", "code": "PSY"}]}
        await world.made(
            patient(), observation("o1", effectiveDateTime="2020-01-01"),
            observation("o2", effectiveDateTime="2021-01-01", meta=label),
        )  # fmt: skip

        assert ids(await world.get("/Observation/$lastn?patient=p1")) == ["o1"]
        assert (await world.events())[-1]["p"] == ["p1"]
        assert ids(await world.get("/Observation/$lastn?patient=p1", account="system")) == ["o2"]

    async def test_refusals(self, world: World) -> None:
        """No subject, an order of one's own, a number that is none."""
        for query in ("code=a", "patient=p1&_sort=date", "patient=p1&max=0", "patient=p1&cod=a", "patient=p1&_count=2"):
            assert issue(await world.get(f"/Observation/$lastn?{query}"))[0] == 400, query
