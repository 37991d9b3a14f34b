"""Chains, reverse chains, includes, order, and what else is about several resources."""

from __future__ import annotations

import pytest
from search_store import Store
from test_search_types import table

from records.errors import UnknownParameter

pytestmark = pytest.mark.anyio


class TestChains:
    @table(
        ("Patient", "organization.name=ward", "eve"),
        ("Patient", "organization.partof.name=house", "eve"),
        ("Patient", "general-practitioner.name=Joe&general-practitioner.address-state=MN", "eve"),
        ("Patient", "general-practitioner:Practitioner.name=jane", "eve evelyn"),
        ("Observation", "subject.name=eve", "mg-5-4"),
        ("Observation", "subject:Patient.birthdate=ge1973-05&subject:Patient.gender:not=male", "mg-5-4"),
        ("Observation", "subject:Patient.organization:missing=false", "mg-5-4"),
        ("Observation", "subject:Patient.address:missing=false", ""),
        ("Observation", "subject._id=eve", "mg-5-4"),
        ("Procedure", "location.name=far,nowhere", "in-far in-nowhere"),
        ("Procedure", "patient.name:exact=Eve", "in-nowhere in-street"),
        ("MedicationRequest", "medication.ingredient-code=abc", "of-contained of-stored"),
        ("MedicationRequest", "medication.ingredient-code=urn:i|abc", "of-contained of-stored"),
        ("MedicationRequest", "medication.ingredient-code=other", ""),
        ("MedicationRequest", "medication:Medication.code:missing=true", "of-contained"),
        ("MedicationRequest", "medication:Medication.ingredient-code:not=abc", ""),
        ("Medication", "ingredient-code=abc", "stored"),
        ("Procedure", "patient._has:Observation:patient:code=2823-3", "in-nowhere in-street"),
        ("Observation", "subject._tag=needs-review", "mg-5-4"),
    )
    async def test_forward(self, population: Store, kind: str, query: str, wanted: str) -> None:
        """https://hl7.org/fhir/R4/search.html#chaining, also into what is contained"""
        assert await population.found(kind, query) == wanted.split()

    @table(
        ("Patient", "_has:Observation:patient:code=2823-3", "eve"),
        ("Patient", "_has:Observation:patient:code=2823-3,x&_has:Procedure:patient:status=completed", "eve"),
        ("Patient", "_has:Procedure:patient:location.name=far", "wang"),
        ("Organization", "_has:Patient:organization:_has:Observation:subject:code=2823-3", "ward"),
        ("Location", "_has:Procedure:location:patient.name=eve", "nowhere street"),
        ("Patient", "_has:Observation:subject:value-quantity=gt5||mg", "eve"),
        ("Practitioner", "_has:Patient:general-practitioner:gender:not=male", "jane joe"),
    )
    async def test_back(self, population: Store, kind: str, query: str, wanted: str) -> None:
        """https://hl7.org/fhir/R4/search.html#has"""
        assert await population.found(kind, query) == wanted.split()

    @table(("Patient", "_list=some", "eve"), ("Patient", "_list=some&gender=male", ""), ("Patient", "_list=none", ""))
    async def test_lists(self, population: Store, kind: str, query: str, wanted: str) -> None:
        """https://hl7.org/fhir/R4/search.html#list"""
        assert await population.found(kind, query) == wanted.split()


class TestIncludes:
    @table(
        ("Patient", "_id=eve&_include=Patient:organization", "Organization/ward"),
        (
            "Patient",
            "_id=eve&_include=Patient:organization&_include:iterate=Organization:partof",
            "Organization/hospital Organization/house Organization/ward",
        ),
        ("Patient", "_id=eve&_include=Patient:*", "Organization/ward Practitioner/jane Practitioner/joe"),
        ("Patient", "_id=eve&_include=*", "Organization/ward Practitioner/jane Practitioner/joe"),
        ("Patient", "_id=eve&_include=Patient:general-practitioner:Organization", ""),
        ("MedicationRequest", "_id=of-stored&_revinclude=Provenance:target", "Provenance/one"),
        ("MedicationRequest", "_id=of-stored&_revinclude=*&_include=*", "Medication/stored Patient/eve Provenance/one"),
        (
            "MedicationRequest",
            "_id=of-stored&_revinclude=Provenance:*&_include:iterate=Provenance:agent",
            "Practitioner/joe Provenance/one",
        ),
        ("Location", "_id=town&_revinclude:iterate=Location:partof", "Location/nowhere Location/street"),
        (
            "Organization",
            "_id=ward&_include:iterate=Organization:partof&_revinclude:iterate=Organization:partof",
            "Organization/hospital Organization/house",
        ),
    )
    async def test_around(self, population: Store, kind: str, query: str, wanted: str) -> None:
        """https://hl7.org/fhir/R4/search.html#include; what was found is not included again, circles end"""
        page = await population.page(kind, query)

        assert sorted(row.reference for row in page.included) == wanted.split()


class TestOrder:
    @table(
        ("Patient", "_sort=birthdate&birthdate:missing=false", "evelyn eve severine"),
        ("Patient", "_sort=-birthdate&birthdate:missing=false", "severine eve evelyn"),
        ("Patient", "_sort=gender,-given&gender:missing=false", "evelyn eve severine"),
        ("Patient", "_sort=gender&_sort=-given&gender:missing=false", "evelyn eve severine"),
        ("Observation", "_sort=value-quantity&code=2823-3&value-quantity=gt1", "mg-5-4 mg-5-44 mg-5-45"),
        ("Patient", "_sort=organization&organization:missing=false", "evelyn eve"),
        ("Patient", "_sort=-_id", "wang severine evelyn eve"),
        ("Procedure", "_sort=location,-patient", "in-far in-nowhere in-street"),
    )
    async def test_several(self, population: Store, kind: str, query: str, wanted: str) -> None:
        """https://hl7.org/fhir/R4/search.html#sort, by strings, tokens, dates, quantities, references"""
        page = await population.page(kind, query)

        assert [row.id for row in page.matches] == wanted.split()


class TestTotals:
    async def test_kinds(self, population: Store) -> None:
        """Asked for or not, of all rows; none for _total=none; entries are none where only the count is asked."""
        assert (await population.page("Patient", "_total=accurate&_count=1")).total == 4
        assert (await population.page("Patient", "_total=estimate&_count=1")).total == 4
        assert (await population.page("Patient", "_total=none&_count=1")).total is None
        for query in ("_summary=count", "_count=0"):
            page = await population.page("Patient", query)
            assert (page.total, page.matches, page.included) == (4, (), ())


class TestRefused:
    @pytest.mark.parametrize(
        ("query", "why"),
        [
            ("nam=x", "Perhaps name"),
            ("_lastUpdate=2020", "Perhaps _lastUpdated"),
            ("name:fuzzy=x", "not for strings"),
            ("birthdate:exact=2020", "not for dates"),
            ("gender:exact=x", "not for tokens"),
            ("organization:exact=x", "not for organization"),
            ("organization:Patient=x", "not for organization"),
            ("name=", "no value"),
            ("name=a,,b", "empty value"),
            ("name=a,", "empty value"),
            ("identifier=|", "empty"),
            ("identifier=a|b|c", "A token is"),
            (r"name=a\b", "backslash"),
            ("phone=phone|555", "no system"),
            ("active=http://hl7.org/fhir/special-values|true", "no system"),
            ("identifier:of-type=a|b", "of-type needs"),
            ("identifier:of-type=a|b|", "of-type needs"),
            ("birthdate=xx2020", "A prefix is"),
            ("birthdate=2020-1", "A date is"),
            ("birthdate=2020-01-01T10", "A date is"),
            ("birthdate:missing=perhaps", "true or false"),
            ("_id:exact=x", "not for _id"),
            ("_lastUpdated:not=2020", "not for _lastUpdated"),
            ("_sort=nothing", "cannot be sorted"),
            ("_sort=_score", "_score"),
            ("_sort=_id,name,given,family,gender", "_sort may name"),
            ("_count=-1", "whole number"),
            ("_count:exact=1", "no modifiers"),
            ("_total=some", "_total"),
            ("_summary=maybe", "_summary"),
            ("_summary=text&_include=Patient:organization", "cannot be mixed"),
            ("_elements=nothing", "no element"),
            ("_include=Patient:nothing", "no reference parameter"),
            ("_include:exact=Patient:organization", "not for includes"),
            ("_contained=true", "Contained"),
            ("_contained=both", "Contained"),
            ("_containedType=container", "Contained"),
            ("_query=current", "named queries"),
            ("_content=x", "_content"),
            ("_text=", "no value"),
            ("_text=(x", "opening bracket"),
            ("_text=x)", "closing bracket"),
            ("_text=and", "words"),
            ("_text:exact=x", "no modifiers"),
            ("_list=$current-problems", "current lists"),
            ("_list:exact=x", "no modifiers"),
            ("_has:Observation:nothing:code=x", "_has is"),
            ("_has:Observation:patient=x", "_has is"),
            ("_has:Observation:patient:nothing=x", "no search parameter"),
            ("name.x=y", "no reference"),
            ("organization.nothing=x", "No target"),
            ("organization.=x", "ends with"),
            ("organization:Patient.name=x", "does not point"),
            ("organization:identifier.name=x", "does not point"),
            ("link:below=x", "in no hierarchy"),
            ("gender:in=urn:nothing", "not known"),
            ("name:missing=true,false", "true or false"),
            ("_format:x=json", "no modifiers"),
        ],
    )
    async def test_patients(self, population: Store, query: str, why: str) -> None:
        """What is not known or not answered is refused, with the reason."""
        with pytest.raises(UnknownParameter, match=why):
            await population.page("Patient", query)

    @pytest.mark.parametrize(
        ("kind", "query", "why"),
        [
            ("ValueSet", "url:below=urn:oid:1.2", "not for URNs"),
            ("ValueSet", "url:contains=x", "not for addresses"),
            ("ValueSet", "context-type-value:missing=true", "no value of its own"),
            ("Observation", "value-quantity=x", "A prefix is"),
            ("Observation", "value-quantity=5|mg", "A quantity is"),
            ("Observation", "value-quantity=5|x|", "A quantity is"),
            ("Observation", "value-quantity:not=5", "not for quantities"),
            ("Observation", "code-value-quantity=718-7", "needs 2 parts"),
            ("Observation", "code-value-quantity:not=a$5", "in that way"),
            ("RiskAssessment", "probability:exact=1", "not for numbers"),
            ("Location", "near=1", "near is"),
            ("Location", "near=91|0", "near is"),
            ("Location", "near=1|1|1|parsec", "near is"),
            ("Location", "near=1|1|-1", "not negative"),
            ("Location", "near:exact=1|1", "not for near"),
            ("Location", "_sort=near", "cannot be sorted"),
            ("QuestionnaireResponse", "questionnaire:identifier=x", "not for canonical"),
            ("QuestionnaireResponse", "questionnaire:above=x", "not for addresses"),
            ("Basic", "subject:Patient=http://elsewhere.org/fhir/Patient/1", "not for"),
            ("Observation", "subject:Patient=Group/1", "not the type"),
        ],
    )
    async def test_others(self, population: Store, kind: str, query: str, why: str) -> None:
        """The same of other types."""
        with pytest.raises(UnknownParameter, match=why):
            await population.page(kind, query)

    async def test_lenient(self, population: Store) -> None:
        """What is passed over does not stand in what was applied."""
        page = await population.page("Patient", "nam=x&gender=male&_contained=true", lenient=True)

        assert page.applied == (("gender", "male"),)
