"""SMART scopes."""

from __future__ import annotations

import pytest

from hie.access.scopes import Scope, covered_types, covering, parse, parse_all


class TestParse:
    @pytest.mark.parametrize(
        ("text", "expected"),
        [
            ("patient/*.rs", Scope("patient", "*", "rs")),
            ("user/Observation.cruds", Scope("user", "Observation", "cruds")),
            ("system/Patient.s", Scope("system", "Patient", "s")),
            ("user/*.read", Scope("user", "*", "rs")),
            ("user/*.write", Scope("user", "*", "cud")),
            ("user/*.*", Scope("user", "*", "cruds")),
            ("user/Observation.rs?category=laboratory", Scope("user", "Observation", "rs", "category=laboratory")),
        ],
    )
    def test_both_grammars(self, text: str, expected: Scope) -> None:
        """Version 1 and version 2 scopes come out as the same letters."""
        assert parse(text) == expected

    @pytest.mark.parametrize(
        "text",
        [
            "openid",
            "launch/patient",
            "patient/*.sr",
            "user/observation.rs",
            "root/*.rs",
            "user/*.",
            "user/*.rs?",
            "user/*.x",
        ],
    )
    def test_everything_else_is_no_resource_scope(self, text: str) -> None:
        """Letters out of order, unknown contexts and other scopes grant nothing."""
        assert parse(text) is None

    def test_a_claim_keeps_only_resource_scopes(self) -> None:
        """`openid` and the like are passed over."""
        assert parse_all("openid patient/*.rs profile") == (Scope("patient", "*", "rs"),)


class TestCovers:
    @pytest.mark.parametrize(
        ("scope", "resource_type", "interaction", "expected"),
        [
            ("user/*.rs", "Observation", "read", True),
            ("user/*.rs", "Observation", "history", True),
            ("user/*.r", "Observation", "search", False),
            ("user/Observation.rs", "Patient", "read", False),
            ("user/Observation.rs", "*", "history", False),
            ("user/*.rs", "*", "history", True),
            ("user/*.rs", "Observation", "create", False),
            ("user/*.c", "Observation", "create", True),
            ("user/*.cruds", "Observation", "no-such-interaction", False),
        ],
    )
    def test_interaction_and_type(self, scope: str, resource_type: str, interaction: str, expected: bool) -> None:
        """An interaction needs its letter, a type its name or the star; all types at once need the star."""
        found = covering(parse_all(scope), ("user",), resource_type, interaction)

        assert bool(found) is expected

    def test_only_in_an_allowed_context(self) -> None:
        """A system scope in a user's token grants nothing."""
        assert not covering(parse_all("system/*.cruds"), ("user",), "Patient", "read")

    def test_types_of_narrow_scopes(self) -> None:
        """Includes may only bring types that some whole scope covers."""
        granted = parse_all("user/Patient.rs user/Observation.rs?category=laboratory user/Condition.c")

        assert covered_types(granted, ("user",), "read") == {"Patient"}
        assert covered_types(parse_all("user/*.rs"), ("user",), "read") is None
