"""The rules of the search page by type of parameter, each as a query and what it finds of one population."""

from __future__ import annotations

import pytest
from search_store import Store

pytestmark = pytest.mark.anyio


def table(*rows: tuple[str, ...]) -> pytest.MarkDecorator:
    """(query, ids with blanks between them), or those behind the type that is searched."""
    names = ("query", "wanted") if len(rows[0]) == 2 else ("kind", "query", "wanted")
    return pytest.mark.parametrize(names, [pytest.param(*row, id=row[-2]) for row in rows])


class TestString:
    @table(
        ("given=eve", "eve evelyn"),
        ("given:contains=eve", "eve evelyn severine"),
        ("given:exact=Eve", "eve"),
        ("given:exact=eve", ""),
        ("given=SEV", "severine"),
        ("given=sév", "severine"),
        ("family=quinones", "evelyn"),
        ("family=carreno", "evelyn"),
        ("name=quinones", "evelyn"),
        ("family=obrien", "severine"),
        ("family=smith", "severine"),
        ("family=O'Brien", "severine"),
        ("name=dr", "eve"),
        ("name=王晓", "wang"),
        ("address=main st 5 rear", "wang"),
        ("address-city=淄", "wang"),
        ("given=eve,bruna", "eve evelyn severine"),
        ("given=sev&given=bru", "severine"),
        ("given:missing=true", "wang"),
        ("family:missing=false", "eve evelyn severine"),
        ("given:text=eve", "eve evelyn"),
    )
    async def test_patients(self, population: Store, query: str, wanted: str) -> None:
        """https://hl7.org/fhir/R4/search.html#string"""
        assert await population.found("Patient", query) == wanted.split()


class TestToken:
    @table(
        ("identifier=urn:mrn|AbC-12", "eve"),
        ("identifier=AbC-12", "eve"),
        ("identifier=abc-12", "eve"),
        ("identifier=|bare", "eve"),
        ("identifier=|77", ""),
        ("identifier=urn:mrn|", "eve severine"),
        ("identifier=urn:other|77", ""),
        ("identifier:of-type=http://terminology.hl7.org/CodeSystem/v2-0203|MR|abc-12", "eve"),
        ("identifier:of-type=http://terminology.hl7.org/CodeSystem/v2-0203|MR|77", ""),
        ("identifier:text=record", "eve"),
        ("gender=female", "eve evelyn"),
        ("gender:not=female", "severine wang"),
        ("gender:not=female,male", "wang"),
        ("gender=http://hl7.org/fhir/administrative-gender|female", "eve evelyn"),
        ("gender=urn:wrong|female", ""),
        ("gender=http://hl7.org/fhir/administrative-gender|", "eve evelyn severine"),
        ("gender:missing=true", "wang"),
        ("active=true", "eve"),
        ("phone=555-1234", "eve"),
        ("deceased=true", "severine"),
        ("deceased=false", "eve evelyn wang"),
        ("language=fr&language=nl", "eve"),
        ("language=fr,nl", "eve evelyn"),
        ("_tag=http://acme.org/codes|needs-review", "eve"),
        ("_tag:not=http://acme.org/codes|needs-review", "evelyn severine wang"),
        ("_tag:missing=false", "eve"),
        ("_id=eve,wang", "eve wang"),
        ("_id=EVE", ""),
        ("_id:missing=true", ""),
    )
    async def test_patients(self, population: Store, query: str, wanted: str) -> None:
        """https://hl7.org/fhir/R4/search.html#token"""
        assert await population.found("Patient", query) == wanted.split()

    @table(
        ("code:text=headache", "words"),
        ("code:text=migrane", "words"),
        ("code:text=dull", ""),
        ("code:text=headache,migra", "words"),
        ("status=amended", "words"),
        ("value-concept=urn:yn|y", "yes-no"),
        ("value-concept:not=urn:yn|y&code=yn", ""),
        ("value-concept:missing=false", "yes-no"),
    )
    async def test_observations(self, population: Store, query: str, wanted: str) -> None:
        """The words of a code, and codes beside it."""
        assert await population.found("Observation", query) == wanted.split()

    @table(
        ("contenttype=text/xml", ""),
        ("contenttype:below=text/xml", "xml"),
        ("contenttype:below=text", "xml xmlish"),
        ("contenttype=text/xml; charset=UTF-8", "xml"),
        ("contenttype=application/pdf", "replacing"),
    )
    async def test_mime_types(self, population: Store, query: str, wanted: str) -> None:
        """https://hl7.org/fhir/R4/search.html#mimetype"""
        assert await population.found("DocumentReference", query) == wanted.split()


class TestEscapes:
    @table(
        (r"code=a\,b", "comma"),
        ("code=a,b", ""),
        (r"identifier=x\$y", "comma"),
        (r"identifier=p\|q", "comma"),
        ("identifier=p|q", ""),
        (r"code=urn:s|a\,b", "comma"),
    )
    async def test_basic(self, population: Store, query: str, wanted: str) -> None:
        """https://hl7.org/fhir/R4/search.html#escaping"""
        assert await population.found("Basic", query) == wanted.split()


class TestNumber:
    @table(
        ("probability=0.8", "p-0-8"),
        ("probability=0.80", "p-0-8"),
        ("probability=1", "p-0-8 p-0-85"),
        ("probability=gt0.8", "open p-0-85 p-100 range two-ranges"),
        ("probability=gt8e-1&probability=lt1", "p-0-85"),
        ("probability=100", "p-100"),
        ("probability=100.00", "p-100"),
        ("probability=1.00e2", "p-100"),
        ("probability=99", ""),
        ("probability=ne0.8", "open p-0-85 p-100 range two-ranges"),
        ("probability=lt0.85", "p-0-8"),
        ("probability=le0.85", "p-0-8 p-0-85"),
        ("probability=ge100", "open p-100"),
        ("probability=gt100", "open"),
        ("probability=15", ""),
        ("probability=0e2", "p-0-8 p-0-85 range two-ranges"),
        ("probability=2e1", ""),
        ("probability=sa9", "open p-100 range two-ranges"),
        ("probability=sa40", "open p-100"),
        ("probability=eb30", "p-0-8 p-0-85 range"),
        ("probability=ap15", "range two-ranges"),
        ("probability=ap40.5", "two-ranges"),
        ("probability=lt11", "p-0-8 p-0-85 range two-ranges"),
        ("probability:missing=true", ""),
        ("probability=0.8,100", "p-0-8 p-100"),
    )
    async def test_probability(self, population: Store, query: str, wanted: str) -> None:
        """https://hl7.org/fhir/R4/search.html#number, of decimals and Ranges"""
        assert await population.found("RiskAssessment", query) == wanted.split()


class TestDate:
    @table(
        ("date=eq2013-01-14", "day-14 midnight-14 ten-14 utc-13"),
        ("date=2013-01-14", "day-14 midnight-14 ten-14 utc-13"),
        ("date=ne2013-01-14", "midnight-15 year-2012"),
        ("date=lt2013-01-14T10:00", "day-14 midnight-14 utc-13 year-2012"),
        ("date=gt2013-01-14T10:00", "day-14 midnight-15"),
        ("date=ge2013-01-14T10:00:00", "day-14 midnight-15 ten-14"),
        ("date=2013", "day-14 midnight-14 midnight-15 ten-14 utc-13"),
        ("date=2012", "year-2012"),
        ("date=2012-05", ""),
        ("date=ap2012-05", "day-14 midnight-14 midnight-15 ten-14 utc-13 year-2012"),
        ("date=sa2013-01-14", "midnight-15"),
        ("date=eb2013-01-14", "year-2012"),
        ("date=2013-01-14T10:00:00+08:00", "ten-14"),
        ("date=2013-01-14T02:00:00Z", "ten-14"),
        ("date=2013-01-13T20:00:00Z", "utc-13"),
        ("date=ge2013-01-14&date=le2013-01-14", "day-14 midnight-14 ten-14 utc-13"),
        ("date=2012,2013-01-15", "midnight-15 year-2012"),
        ("date:missing=true", ""),
        ("_lastUpdated=gt2010-10-01&date=2012", "year-2012"),
        ("_lastUpdated=lt2010", ""),
        ("_lastUpdated=ap2010", ""),
    )
    async def test_moments(self, population: Store, query: str, wanted: str) -> None:
        """https://hl7.org/fhir/R4/search.html#date, of dates and moments; days are the region's"""
        assert await population.found("DiagnosticReport", query) == wanted.split()

    @table(
        ("date=ge2013-03-14", "from-15-mar from-21-jan"),
        ("date=le2013-03-14", "from-21-jan until-21-jan"),
        ("date=sa2013-03-14", "from-15-mar"),
        ("date=eb2013-03-14", "until-21-jan"),
        ("date=2013", ""),
        ("date:missing=true", "stay ward-round"),
        ("location-period=2024", "ward-round"),
        ("location-period=sa2023-12", "ward-round"),
        ("location-period=eb2024-02", "ward-round"),
        ("location-period=ap2024-01-15", "ward-round"),
        ("location-period=ge2024-05", "ward-round"),
        ("location-period=2024-01", ""),
        ("location-period=2023", ""),
        ("location-period:missing=false", "ward-round"),
    )
    async def test_periods(self, population: Store, query: str, wanted: str) -> None:
        """Periods with an end missing; of several periods one has to match whole."""
        assert await population.found("Encounter", query) == wanted.split()

    @table(
        ("occurrence=ap2013-02-01", "every-second-day"),
        ("occurrence=2013", "every-second-day"),
        ("occurrence=2014", "two-days"),
        ("occurrence=2014-01", ""),
        ("occurrence=gt2014-02", "two-days"),
        ("occurrence=sa2013-04", "two-days"),
    )
    async def test_timing(self, population: Store, query: str, wanted: str) -> None:
        """Of a Timing only the outer limits matter."""
        if "ap" in query:
            # Ten years later a tenth of the distance is a year: what is near is not far from what was asked.
            assert set(wanted.split()) <= set(await population.found("ServiceRequest", query))
            return
        assert await population.found("ServiceRequest", query) == wanted.split()


class TestQuantity:
    @table(
        ("value-quantity=5.4|http://unitsofmeasure.org|mg", "g-0-0054 mg-5-4 mg-5-44"),
        ("value-quantity=5.40e-3|http://unitsofmeasure.org|g", "g-0-0054 mg-5-4"),
        ("value-quantity=5.4||mg", "mg-5-4 mg-5-44"),
        ("value-quantity=5.4||tablets", "tablets-5-4"),
        ("value-quantity=5.4", "mg-5-4 mg-5-44 tablets-5-4"),
        ("value-quantity=le5.4||mg", "mg-5-4"),
        ("value-quantity=gt5.4|http://unitsofmeasure.org|mg", "mg-5-44 mg-5-45"),
        ("value-quantity=ap5.4|http://unitsofmeasure.org|mg", "g-0-0054 mg-5-4 mg-5-44 mg-5-45"),
        ("value-quantity=lt0", "minus-1"),
        ("value-quantity=5.4|http://unitsofmeasure.org|kg", ""),
        ("value-quantity=sa5.44||mg", "mg-5-45"),
        ("value-quantity=eb5.44||mg", "mg-5-4"),
        ("value-quantity=ne5.4||mg", "mg-5-45"),
        ("value-quantity=gt190", "sampled"),
        ("value-quantity=gt140||uV", "sampled"),
        ("value-quantity=gt200||uV", ""),
        ("value-quantity=lt0.00009|http://unitsofmeasure.org|V&code=wave", "sampled"),
        ("value-quantity=ap100||uV", "sampled"),
        ("value-quantity=0e3||uV", "sampled"),
        ("value-quantity=eb100||uV", ""),
        ("value-quantity:missing=false&code=wave", "sampled"),
    )
    async def test_observations(self, population: Store, query: str, wanted: str) -> None:
        """https://hl7.org/fhir/R4/search.html#quantity, sampled data by their bounds"""
        assert await population.found("Observation", query) == wanted.split()

    @table(
        ("totalgross=5", "of-5"),
        ("totalgross=5|urn:iso:std:iso:4217|CNY", "of-5"),
        ("totalgross=gt1||EUR", "of-7"),
        ("totalgross=5|urn:iso:std:iso:4217|EUR", ""),
    )
    async def test_money(self, population: Store, query: str, wanted: str) -> None:
        """Money is in currencies."""
        assert await population.found("Invoice", query) == wanted.split()

    @table(
        ("context-quantity=gt64||a", "adults"),
        ("context-quantity=lt10||a", "children"),
        ("context-quantity=ap40||a", "adults"),
        ("context-quantity=70||kg", "weight"),
        ("context-quantity=0e3||a", "adults"),
        ("context-quantity=41.5||a", ""),
        ("context-type-quantity=age$gt64||a", "adults"),
        ("context-type-quantity=focus$gt64||a", ""),
        ("context-type-quantity=age$le70", "adults children"),
        ("context-type-quantity=weight$ap71||kg", "weight"),
        ("context-type-value=focus$http://snomed.info/sct|408934002", "adults"),
        ("context-type-value=age$408934002", ""),
    )
    async def test_ranges(self, population: Store, query: str, wanted: str) -> None:
        """Ranges by both of their ends, alone and in a composite."""
        assert await population.found("ValueSet", query) == wanted.split()


class TestUri:
    @table(
        ("url=http://acme.org/fhir/ValueSet/123", "v123"),
        ("url=http://acme.org/fhir/ValueSet/12", ""),
        ("url:below=http://acme.org/fhir/", "v123"),
        ("url:below=http://acme.org/fhir", "acme v123"),
        ("url:above=http://acme.org/fhir/ValueSet/123/_history/5", "acme v123"),
        ("url=urn:oid:1.2.3.4.5", "oid"),
        ("url=http://acme.org/fhir/ValueSet/123|1.0", "v123"),
        ("url=http://acme.org/fhir/ValueSet/123|2.0", ""),
        ("url=HTTP://acme.org/fhir", ""),
        ("url:missing=true", "adults children weight"),
    )
    async def test_value_sets(self, population: Store, query: str, wanted: str) -> None:
        """https://hl7.org/fhir/R4/search.html#uri"""
        assert await population.found("ValueSet", query) == wanted.split()


class TestReference:
    @table(
        ("subject=Patient/eve", "own versioned"),
        ("subject=eve", "own versioned"),
        ("subject=http://127.0.0.1:8080/fhir/Patient/eve", "own versioned"),
        ("subject:Patient=eve", "own versioned"),
        ("subject=http://elsewhere.org/fhir/Patient/eve", "elsewhere"),
        ("subject=Group/eve", ""),
        ("subject:missing=true", "comma"),
    )
    async def test_addresses(self, population: Store, query: str, wanted: str) -> None:
        """Relative and absolute are one; a version in it makes no difference."""
        assert await population.found("Basic", query) == wanted.split()

    @table(
        ("performer:identifier=urn:doc|D1", "words"),
        ("performer:identifier=d1", "words"),
        ("performer:text=dr house", "words"),
        ("performer:missing=false", "words"),
        ("subject=eve", "mg-5-4"),
        ("patient=eve", "mg-5-4"),
    )
    async def test_carried(self, population: Store, query: str, wanted: str) -> None:
        """By the identifier and by the words that a reference carries."""
        assert await population.found("Observation", query) == wanted.split()

    @table(
        ("questionnaire=http://acme.com/q|1.0", "v1-0"),
        ("questionnaire:below=http://acme.com/q|1", "v1-0 v1-1"),
        ("questionnaire:below=http://acme.com/q", "v1-0 v1-1 v10 v2-0"),
        ("questionnaire=http://acme.com/q", "v1-0 v1-1 v10 v2-0"),
    )
    async def test_canonical(self, population: Store, query: str, wanted: str) -> None:
        """https://hl7.org/fhir/R4/search.html#versions"""
        assert await population.found("QuestionnaireResponse", query) == wanted.split()

    @table(
        ("location:below=town", "in-nowhere in-street"),
        ("location:below=Location/street", "in-nowhere in-street"),
        ("location:above=nowhere", "in-nowhere in-street"),
        ("location:above=Location/street", "in-street"),
        ("location:below=far,nowhere", "in-far in-nowhere"),
        ("location:below=none", ""),
    )
    async def test_hierarchy(self, population: Store, query: str, wanted: str) -> None:
        """https://hl7.org/fhir/R4/search.html#recursive"""
        assert await population.found("Procedure", query) == wanted.split()


class TestComposite:
    @table(
        ("component-code-value-quantity=http://loinc.org|8480-6$gt140", "pressure"),
        ("component-code-value-quantity=8480-6$lt140", ""),
        ("component-code-value-quantity=8462-4$gt140", ""),
        ("component-code-value-quantity=urn:x|8480-6$gt140", ""),
        ("code-value-quantity=http://loinc.org|2823-3$gt5.44|http://unitsofmeasure.org|mg", "mg-5-45"),
        ("code-value-quantity=tab$5.4,2823-3$5.45||mg", "mg-5-45 tablets-5-4"),
        ("code-value-concept=yn$urn:yn|Y", "yes-no"),
        ("code-value-concept=yn$urn:other|Y", ""),
        ("code-value-string=h$a small", "words"),
        ("combo-code-value-quantity=8462-4$90", "pressure"),
    )
    async def test_observations(self, population: Store, query: str, wanted: str) -> None:
        """https://hl7.org/fhir/R4/search.html#composite"""
        assert await population.found("Observation", query) == wanted.split()

    @table(
        ("relationship=DocumentReference/xml$replaces", "replacing"),
        ("relationship=xml$replaces", "replacing"),
        ("relationship=xmlish$replaces", ""),
        ("relatesto=xmlish", "replacing"),
    )
    async def test_reference_first(self, population: Store, query: str, wanted: str) -> None:
        """A composite may begin with a reference."""
        assert await population.found("DocumentReference", query) == wanted.split()


class TestText:
    @table(
        ("_text=metastases", "eve evelyn"),
        ("_text=(bone OR liver) and metastases", "eve evelyn"),
        ("_text=liver not metastases", "severine"),
        ("_text=LIVER", "eve severine"),
        ("_text=find*", "severine"),
        ("_text=find", ""),
        ("_text=晓梅", "eve"),
        ("_text=梅", "eve"),
        ("_text=bone,findings", "evelyn severine"),
        ('_text="bone metastases"', "evelyn"),
        ("_text=div", ""),
    )
    async def test_narratives(self, population: Store, query: str, wanted: str) -> None:
        """https://hl7.org/fhir/R4/search.html#text"""
        assert await population.found("Patient", query) == wanted.split()


class TestNear:
    @table(
        ("near=36.80|118.05|1|km", "town"),
        ("near=36.80|118.05|2", "street town"),
        ("near=36.80|118.05", "street town"),
        ("near=36.80|118.05|1.2|mi", "street town"),
        ("near=36.80|118.05|1000|m", "town"),
        ("near=36.80|118.05|89|km", "street town"),
        ("near=36.80|118.05|90|km", "far street town"),
        ("near=-17.7|-179.98|10|km", "fiji"),
        ("near=89.9|-170|30", "pole"),
        ("near=36.80|118.05|0", "town"),
        ("near=0|0|30000", "far fiji pole street town"),
        ("near=36.80|118.05|1,-17.7|180|5", "fiji town"),
        ("near=36.80|118.05|2&name=str", "street"),
        ("near=90|0|12", "pole"),
    )
    async def test_places(self, population: Store, query: str, wanted: str) -> None:
        """Across the date line and around the pole as well."""
        assert await population.found("Location", query) == wanted.split()
