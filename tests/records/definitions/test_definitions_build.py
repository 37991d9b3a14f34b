"""How the definitions are compiled: every shape of expression, and nothing dropped unseen."""

from __future__ import annotations

import pytest

from records.definitions.expressions import Unknown, alternatives, compile_one
from records.definitions.parameters import Compiler
from records.definitions.structures import structures, value_sets

NODES = {
    "Lamp": {"kind": "resource", "elements": [
        {"name": "owner", "types": [["Reference", "Patient", "Group"]]},
        {"name": "glow", "choice": True, "types": [["Quantity"], ["string"]]},
        {"name": "part", "node": "Lamp.part", "types": [["BackboneElement"]]},
    ]},
    "Lamp.part": {"kind": "node", "elements": [{"name": "code", "types": [["code"]]}]},
}  # fmt: skip
SETS = {
    "a": {"compose": {"include": [{"system": "s"}, {"system": "t", "concept": [{"code": "3"}]}]}},
    "b": {"compose": {"include": [{"system": "unknown"}]}},
    "c": {"compose": {"include": [{"system": "s", "filter": [{}]}]}},
    "d": {"compose": {"include": [{"valueSet": ["a"]}]}},
}
SYSTEMS = {"s": {"content": "complete", "concept": [{"code": "1", "concept": [{"code": "2"}]}]}}
URL = "http://example.org/SearchParameter/lamp"


def compiled(expression: str, kind: str = "token", **more: object) -> dict[str, object]:
    """What becomes of one parameter of the type Lamp."""
    one = {"url": URL, "code": "x", "type": kind, "base": ["Lamp"], "expression": expression, **more}
    found: dict[str, object] = Compiler({URL: one}, NODES, {}).of("Lamp", ["Lamp", "Patient", "Group"])
    return found


class TestExpressions:
    def test_alternatives(self) -> None:
        """Only those that speak of the type, or of every type."""
        expression = "Lamp.owner | (Chair.owner as Reference) | Resource.id | name"

        assert alternatives(expression, "Lamp") == ["Lamp.owner", "Resource.id", "name"]

    @pytest.mark.parametrize(
        ("text", "row"),
        [
            ("Lamp.part.code", {"steps": ["part", "code"]}),
            ("(Lamp.glow as Quantity)", {"steps": ["glow"], "type": "Quantity"}),
            ("Lamp.glow.as(string)", {"steps": ["glow"], "type": "string"}),
            ("value.ofType(Range)", {"steps": ["value"], "type": "Range"}),
            ("Lamp.owner.where(resolve() is Patient)", {"steps": ["owner"], "resolves": "Patient"}),
            ("Lamp.t.where(system='phone')", {"steps": ["t"], "where": ["system", "phone"]}),
            ("Lamp.a.where(b='c').d", {"steps": ["a", "d"], "where": ["b", "c"], "where_at": 0}),
            ("Lamp.extension('http://x')", {"steps": [], "extension": "http://x"}),
            ("Lamp.d.exists() and Lamp.d != false", {"steps": ["d"], "exists": True}),
            ("Lamp", {"steps": []}),
        ],
    )
    def test_shapes(self, text: str, row: dict[str, object]) -> None:
        """Each shape that R4 uses."""
        assert compile_one(text) == row

    def test_unknown_shape(self) -> None:
        """A shape that nobody compiled is an error, never a parameter that finds nothing."""
        with pytest.raises(Unknown):
            compile_one("Lamp.part.first().code")


class TestCompiler:
    def test_typed(self) -> None:
        """The types come from the structure."""
        (path,) = compiled("Lamp.glow")["x"]["paths"]  # type: ignore[index]

        assert path["datatypes"] == ["Quantity", "string"]

    def test_targets(self) -> None:
        """A reference points at what both its parameter and its element allow."""
        row = compiled("Lamp.owner", "reference", target=["Patient", "Device"])["x"]

        assert row["targets"] == ["Patient"]  # type: ignore[index]

    @pytest.mark.parametrize("expression", ["Lamp.colour", "(Lamp.glow as Age)", "Lamp.part.first()"])
    def test_refused(self, expression: str) -> None:
        """The build stops at a path into nothing, a type that cannot be, and a shape nobody knows."""
        with pytest.raises(SystemExit):
            compiled(expression)

    def test_without_expression(self) -> None:
        """What says not where to look is not offered."""
        assert compiled("") == {}


class TestStructures:
    def test_profiles_are_left_out(self) -> None:
        """A constraint on a type is not a type."""
        assert structures([{"derivation": "constraint", "kind": "resource"}]) == {}


class TestValueSets:
    def test_expanded(self) -> None:
        """Whole systems with their children, codes one by one, other value sets; what is not listed is left out."""
        found = value_sets(SETS, SETS, SYSTEMS)

        assert found == {"a": {"s": ["1", "2"], "t": ["3"]}, "d": {"s": ["1", "2"], "t": ["3"]}}
