"""
The directives that reorganise an answer: @flatten, @first, @singleton, @slice; applied when all is read.

https://hl7.org/fhir/R4/graphql.html#directives
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from graphql import (
    DocumentNode,
    FieldNode,
    FragmentDefinitionNode,
    FragmentSpreadNode,
    GraphQLResolveInfo,
    OperationDefinitionNode,
    SelectionSetNode,
    StringValueNode,
    VariableNode,
)

from records.stored import Json

NAMES = frozenset({"flatten", "first", "singleton", "slice"})
Path = tuple[str | int, ...]
Nodes = Sequence[FieldNode]
Selections = Sequence[SelectionSetNode]


def slice_path(info: GraphQLResolveInfo[Any]) -> str:
    """The path of a field's @slice, or an empty string."""
    for node in info.field_nodes:
        for one in node.directives or ():
            if one.name.value == "slice":
                value = (one.arguments or ())[0].value
                if isinstance(value, VariableNode):
                    return str(_variable(info, value.name.value))
                return value.value if isinstance(value, StringValueNode) else ""
    return ""


def _variable(info: GraphQLResolveInfo[Any], name: str) -> Any:
    values: Any = info.variable_values
    return getattr(values, "coerced", values).get(name, "")


def asks(document: DocumentNode) -> bool:
    """Whether a query has any of these directives."""
    return any(_has(one.selection_set) for one in document.definitions if hasattr(one, "selection_set"))


def _has(selection: SelectionSetNode | None) -> bool:
    for one in selection.selections if selection else ():
        if any(directive.name.value in NAMES for directive in one.directives or ()):
            return True
        if not isinstance(one, FragmentSpreadNode) and _has(one.selection_set):  # type: ignore[attr-defined]
            return True
    return False


@dataclass(frozen=True, slots=True)
class Reshaper:
    """
    Walks an answer along the query.

    `slices` are the names that the entries of a list got, by the list's path in the answer.
    """

    fragments: Mapping[str, FragmentDefinitionNode]
    slices: Mapping[Path, Sequence[str]]

    def shaped(self, data: Json, operation: OperationDefinitionNode) -> Json:
        """The answer as the directives want it."""
        return self._object(data, [operation.selection_set], ())

    def _object(self, value: Json, selections: Selections, path: Path) -> Json:
        out: Json = {}
        self._lift(value, selections, path, out, inherited=False, suffix="")
        return out

    def _lift(
        self, value: Json, selections: Selections, path: Path, out: Json, *, inherited: bool, suffix: str
    ) -> None:
        """The fields of an object into `out`; `inherited`: it is one of several that are laid together there."""
        for key, nodes in self._fields(selections).items():
            if key in value:
                self._field(key, value[key], nodes, (*path, key), out, inherited=inherited, suffix=suffix)

    def _field(
        self, key: str, value: Any, nodes: Nodes, path: Path, out: Json, *, inherited: bool, suffix: str
    ) -> None:
        marks = {one.name.value for node in nodes for one in node.directives or ()}
        many = isinstance(value, list) and "first" not in marks
        entries = list(enumerate(value)) if isinstance(value, list) else [(-1, value)]
        names = self.slices.get(path)
        if not inherited and "flatten" not in marks and not names and not entries and many:
            out[key + suffix] = []
        for number, entry in entries[:1] if "first" in marks else entries:
            place = (*path, number) if number >= 0 else path
            name = suffix + (f".{names[number]}" if names and names[number] else "")
            inner = [node.selection_set for node in nodes if node.selection_set]
            if isinstance(entry, dict) and "flatten" in marks:
                self._lift(entry, inner, place, out, inherited=inherited or many, suffix=name)
            elif entry is not None or not inherited:
                shown = self._object(entry, inner, place) if isinstance(entry, dict) else entry
                _put(out, key + name, shown, many=(many or inherited) and "singleton" not in marks)

    def _fields(self, selections: Selections) -> dict[str, list[FieldNode]]:
        """Fields by their names in the answer; those of fragments that did not apply are not in the answer."""
        found: dict[str, list[FieldNode]] = {}
        for node in self._nodes(selections):
            found.setdefault(node.alias.value if node.alias else node.name.value, []).append(node)
        return found

    def _nodes(self, selections: Selections) -> Iterator[FieldNode]:
        for selection in selections:
            for one in selection.selections:
                if isinstance(one, FieldNode):
                    yield one
                elif isinstance(one, FragmentSpreadNode):
                    yield from self._nodes([self.fragments[one.name.value].selection_set])
                else:
                    yield from self._nodes([one.selection_set])  # type: ignore[attr-defined]


def _put(out: Json, key: str, value: Any, *, many: bool) -> None:
    if many:
        out.setdefault(key, []).append(value)
    else:
        # Of several that are said to be one, the first is the one.
        out.setdefault(key, value)
