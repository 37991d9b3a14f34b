"""Resources broken at random, and profiles broken at random: the answer is a list of findings."""

from __future__ import annotations

import copy
from collections.abc import Iterator
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st
from profile_samples import BASE, LOINC, OBSERVATION, OWN, PATIENT, UCUM, element, known, profile, slicing

from records.validation.profiles import (
    NO_VOCABULARY,
    check_bindings,
    check_claims,
    check_extensions,
    check_invariants,
    check_profile,
    extensions_used,
)

Json = dict[str, Any]
SECRET = "张三丰-370303198001010011"
PRESSURE: Json = OBSERVATION | {
    "meta": {"profile": [f"{BASE}bp", f"{OWN}unheard"]},
    "contained": [PATIENT | {"id": "x"}],
    "subject": {"reference": "#x"},
    "extension": [{"url": f"{BASE}observation-gateway", "valueReference": {"reference": "Device/1"}}],
    "component": [
        {
            "code": {"coding": [{"system": LOINC, "code": "8480-6"}]},
            "valueQuantity": {"value": 1, "unit": "mmHg", "system": UCUM, "code": "mm[Hg]"},
        }
    ],
}
SLICED = profile(
    "sliced", "Patient",
    element("Patient.identifier", slicing=slicing("value:system", rules="closed", ordered=True)),
    element("Patient.identifier:a", min=1, max="1"), element("Patient.identifier:a.system", fixedUri="urn:a"),
    element("Patient.contact.name.family", maxLength=3, minValueDate="2020"),
    element("Patient.birthDate", patternDate="1985-06-12"),
)  # fmt: skip
VALUES: st.SearchStrategy[Any] = st.sampled_from(
    [None, True, 0, -1, 1.5, "", SECRET, "2024-02-30", "#", "#x", "Patient/1", 2**70, [], {}, [None], [[]], [{}],
     {"url": "x"}, [{"url": SECRET}], {"coding": 1}, {"coding": [1]}, {"resourceType": 1},
     [{"resourceType": "Patient"}]]
)  # fmt: skip


def paths(value: Any, path: tuple[str | int, ...] = ()) -> Iterator[tuple[str | int, ...]]:
    """Where everything is."""
    inside = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for name, inner in inside:
        yield (*path, name)
        yield from paths(inner, (*path, name))


def broken(resource: Json, path: tuple[str | int, ...], value: Any) -> Json:
    """A copy with another value at that place."""
    copied: Any = copy.deepcopy(resource)
    parent = copied
    for step in path[:-1]:
        parent = parent[step]
    parent[path[-1]] = value
    found: Json = copied
    return found


def breaks(resource: Json) -> st.SearchStrategy[Json]:
    places = [one for one in paths(resource) if one != ("resourceType",)]
    return st.builds(broken, st.just(resource), st.sampled_from(places), VALUES)


class TestBroken:
    @settings(max_examples=400)
    @given(st.sampled_from([PRESSURE, PATIENT]).flatmap(breaks))
    def test_resource(self, resource: Json) -> None:
        """Whatever stands anywhere, it is told; and nothing that the resource says is repeated."""
        definitions = known(SLICED)
        extensions_used(resource)
        found = [*check_invariants(resource), *check_bindings(resource, NO_VOCABULARY)]
        found += [*check_extensions(resource, definitions), *check_claims(resource, definitions)]
        found += check_profile(resource, f"{OWN}sliced", definitions)

        assert [one.expression for one in found if SECRET in one.expression] == []
        assert [one.text for one in found if SECRET in one.text and not one.text.startswith("The profile ")] == []

    @settings(max_examples=400)
    @given(breaks(SLICED))
    def test_definition(self, definition: Json) -> None:
        """A definition with anything in it is used, or refused in words."""
        for one in check_profile(PATIENT, f"{OWN}sliced", known(definition)):
            assert one.severity in ("error", "warning")
