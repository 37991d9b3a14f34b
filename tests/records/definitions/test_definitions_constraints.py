"""How invariants and profiles are compiled: each rule once, and nothing in them that only readers need."""

from __future__ import annotations

from typing import Any

from records.definitions.constraints import constraints, profiles

Json = dict[str, Any]
HOT = {"key": "lmp-1", "severity": "error", "human": "not too hot", "expression": "glow < 100", "xpath": "..."}
ELE = {"key": "ele-1", "severity": "error", "human": "not empty", "expression": "hasValue()"}
SIMPLE = "http://example.org/simple"
BARE = {"key": "sim-1", "severity": "error", "human": "bare", "expression": "comparator.empty()"}


def definition(name: str, *elements: Json, **said: Any) -> Json:
    """A definition with the same elements in snapshot and differential."""
    both = {"element": list(elements)}
    return {"url": name, "type": name, "kind": "resource", "snapshot": both, "differential": both, **said}


LAMP = definition(
    "Lamp",
    {"path": "Lamp", "constraint": [HOT, ELE]},
    {"path": "Lamp.glow", "constraint": [ELE], "type": [{"code": "Quantity", "profile": [SIMPLE]}]},
)
PROFILE = definition(
    SIMPLE,
    {"id": "Quantity", "path": "Quantity", "constraint": [BARE], "definition": "long", "comment": "longer",
     "binding": {"strength": "required", "valueSet": "a|1", "description": "long"}},
    derivation="constraint", description="long",
)  # fmt: skip


class TestConstraints:
    def test_once(self) -> None:
        """Own rules at their path; inherited ones only where they belong; those of a datatype's profile where asked."""
        found = constraints([LAMP, PROFILE, definition("Element", {"path": "Element", "constraint": [ELE]})])

        assert {path: [row[0] for row in rows] for path, rows in found.items()} == {
            "Element": ["ele-1"], "Lamp": ["lmp-1"], "Lamp.glow": ["sim-1"],
        }  # fmt: skip
        assert found["Lamp"] == [["lmp-1", "error", "not too hot", "glow < 100"]]


class TestProfiles:
    def test_bare(self) -> None:
        """Rules are kept, words are not, and required codes are listed."""
        sets = {"a": {"compose": {"include": [{"system": "s", "concept": [{"code": "1"}]}]}}}
        package = {"StructureDefinition": {"Lamp": LAMP, SIMPLE: PROFILE}, "ValueSet": sets, "CodeSystem": {}}
        found = profiles(package)

        assert list(found["definitions"]) == [SIMPLE]
        assert "long" not in repr(found)
        assert found["definitions"][SIMPLE]["differential"]["element"][0]["binding"] == {
            "strength": "required", "valueSet": "a|1",
        }  # fmt: skip
        assert found["value_sets"] == {"a": {"s": ["1"]}}
