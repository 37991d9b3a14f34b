"""
Compile search parameters: where each looks in each resource type, what it finds there, what it may point at.

https://hl7.org/fhir/R4/searchparameter.html
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from records.definitions.expressions import COMPONENT_ERRATA, Unknown, alternatives, compile_one

Json = dict[str, Any]
EVERY_TYPE = frozenset({"Resource", "DomainResource"})
# Written to show what a parameter looks like; they search nothing.
EXAMPLES = frozenset(f"http://hl7.org/fhir/SearchParameter/example{one}" for one in ("", "-extension", "-reference"))
# `as uri` takes every kind of uri: the source of a ConceptMap is nearly always a canonical.
KINDS_OF = {"uri": frozenset({"canonical", "oid", "url", "uuid"})}


class Compiler:
    """Compiles the parameters of one type after the other; SystemExit names what it cannot."""

    def __init__(
        self, parameters: Mapping[str, Json], nodes: Mapping[str, Any], extensions: Mapping[str, Json]
    ) -> None:
        self.parameters, self.nodes, self.extensions = parameters, nodes, extensions
        self.left_out: set[str] = set()

    def of(self, name: str, offered: Iterable[str]) -> dict[str, Any]:
        """By code; what has no expression, or one that is knowingly left out, is not offered."""
        found: dict[str, Any] = {}
        for url, one in sorted(self.parameters.items()):
            if not self._speaks_of(one, name):
                continue
            row = self._row(name, url, one, frozenset(offered))
            if row["paths"] and (one["code"] not in found or name in one["base"]):
                found[one["code"]] = row
        return found

    def _speaks_of(self, one: Json, name: str) -> bool:
        bases = EVERY_TYPE.union({name}).intersection(one.get("base", ()))
        return bool(bases) and one["url"] not in EXAMPLES

    def _row(self, name: str, url: str, one: Json, offered: frozenset[str]) -> Json:
        paths = list(self._paths(name, name, one.get("expression", "")))
        row: Json = {"type": one["type"], "url": url, "paths": paths}
        if one["type"] == "reference":
            row["targets"] = self._targets(name, one, paths, offered)
        if one.get("component"):
            row["components"] = [self._component(name, part, paths) for part in one["component"]]
            if not all(part["paths"] for part in row["components"]):
                row["paths"] = []
        return row

    def _paths(self, name: str, root: str, expression: str) -> Iterator[Json]:
        for alternative in alternatives(expression, name) if expression else ():
            try:
                row = compile_one(alternative)
            except Unknown as error:
                raise SystemExit(f"{name}: nobody compiles {error}") from error
            if row is None:
                self.left_out.add(alternative)
                continue
            yield from self._typed(root, row, alternative)

    def _typed(self, root: str, row: Json, alternative: str) -> list[Json]:
        if row.get("exists"):
            return [row | {"datatypes": ["boolean"]}]
        if row.get("extension"):
            return [row | {"datatypes": self._extended(row["extension"])}]
        if not row["steps"]:
            return [row | {"datatypes": []}]
        known = [kind[0] for one in self._ends(root, row["steps"]) for kind in one.get("types", ())]
        if not known:
            raise SystemExit(f"{root} has nothing at {alternative}")
        if "type" not in row:
            return [row | {"datatypes": list(dict.fromkeys(known))}]
        # One expression of R4 writes DateTime for dateTime.
        meant = [kind for kind in known if kind.lower() == row["type"].lower()]
        if not meant:
            raise SystemExit(f"{root}: {alternative} is never of that type")
        meant += [kind for kind in known if kind in KINDS_OF.get(meant[0], ())]
        return [row | {"type": kind, "datatypes": [kind]} for kind in dict.fromkeys(meant)]

    def _ends(self, root: str, steps: Iterable[str]) -> list[Json]:
        nodes, found = [root], list[Json]()
        for step in steps:
            found = [one for node in nodes for one in self._elements(node) if one["name"] == step]
            nodes = [node for one in found for node in _inside(one)]
        return found

    def _extended(self, url: str) -> list[str]:
        definition = self.extensions.get(url, {"snapshot": {"element": []}})
        values = [one for one in definition["snapshot"]["element"] if one["path"] == "Extension.value[x]"]
        return [kind["code"] for one in values for kind in one.get("type", ())]

    def _elements(self, node: str) -> Iterable[Json]:
        elements: Iterable[Json] = self.nodes.get(node, {}).get("elements", ())
        return elements

    def _targets(self, name: str, one: Json, paths: list[Json], offered: frozenset[str]) -> list[str]:
        declared = [target for target in one.get("target", ()) if target in offered]
        possible: set[str] = set()
        for row in paths:
            possible.update([row["resolves"]] if row.get("resolves") else self._pointed_at(name, row, declared))
        return [target for target in declared if target in possible] or sorted(possible & offered)

    def _pointed_at(self, name: str, row: Json, declared: list[str]) -> Iterable[str]:
        """What an element may point at: a parameter of several types declares the targets of them all."""
        kinds = [kind for end in self._ends(name, row["steps"]) for kind in end.get("types", ())]
        named = [target for kind in kinds if kind[0] == "Reference" for target in kind[1:]]
        return named or declared

    def _component(self, name: str, part: Json, paths: list[Json]) -> Json:
        definition = self.parameters[part["definition"]]
        roots = dict.fromkeys(self._node(name, row["steps"]) for row in paths)
        written = str(part["expression"])
        expression = COMPONENT_ERRATA.get((part["definition"], written), written)
        rows = [row for root in roots for row in self._paths(name, root, expression)]
        unique = {json.dumps(row, sort_keys=True): row for row in rows}
        return {
            "definition": part["definition"], "code": definition["code"], "type": definition["type"],
            "paths": list(unique.values()),
        }  # fmt: skip

    def _node(self, name: str, steps: list[str]) -> str:
        ends = self._ends(name, steps)
        return _inside(ends[0])[0] if ends else name


def _inside(element: Json) -> list[str]:
    if "reference" in element:
        return [element["reference"]]
    return [element["node"]] if "node" in element else [kind[0] for kind in element.get("types", ())]
