"""The _filter parameter: its operators by type of parameter, its grammar, its paths."""

from __future__ import annotations

import pytest
from search_store import Store
from test_search_types import table

from records.errors import UnknownParameter

pytestmark = pytest.mark.anyio


class TestOperators:
    @table(
        ('name eq "eve"', "eve"),
        ("given eq evelyn", "evelyn"),
        ('name co "brien"', "severine"),
        ("given sw sev", "severine"),
        ("given ew eve", "eve"),
        ("given ne eve", "evelyn severine"),
        ("family gt d", "eve evelyn severine"),
        ("family lt c", ""),
        ("family ge everywoman", "eve evelyn severine"),
        ("family le carreno", ""),
        ("family pr false", "wang"),
        ("family pr true", "eve evelyn severine"),
        ("birthdate eq 1973-05-31", "eve"),
        ("birthdate ge 1980", "severine"),
        ("birthdate ne 1973-05", "severine"),
        ("birthdate po 1973-05-31", "eve evelyn"),
        ("birthdate co 1973-05-31", "eve evelyn"),
        ("birthdate sa 1973", "severine"),
        ("birthdate lt 1974", "eve evelyn"),
        ("gender eq female", "eve evelyn"),
        ("gender ne female", "severine"),
        ("identifier eq urn:mrn|77", "severine"),
        ("identifier ne urn:mrn|77", "eve"),
        ("language ne fr", "eve"),
        ("gender pr false", "wang"),
        ("_id eq wang", "wang"),
        ("_id ne wang", "eve evelyn severine"),
        ("organization re Organization/ward", "eve"),
        ("organization re http://127.0.0.1:8080/fhir/Organization/ward", "eve"),
        ("organization pr false", "severine wang"),
        ("_lastUpdated gt 2010-01-01 and _id eq eve", "eve"),
        ("_id pr true and _id eq eve", "eve"),
    )
    async def test_patients(self, population: Store, query: str, wanted: str) -> None:
        """https://hl7.org/fhir/R4/search_filter.html#ops"""
        assert await population.found("Patient", f"_filter={query}") == sorted(wanted.split())

    @table(
        ("value-quantity eq 5.4||mg", "mg-5-4 mg-5-44"),
        ("value-quantity gt 5.44", "mg-5-45 sampled"),
        ("code eq loinc|8480-6 or combo-code eq loinc|8480-6", "pressure"),
        ("value-quantity eq 5.4e-3|ucum|g", "g-0-0054 mg-5-4 mg-5-44"),
        ('value-string co "small"', "words"),
        ('subject.name co "eve"', "mg-5-4"),
    )
    async def test_observations(self, population: Store, query: str, wanted: str) -> None:
        """Quantities, named code systems, chains."""
        assert await population.found("Observation", f"_filter={query}") == sorted(wanted.split())

    @table(
        ("probability ap 15", "range two-ranges"),
        ("probability eq 100", "p-100"),
        ("url sw http://acme", ""),
    )
    async def test_numbers(self, population: Store, query: str, wanted: str) -> None:
        """As with prefixes."""
        if query.startswith("url"):
            assert await population.found("ValueSet", f"_filter={query}") == ["acme", "v123"]
            return
        assert await population.found("RiskAssessment", f"_filter={query}") == wanted.split()

    @table(
        ("location-period co 2024-01-15", "ward-round"),
        ("location-period po 2024-07", ""),
        ("location-period co 2023-12-31T23:00", "ward-round"),
    )
    async def test_repeating_periods(self, population: Store, query: str, wanted: str) -> None:
        """One of several periods has to meet the test whole."""
        assert await population.found("Encounter", f"_filter={query}") == wanted.split()


class TestGrammar:
    @table(
        ("given eq eve or given eq evelyn and gender eq male", ""),
        ("given eq eve or (given eq evelyn and gender eq male)", "eve"),
        ("not (gender eq female)", "severine wang"),
        ("not(gender eq female) and birthdate pr true", "severine"),
        ("(gender eq female)and(given eq eve)", "eve"),
        (r'name eq "O\'Brien-Smith"'.replace("\\'", "'"), "severine"),
        (r'family eq "Ever\u0079woman"', "eve"),
        ("gender eq female and not (birthdate eq 1973-05-31)", "evelyn"),
    )
    async def test_logic(self, population: Store, query: str, wanted: str) -> None:
        """From left to right, without precedence."""
        assert await population.found("Patient", f"_filter={query}") == wanted.split()

    @pytest.mark.parametrize(
        ("query", "why"),
        [
            ("name", "character 5"),
            ("name eq", "a value was expected"),
            ("name like x", "an operator was expected"),
            ("(name eq x", r"\) was expected"),
            ("name eq x)", "the end was expected"),
            ("name eq x and", "the name of a search parameter"),
            ("nam eq x", "Perhaps name"),
            ("gender gt female", "not for tokens"),
            ("organization eq x", "not for references"),
            ("birthdate sw 19", "not for dates"),
            ("name pr maybe", "true or false"),
            ("organization[name eq x] eq y", "a dot and a name"),
            ("name.x eq y", "no reference"),
            ("organization.nothing eq y", "no target"),
            ("not name eq x", "opening bracket"),
            ('name eq "x', "a value was expected"),
            ("birthdate eq yesterday", "A date is"),
            ("(" * 30 + "name eq x", "deep"),
            ("", "search parameter"),
        ],
    )
    async def test_refused(self, population: Store, query: str, why: str) -> None:
        """What cannot be read is refused, with its place."""
        with pytest.raises(UnknownParameter, match=why):
            await population.page("Patient", f"_filter={query}")


class TestPaths:
    @table(
        ("general-practitioner.name eq Joe and general-practitioner.address-state eq MN", "eve"),
        ("general-practitioner[name eq Joe].address-state eq MN", ""),
        ("general-practitioner[name eq Jane].address-state eq MN", "eve evelyn"),
        ("organization.partof.name eq house", "eve"),
        ("organization.partof pr false", "evelyn severine wang"),
        ("organization[partof pr true].name sw w", "eve"),
    )
    async def test_patients(self, population: Store, query: str, wanted: str) -> None:
        """A restriction and what follows it hold for one resource."""
        assert await population.found("Patient", f"_filter={query}") == wanted.split()

    @table(
        ("relatesTo[code eq replaces].target re DocumentReference/xml", "replacing"),
        ("relatesTo[code eq signs].target re DocumentReference/xml", ""),
        ("contenttype eq application/pdf", "replacing"),
    )
    async def test_grouped(self, population: Store, query: str, wanted: str) -> None:
        """Names that only _filter has: both parts of one element."""
        assert await population.found("DocumentReference", f"_filter={query}") == wanted.split()

    @table(("medication.ingredient-code eq abc", "of-contained of-stored"), ("medication.ingredient-code ne abc", ""))
    async def test_contained(self, population: Store, query: str, wanted: str) -> None:
        """A path leads into what is contained."""
        assert await population.found("MedicationRequest", f"_filter={query}") == wanted.split()
