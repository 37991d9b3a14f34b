"""A parameter added at run time: indexed at once, answered when complete, gone when retired."""

from __future__ import annotations

from typing import Any

import pytest
from reindexing_world import Region, eyes, parameter

from records.definitions import definitions
from records.errors import Invalid, UnknownParameter
from records.stored import Write

pytestmark = pytest.mark.anyio


class TestAdded:
    async def test_old_and_new_resources(self, region: Region) -> None:
        """What was stored before is found when the job is done, and what was written while it waited as well."""
        await region.put(eyes("old", "blue"), eyes("other", "green"))
        await region.put(parameter())
        await region.put(eyes("new", "blue"))
        await region.work()

        assert await region.found("eye-colour=blue") == ["new", "old"]
        assert await region.found("eye-colour:exact=green") == ["other"]
        assert await region.found("eye-colour:missing=true") == []

    async def test_refused_until_complete(self, region: Region) -> None:
        """Before its index is complete a search by it is refused, and says how far the job is."""
        await region.put(eyes("a"), parameter())
        job = await region.job()

        with pytest.raises(UnknownParameter, match=rf"not answered yet.*0 %.*\$reindex/{job.id}"):
            await region.found("eye-colour=brown")
        with pytest.raises(UnknownParameter, match="not answered yet"):
            await region.found("_sort=eye-colour")
        await region.work()
        assert await region.found("eye-colour=brown&_sort=-eye-colour") == ["a"]

    async def test_unknown_stays_unknown(self, region: Region) -> None:
        """A code that nobody defined is refused as before."""
        with pytest.raises(UnknownParameter, match="has no search parameter"):
            await region.found("eye-colour=brown")

    async def test_nothing_outside_of_the_store(self, region: Region) -> None:
        """The definitions of R4 are as they were, whatever a store has added."""
        await region.put(parameter())
        await region.work()

        assert "eye-colour" not in definitions().search_parameters("Patient")
        assert "eye-colour" in region.store.parameters.now.search_parameters("Patient")

    async def test_draft(self, region: Region) -> None:
        """A draft is stored and not in force; made active it is."""
        await region.put(parameter(status="draft"))
        assert await region.store.parameters.jobs.newest() == []
        await region.put(parameter())
        await region.work()

        assert await region.found("eye-colour=x") == []

    async def test_reference(self, region: Region) -> None:
        """An added reference can be chained, included and asked for in reverse."""
        tutor = parameter(
            "tutor", type="reference", target=["Practitioner"],
            expression="Patient.extension('http://example.org/tutor').value.as(Reference)",
        )  # fmt: skip
        pupil = {"url": "http://example.org/tutor", "valueReference": {"reference": "Practitioner/d"}}
        doctor = {"resourceType": "Practitioner", "id": "d", "name": [{"family": "李"}]}
        await region.put(tutor, doctor, eyes("a") | {"extension": [pupil]})
        await region.work()

        assert await region.found("tutor=d") == await region.found("tutor.family=李") == ["a"]
        assert await region.found("_has:Patient:tutor:_id=a", kind="Practitioner") == ["d"]
        page = await region.store.search("Patient", [("_include", "Patient:tutor")])
        assert [row.id for row in page.included] == ["d"]
        page = await region.store.search("Practitioner", [("_revinclude", "Patient:tutor")])
        assert [row.id for row in page.included] == ["a"]

    async def test_composite(self, region: Region) -> None:
        """An added composite compares parts of one component, never of two."""
        both = parameter(
            "part-value", base=["Observation"], type="composite", expression="Observation.component",
            component=[
                {"definition": "http://hl7.org/fhir/SearchParameter/clinical-code", "expression": "code"},
                {"definition": "http://hl7.org/fhir/SearchParameter/Observation-value-quantity",
                 "expression": "value.as(Quantity)"},
            ],
        )  # fmt: skip

        def part(code: str, value: int) -> dict[str, object]:
            return {"code": {"coding": [{"code": code}]}, "valueQuantity": {"value": value}}

        seen = {
            "resourceType": "Observation", "id": "o", "status": "final", "code": {"text": "x"},
            "component": [part("a", 1), part("b", 2)],
        }  # fmt: skip
        await region.put(both, seen)
        await region.work()

        assert await region.found("part-value=a$1", kind="Observation") == ["o"]
        assert await region.found("part-value=a$2", kind="Observation") == []


class TestChanged:
    async def test_other_expression(self, region: Region) -> None:
        """With another expression it is refused until everything is indexed by that one."""
        await region.put(eyes("a"), parameter())
        await region.work()
        await region.put(parameter(expression="Patient.name.family"))

        with pytest.raises(UnknownParameter, match="not answered yet"):
            await region.found("eye-colour=brown")
        await region.work()
        assert await region.found("eye-colour=brown") == []
        assert await region.found("eye-colour=王") == ["a"]

    async def test_other_words(self, region: Region) -> None:
        """With another description alone it stays answered, and nothing is indexed again."""
        await region.put(eyes("a"), parameter())
        await region.work()
        job = await region.job()
        await region.put(parameter(description="Another word."))

        assert await region.found("eye-colour=brown") == ["a"]
        assert (await region.job()).id == job.id

    async def test_while_its_job_runs(self, region: Region) -> None:
        """A change while the first job waits takes its place; both base types are covered."""
        both: dict[str, Any] = {"base": ["Patient", "Practitioner"]}
        both["expression"] = "Patient.language | Practitioner.language"
        await region.put(eyes("a"), parameter(**both))
        first = await region.job()
        await region.put(parameter())
        second = await region.job()

        assert (await region.store.parameters.jobs.read(first.id)).state == "superseded"
        assert set(second.types) == {"Patient", "Practitioner"}
        await region.work()
        assert await region.found("eye-colour=brown") == ["a"]


class TestRetired:
    async def test_status(self, region: Region) -> None:
        """Retired, it is unknown at once; its keys go by a job."""
        await region.put(eyes("a"), parameter())
        await region.work()
        await region.put(parameter(status="retired"))

        with pytest.raises(UnknownParameter, match="has no search parameter"):
            await region.found("eye-colour=brown")
        assert await region.rows().count_documents({"k": {"$regex": "^eye-colour"}}) == 1
        await region.work()
        assert await region.rows().count_documents({"k": {"$regex": "^eye-colour"}}) == 0

    async def test_deleted_and_back(self, region: Region) -> None:
        """Deleted it goes in the same way; defined again it is made anew."""
        await region.put(eyes("a"), parameter())
        await region.work()
        await region.store.apply([Write("delete", "SearchParameter", "eye-colour")])
        with pytest.raises(UnknownParameter, match="has no search parameter"):
            await region.found("eye-colour=brown")
        await region.work()
        await region.put(parameter())
        await region.work()

        assert await region.found("eye-colour=brown") == ["a"]


class TestRefused:
    @pytest.mark.parametrize(
        ("elements", "where", "words"),
        [
            ({"code": "name"}, "SearchParameter.code", "standard search parameter"),
            ({"code": "_mine"}, "SearchParameter.code", "begins with a letter"),
            ({"base": ["Evidence"]}, "SearchParameter.base[0]", "no custom search parameters"),
            ({"base": ["AuditEvent"]}, "SearchParameter.base[0]", "no custom search parameters"),
            ({"type": "special"}, "SearchParameter.type", "no custom definition"),
            ({"url": "http://hl7.org/fhir/SearchParameter/Patient-x"}, "SearchParameter.url", "standard"),
            ({"expression": "Patient.nothing"}, "SearchParameter.expression", "character 9: Patient has no element"),
            ({"expression": "Patient.name.trim()"}, "SearchParameter.expression", "character 14: the function trim()"),
            ({"expression": "Patient.birthDate"}, "SearchParameter.expression", "it finds date"),
            ({"expression": "Practitioner.name"}, "SearchParameter.expression", "none of the base types"),
            ({"xpathUsage": "phonetic"}, "SearchParameter.xpathUsage", "normal"),
            ({"target": ["Nothing"]}, "SearchParameter.target[0]", "no resource type"),
            ({"type": "composite"}, "SearchParameter.component", "has components"),
        ],
    )
    async def test_reasons(self, region: Region, elements: dict[str, object], where: str, words: str) -> None:
        """Each says what is wrong and where, and nothing is stored."""
        with pytest.raises(Invalid) as refused:
            await region.put(parameter() | elements)

        assert refused.value.status == 422
        assert [one.expression for one in refused.value.issues if words in one.text] == [where]
        assert await region.rows("SearchParameter").count_documents({}) == 0
        assert await region.store.parameters.jobs.newest() == []

    async def test_without_expression(self, region: Region) -> None:
        """An XPath alone is not understood."""
        resource = {name: value for name, value in parameter().items() if name != "expression"}
        with pytest.raises(Invalid) as refused:
            await region.put(resource | {"xpath": "f:Patient/f:name"})

        assert "XPath" in refused.value.issues[0].text

    async def test_twice(self, region: Region) -> None:
        """Neither code nor address may be that of another active parameter; one of another type may have the code."""
        await region.put(parameter())
        with pytest.raises(Invalid) as refused:
            await region.put(parameter() | {"id": "other"})
        await region.put(
            parameter() | {"id": "third", "url": "http://example.org/third", "base": ["Practitioner"],
                           "expression": "Practitioner.name.family"}
        )  # fmt: skip

        assert {(one.expression, one.code) for one in refused.value.issues} == {
            ("SearchParameter.url", "duplicate"), ("SearchParameter.code", "duplicate"),
        }  # fmt: skip

    async def test_unknown_component(self, region: Region) -> None:
        """A component must refer to a parameter that is known."""
        with pytest.raises(Invalid) as refused:
            await region.put(
                parameter(type="composite", expression="Patient.name", component=[
                    {"definition": "http://example.org/nobody", "expression": "family"},
                ])
            )  # fmt: skip

        assert refused.value.issues[0].expression == "SearchParameter.component[0].definition"
