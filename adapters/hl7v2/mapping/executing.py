"""
Tables carried out: the rows of a table become one tree of closures, once; a message then only runs it.

Rows with the same target and number (`identifier[1]`, `identifier[1].type.coding.code`) build one object; a list
element that only one field feeds is built once for each repetition of that field.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cache
from typing import Any

from adapters.hl7v2.mapping import assignments, conditions, load
from adapters.hl7v2.mapping.merging import Json, is_reference, merged, primitive, useful
from adapters.hl7v2.mapping.model import Row, Table
from adapters.hl7v2.mapping.paths import Step
from adapters.hl7v2.mapping.primitives import PRIMITIVES
from adapters.hl7v2.mapping.saying import Builds, Context, assigned, coded, plain, through
from adapters.hl7v2.mapping.scope import Reference, Scope
from adapters.hl7v2.message import Segment


@dataclass(slots=True)
class _Node:
    """One element of the tree: rows that end here, and elements below."""

    step: Step
    rows: list[Row] = field(default_factory=list)
    below: dict[tuple[str, int, str], _Node] = field(default_factory=dict)

    def all_rows(self) -> Iterable[Row]:
        yield from self.rows
        for node in self.below.values():
            yield from node.all_rows()


@dataclass(frozen=True, slots=True)
class Element:
    """One element of a resource that a table fills: its name and type, the fields it is made of, and how."""

    step: Step
    fields: tuple[int, ...]
    build: Builds

    @property
    def name(self) -> str:
        return self.step.name


def elements(table: Table, rows: Sequence[Row]) -> tuple[Element, ...]:
    """The first elements of these rows of a segment's table, in order. Rows of the whole resource come as name ""."""
    root, builder = _tree(Step("", table.root), rows), _Builder(table)
    made = [
        Element(
            nodes[0].step, _fields([row for node in nodes for row in node.all_rows()], table), builder.joined(nodes)
        )
        for nodes in _joined(root)
    ]
    whole = [Element(root.step, _fields([row], table), builder.row(row, table.root)) for row in root.rows]
    return (*made, *whole)


def row_of(table: Table, row: Row, kind: str) -> Builds:
    """One row alone; `kind` is the type of its element."""
    return _Builder(table).row(row, kind)


def _fields(rows: Iterable[Row], table: Table) -> tuple[int, ...]:
    own = (Reference.of(row.at) for row in rows if row.at)
    return tuple(sorted({reference.field for reference in own if reference.name == table.source}))


@cache
def data_type(name: str) -> Callable[[Scope, Context], list[Any]]:
    """A data type's table, as a function of a scope whose value is of that type; some give several values."""
    table = load.table(name)
    root = _tree(Step("", table.root), table.rows)
    numbered = [node for node in root.below.values() if not node.step.name]
    rest = _Node(root.step, root.rows, {key: node for key, node in root.below.items() if node.step.name})
    builder = _Builder(table)
    builds = [builder.content(node) for node in sorted(numbered, key=lambda node: node.step.instance)]
    if rest.rows or rest.below:
        builds.insert(0, builder.content(rest))

    def values(scope: Scope, context: Context) -> list[Any]:
        return [made for build in builds if (made := build(scope, context)) is not None]

    return values


def _tree(step: Step, rows: Iterable[Row]) -> _Node:
    root = _Node(step)
    for row in rows:
        node = root
        for one in row.steps:
            node = node.below.setdefault((one.name, one.instance, one.resource), _Node(one))
        node.rows.append(row)
    return root


class _Builder:
    """Makes closures for the rows of one table."""

    def __init__(self, table: Table) -> None:
        self.table = table

    def node(self, node: _Node, bound: int = 0) -> Builds:
        """The values of an element: a list for a listed one, else one value or None."""
        field_ = 0 if bound or not node.step.listed else self._repeating(node)
        content = self.content(node, bound or field_)
        if not node.step.listed:
            return content

        def listed(scope: Scope, context: Context) -> list[Any]:
            made = []
            for one in _repetitions(scope, field_):
                value = content(one, context)
                made += value if isinstance(value, list) else [value] if value is not None else []
            return made

        return listed

    def _repeating(self, node: _Node) -> int:
        """The field whose repetitions the element repeats with, 0 when it has several sources."""
        if not self.table.is_segment:
            return 0
        fields = _fields(node.all_rows(), self.table)
        return fields[0] if len(fields) == 1 else 0

    def content(self, node: _Node, bound: int = 0) -> Builds:
        """The value of one instance of an element."""
        rows = [self.row(row, node.step.type) for row in node.rows]
        below = [(nodes[0].step, self.joined(nodes, bound)) for nodes in _joined(node)]
        kind, resource = node.step.type, node.step.resource

        def build(scope: Scope, context: Context) -> Any:
            value = None
            for row in rows:
                value = merged(value, row(scope, context))
            if below and not isinstance(value, list) and not (resource and is_reference(value)):
                value = merged(value, _object(below, scope, context))
            if resource and isinstance(value, dict) and not is_reference(value):
                value = context.refer(resource, value)
            return useful(kind, resource, value)

        return build

    def joined(self, nodes: Sequence[_Node], bound: int = 0) -> Builds:
        """Nodes of one element: a reference and its own extensions are one, though their paths differ."""
        return _together([self.node(node, bound) for node in nodes])

    def row(self, row: Row, kind: str) -> Builds:
        """What one row says."""
        own = Reference.of(row.at) if row.at else Reference("")
        own = own if self.table.is_segment else own.in_type()
        holds = self._holds(row, own)
        says = self._says(row, own, kind)

        def build(scope: Scope, context: Context) -> Any:
            return says(scope, context) if holds(scope) else None

        return build

    def _holds(self, row: Row, own: Reference) -> conditions.Holds:
        """The condition; a row says nothing of a field that is not there, unless its condition asks just that."""
        asked = conditions.parse(row.condition) if row.condition else None
        if asked is not None and not self.table.is_segment:
            asked = _in_type(asked)
        meant = _valued(own) if own.field or own.component else _always
        if asked is None:
            return meant
        holds = conditions.compiled(asked, own)
        return holds if _asks(asked, own) else lambda scope: meant(scope) and holds(scope)

    def _says(self, row: Row, own: Reference, kind: str) -> Builds:
        where = row.at if self.table.is_segment else ""
        codes = load.codes(row.codes) if row.codes else None
        if row.value:
            return assigned(assignments.compiled(row.value, in_type=not self.table.is_segment), kind)
        if row.through:
            name = load.known(row.through)
            # Looked up when it is first used: tables of data types refer to each other.
            return through(name, lambda scope, context: data_type(name)(scope, context), own, codes, where, kind)
        if codes is not None:
            return coded(own, codes, where, kind)
        return plain(own, kind, where, names_system=row.steps[-1:] != () and row.steps[-1].name == "system")


def _together(builds: Sequence[Builds]) -> Builds:
    if len(builds) == 1:
        return builds[0]

    def build(scope: Scope, context: Context) -> Any:
        value = None
        for one in builds:
            value = merged(value, one(scope, context))
        return value

    return build


def _joined(node: _Node) -> list[list[_Node]]:
    """The elements below, numbered instances in the order of their numbers, each with the nodes that make it."""
    found: dict[tuple[str, int], list[_Node]] = {}
    for one in sorted(node.below.values(), key=lambda one: one.step.instance):
        found.setdefault((one.step.name, one.step.instance), []).append(one)
    return list(found.values())


def _repetitions(scope: Scope, at: int) -> Iterable[Scope]:
    """One scope a repetition; one alone where there is none, for rows that speak of absence."""
    values = scope.segment.all(at) if at else ()
    return [Scope(scope.segment, value, at, scope.around) for value in values] or (scope,)


def _object(below: Sequence[tuple[Step, Builds]], scope: Scope, context: Context) -> Json | None:
    made: Json = {}
    for step, build in below:
        value = build(scope, context)
        if value is None or value == []:
            continue
        if step.listed:
            made[step.name] = [*made.get(step.name, ()), *value]
        else:
            made[step.name] = merged(made.get(step.name), value)
    for step, _ in below:
        if step.type in PRIMITIVES and step.name in made:
            made |= primitive(step.name, made.pop(step.name))
    return made or None


def _always(_scope: Scope) -> bool:
    return True


def _valued(own: Reference) -> conditions.Holds:
    return lambda scope: scope.is_valued(own)


def _in_type(condition: conditions.Condition) -> conditions.Condition:
    """The same condition with its references read as components of the value in hand."""
    if isinstance(condition, conditions.Asks):
        test = condition.test
        other = test.other.in_type() if test.other else None
        of = condition.of.in_type() if condition.of else None
        return conditions.Asks(of, conditions.Test(
            test.kind, test.values, other, test.compare, test.number, test.negated
        ))  # fmt: skip
    return type(condition)(tuple(_in_type(part) for part in condition.parts))


def _asks(condition: conditions.Condition, own: Reference) -> bool:
    """True when the condition itself asks about the row's own field."""
    if isinstance(condition, conditions.Asks):
        return condition.of is None or condition.of == own
    return any(_asks(part, own) for part in condition.parts)


def assembled(element: Element, scope: Scope, context: Context) -> Json:
    """One element as it stands in the resource: `{name: ...}`, with `_name` beside a primitive that has extensions."""
    return _object([(element.step, element.build)], scope, context) or {}


def build_all(made: Sequence[Element], segment: Segment, context: Context, around: Mapping[str, Segment]) -> Json:
    """Every element of a segment's table: the resource as the tables alone would have it."""
    scope = Scope(segment, around=around)
    return _object([(one.step, one.build) for one in made if one.name], scope, context) or {}
