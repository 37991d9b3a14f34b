"""What `$validate` says of the official examples: nothing is called an error that is none."""

from __future__ import annotations

import pytest
from official_package import Example

from records.validation import parse, validate
from records.validation.profiles import (
    NO_VOCABULARY,
    Known,
    check_bindings,
    check_claims,
    check_extensions,
    check_invariants,
)

pytestmark = [pytest.mark.slow, pytest.mark.timeout(900)]
LONGEST = 300_000
# Logical models that are not abstract and have no base, against sdf-4.
WITHOUT_BASE = frozenset({"Definition", "Event", "FiveWs", "Request"})


class TestExamples:
    def test_no_false_errors(self, package: list[Example]) -> None:
        """Invariants, bindings, claimed profiles and extensions: no error but those that the examples really have."""
        known, wrong, seen = Known(), [], 0
        for example in package:
            resource = parse(example.text)
            if len(example.text) > LONGEST or validate(resource):
                continue
            seen += 1
            found = [*check_invariants(resource), *check_bindings(resource, NO_VOCABULARY)]
            found += [*check_claims(resource, known), *check_extensions(resource, known)]
            wrong += [(example.file, one.text) for one in found if one.severity == "error"]

        assert seen > 5_000
        assert [one for one in wrong if not one[1].startswith("sdf-4: ")] == []
        assert {file for file, _ in wrong} == {f"StructureDefinition-{name}.json" for name in WITHOUT_BASE}
