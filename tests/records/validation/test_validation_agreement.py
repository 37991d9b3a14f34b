"""A second opinion, samples of others, and resources broken at random."""

from __future__ import annotations

import copy
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from fhir.resources.R4B import get_fhir_model_class
from hypothesis import given
from hypothesis import strategies as st
from validation_examples import EXAMPLES, Json

from records.stored import encode
from records.validation import parse, validate

SECRET = "张三丰-370303198001010011"
Step = str | int


def steps(value: Any, path: tuple[Step, ...] = ()) -> Iterator[tuple[Step, ...]]:
    """The path of everything in a resource."""
    pairs = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for name, inner in pairs:
        yield (*path, name)
        yield from steps(inner, (*path, name))


def broken(resource: Json, path: tuple[Step, ...], value: Any) -> Json:
    """A copy with another value at that place."""
    copied: Any = copy.deepcopy(resource)
    parent = copied
    for step in path[:-1]:
        parent = parent[step]
    parent[path[-1]] = value
    result: Json = copied
    return result


VALUES = st.recursive(
    st.sampled_from([None, True, 0, -1, 1.5, "", " ", SECRET, "2024-02-30", "#", "Patient/1", "http://a", 2**70]),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(["id", "url", "value", "coding", "contained", "system", SECRET]), inner, max_size=3
        )
    ),
    max_leaves=4,
)
BROKEN = st.sampled_from(EXAMPLES).flatmap(
    lambda one: st.builds(broken, st.just(one), st.sampled_from(list(steps(one))), VALUES)
)


class TestSecondOpinion:
    @pytest.mark.parametrize("resource", EXAMPLES, ids=lambda one: one["resourceType"])
    def test_examples(self, resource: Json) -> None:
        """What we accept, the R4B models of fhir.resources accept too."""
        assert validate(resource) == []
        get_fhir_model_class(resource["resourceType"]).model_validate_json(encode(resource))

    def test_synthetic_patients(self, shared_data: Path) -> None:
        """One resource of each type that Synthea makes is valid for both."""
        seen: dict[str, Json] = {}
        for file in sorted((shared_data / "synthea").glob("*.json")):
            for entry in json.loads(file.read_bytes())["entry"]:
                seen.setdefault(entry["resource"]["resourceType"], entry["resource"])

        assert len(seen) > 10
        for kind, resource in seen.items():
            assert validate(resource) == []
            get_fhir_model_class(kind).model_validate_json(encode(resource))


class TestSamples:
    def test_synthetic_patients(self, shared_data: Path) -> None:
        """Every bundle that Synthea made is valid."""
        files = sorted((shared_data / "synthea").glob("*.json"))

        assert files
        assert [(file.name, issue) for file in files for issue in validate(parse(file.read_bytes()))] == []


class TestBroken:
    @given(BROKEN)
    def test_never_breaks(self, resource: Json) -> None:
        """Whatever stands anywhere, the answer is a list of findings."""
        for issue in validate(resource):
            assert issue.severity == "error"
            assert issue.code in {"structure", "required", "value", "invariant", "code-invalid"}

    @given(BROKEN)
    def test_tells_nobody(self, resource: Json) -> None:
        """No finding repeats what the resource says."""
        for issue in validate(resource):
            assert SECRET not in issue.text + issue.expression

    @given(BROKEN)
    def test_leaves_it_alone(self, resource: Json) -> None:
        """Looking at a resource does not change it."""
        before = copy.deepcopy(resource)
        validate(resource)

        assert resource == before
