"""
How much one query may ask: of its text before anything is read, and of what is read while it runs.

https://hl7.org/fhir/R4/graphql.html
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

from graphql import (
    DocumentNode,
    FieldNode,
    FragmentDefinitionNode,
    FragmentSpreadNode,
    GraphQLResolveInfo,
    SelectionSetNode,
)

from records.errors import TooCostly

MOST_TOKENS = 5_000
MOST_FIELDS = 2_000
DEEPEST = 20
MOST_ROWS = 5_000
MOST_SEARCHES = 200
MOST_VALUES = 250_000


@dataclass(slots=True)
class Meter:
    """What a query has read so far; TooCostly where that is too much."""

    rows: int = 0
    searches: int = 0
    values: int = 0
    _weights: dict[int, int] = field(default_factory=dict)

    def read(self, rows: int) -> None:
        """Some resources were read."""
        self.rows += rows
        if self.rows > MOST_ROWS:
            raise TooCostly(f"A query may read {MOST_ROWS} resources; ask for less, or page by page.", status=422)

    def searched(self) -> None:
        """One more search."""
        self.searches += 1
        if self.searches > MOST_SEARCHES:
            raise TooCostly(f"A query may search {MOST_SEARCHES} times.", status=422)

    def shows(self, objects: int, info: GraphQLResolveInfo[Any]) -> None:
        """Some objects will be shown with the fields that the query selects of them, counted before they are."""
        self.values += objects * sum(self._weight(node, info) for node in info.field_nodes)
        if self.values > MOST_VALUES:
            raise TooCostly(f"An answer may have {MOST_VALUES} values; ask for less, or page by page.", status=422)

    def _weight(self, node: FieldNode, info: GraphQLResolveInfo[Any]) -> int:
        if id(node) not in self._weights:
            measured = _measured(node.selection_set, info.fragments, {})[0] if node.selection_set else 0
            self._weights[id(node)] = measured + 1
        return self._weights[id(node)]


def check(document: DocumentNode) -> None:
    """TooCostly where a valid query has too many fields or is nested too deeply, with its fragments in their places."""
    fragments = {one.name.value: one for one in document.definitions if isinstance(one, FragmentDefinitionNode)}
    known: dict[str, tuple[int, int]] = {}
    for one in document.definitions:
        if isinstance(one, FragmentDefinitionNode):
            continue
        count, depth = _measured(one.selection_set, fragments, known)  # type: ignore[attr-defined]
        if count > MOST_FIELDS:
            raise TooCostly(f"A query may have {MOST_FIELDS} fields.", status=422)
        if depth > DEEPEST:
            raise TooCostly(f"A query may be nested {DEEPEST} levels deep.", status=422)


def _measured(
    selection: SelectionSetNode, fragments: dict[str, FragmentDefinitionNode], known: dict[str, tuple[int, int]]
) -> tuple[int, int]:
    parts = list(_parts(selection, fragments, known))
    return sum(count for count, _ in parts), max((depth for _, depth in parts), default=0)


def _parts(
    selection: SelectionSetNode, fragments: dict[str, FragmentDefinitionNode], known: dict[str, tuple[int, int]]
) -> Iterator[tuple[int, int]]:
    for one in selection.selections:
        if isinstance(one, FragmentSpreadNode):
            name = one.name.value
            if name not in known:
                # A fragment is measured once, however often it is spread.
                known[name] = _measured(fragments[name].selection_set, fragments, known)
            yield known[name]
        elif isinstance(one, FieldNode):
            inner = _measured(one.selection_set, fragments, known) if one.selection_set else (0, 0)
            yield inner[0] + 1, inner[1] + 1
        else:
            yield _measured(one.selection_set, fragments, known)  # type: ignore[attr-defined]
