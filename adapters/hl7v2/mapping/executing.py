"""
Tables carried out: the rows of a table become one tree of closures, once; a message then only runs it.

Rows with the same target and number (`identifier[1]`, `identifier[1].type.coding.code`) build one object; a list
element that only one field feeds is built once for each repetition of that field.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cache
from typing import Any, Protocol

from adapters.hl7v2.mapping import assignments, conditions, load
from adapters.hl7v2.mapping.model import Codes, Row, Table
from adapters.hl7v2.mapping.paths import Step
from adapters.hl7v2.mapping.primitives import PRIMITIVES
from adapters.hl7v2.mapping.scope import Reference, Scope, Times
from adapters.hl7v2.message import Segment, Value

Json = dict[str, Any]


class Context(Protocol):
    """Who carries out: knows the zone, the site's conventions, and counts what could not be said."""

    @property
    def times(self) -> Times: ...

    def native(self, table: str, value: Value, where: str, codes: Codes | None) -> Any:
        """A data type in the project's own way, NOT_NATIVE to take the table."""

    def refer(self, resource_type: str, content: Json) -> Json:
        """A reference to a resource of which this is known, {} where it can be found by nothing."""

    def system(self, name: str) -> str:
        """The URI of a coding system or assigning authority named in a message, "" where nobody knows it."""

    def unknown(self, where: str, system: str, code: str, display: str) -> None:
        """A code that its table does not know."""

    def unreadable(self, where: str) -> None:
        """A text that is not of the type of its element."""


NOT_NATIVE = object()
Builds = Callable[[Scope, Context], Any]

# What these are without is no value: an extension of nothing, a number without the number.
_NEEDED = {
    "Identifier": ("value", "extension"), "ContactPoint": ("value",), "Coding": ("code", "display"),
    "Reference": ("reference", "identifier", "display", "extension"),
}  # fmt: skip


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
            if below and not isinstance(value, list) and not (resource and _is_reference(value)):
                value = merged(value, _object(below, scope, context))
            if resource and isinstance(value, dict) and not _is_reference(value):
                value = context.refer(resource, value)
            return _useful(kind, resource, value)

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
            return _assigned(assignments.compiled(row.value, in_type=not self.table.is_segment), kind)
        if row.through:
            return _through(row.through, own, codes, where, kind)
        if codes is not None:
            return _coded(own, codes, where, kind)
        return _plain(own, kind, where, names_system=row.steps[-1:] != () and row.steps[-1].name == "system")


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
            made |= _primitive(step.name, made.pop(step.name))
    return made or None


def _primitive(name: str, value: Any) -> Json:
    """A primitive, or a list of them: where one has extensions, they stand beside it, under an underscore."""
    values = value if isinstance(value, list) else [value]
    if not any(isinstance(one, dict) for one in values):
        return {name: value}
    plain = [one.get(_TEXT) if isinstance(one, dict) else one for one in values]
    beside = [_without_text(one) if isinstance(one, dict) else None for one in values]
    if not isinstance(value, list):
        return {key: one for key, one in ((name, plain[0]), (f"_{name}", beside[0])) if one}
    return ({name: plain} if any(plain) else {}) | ({f"_{name}": beside} if any(beside) else {})


def _without_text(value: Json) -> Json:
    return {key: inner for key, inner in value.items() if key != _TEXT}


# Under this name an object holds the value of a primitive until it is taken apart.
_TEXT = "\x00"


def merged(value: Any, more: Any) -> Any:
    """What was said first stays; objects are filled, element by element."""
    if value is None or more is None:
        return more if value is None else value
    if isinstance(value, dict) and isinstance(more, dict):
        return {**more, **{key: merged(inner, more.get(key)) for key, inner in value.items()}}
    if isinstance(value, list) and isinstance(more, list):
        longer = value[len(more) :] or more[len(value) :]
        return [*(merged(one, other) for one, other in zip(value, more, strict=False)), *longer]
    if isinstance(more, dict):
        return {_TEXT: value, **more}
    if isinstance(value, dict):
        return value if _TEXT in value else {_TEXT: more, **value}
    return value


def _is_reference(value: Any) -> bool:
    return isinstance(value, dict) and ("reference" in value or "display" in value)


def _useful(kind: str, resource: str, value: Any) -> Any:
    if not isinstance(value, dict):
        return value
    if kind == "Extension":
        says = any(name == "extension" or name.lstrip("_").startswith("value") for name in value)
        return value if says and value.get("url") else None
    needed = _NEEDED.get("Reference" if resource else kind)
    return value if value and (needed is None or any(name in value for name in needed)) else None


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


def _assigned(says: assignments.Produces, kind: str) -> Builds:
    convert = PRIMITIVES.get(kind)

    def build(scope: Scope, context: Context) -> Any:
        text = says(scope, context.times)
        if not text:
            return None
        return convert(text, context.times) if convert else _of_text(kind, text)

    return build


def _plain(own: Reference, kind: str, where: str, *, names_system: bool = False) -> Builds:
    convert = PRIMITIVES.get(kind)
    if names_system:
        return lambda scope, context: context.system(scope.text(own)) or None

    def build(scope: Scope, context: Context) -> Any:
        text = scope.text(own)
        if not text:
            return None
        value = convert(text, context.times) if convert else _of_text(kind, text)
        if value is None:
            context.unreadable(where)
        return value

    return build


def _of_text(kind: str, text: str) -> Any:
    """A text where an object is wanted."""
    shapes: Mapping[str, Json] = {
        "CodeableConcept": {"text": text}, "Annotation": {"text": text}, "Identifier": {"value": text},
        "Reference": {"display": text}, "Coding": {"display": text},
    }  # fmt: skip
    return dict(shapes[kind]) if kind in shapes else None


def _coded(own: Reference, codes: Codes, where: str, kind: str) -> Builds:
    def build(scope: Scope, context: Context) -> Any:
        value = scope.value_of(own)
        return _mapped(value[1].strip(), value[2].strip(), codes, where, kind, context)

    return build


def _mapped(code: str, display: str, codes: Codes, where: str, kind: str, context: Context) -> Any:
    """A code of a table as code, Coding or CodeableConcept; the one sent is kept beside."""
    if not code:
        return None
    target = codes.of(code)
    if target is None and codes.targets:
        context.unknown(where, codes.system, code, display)
    if kind not in ("Coding", "CodeableConcept"):
        convert = PRIMITIVES.get(kind)
        return (convert(target[1], context.times) if convert else target[1]) if target else None
    mapped = [_coding(target)] if target else []
    sent = {key: text for key, text in (("system", codes.system), ("code", code), ("display", display)) if text}
    if kind == "Coding":
        return (mapped or [sent])[0]
    return {"coding": [*mapped, sent]}


def _coding(target: tuple[str, str, str]) -> Json:
    return {key: text for key, text in zip(("system", "code", "display"), target, strict=True) if text}


def _through(name: str, own: Reference, codes: Codes | None, where: str, kind: str) -> Builds:
    """A value read by the table of its data type, or in the project's own way."""
    table, convert = load.known(name), PRIMITIVES.get(kind)

    def build(scope: Scope, context: Context) -> Any:
        value = scope.value_of(own)
        found = context.native(table, value, where, codes)
        if found is not NOT_NATIVE:
            return found or None
        inner = Scope(scope.segment, value, 0, scope.around)
        made = data_type(table)(inner, context)
        if codes is not None:
            made = [_with_codes(one, value, codes, where, context) for one in made]
        if convert is not None:
            made = [convert(one, context.times) if isinstance(one, str) else one for one in made]
        kept = [one for one in made if one is not None]
        return kept[0] if len(kept) == 1 else kept or None

    return build


def _with_codes(made: Any, value: Value, codes: Codes, where: str, context: Context) -> Any:
    """The code of a table before what the data type's table made of the value."""
    kind = "CodeableConcept" if isinstance(made, dict) and "coding" in made else "Coding"
    if not isinstance(made, dict):
        return _mapped(value[1].strip(), "", codes, where, "code", context)
    found = _mapped(value[1].strip(), value[2].strip(), codes, where, kind, context)
    if kind == "Coding":
        return found or made
    mapped = (found or {}).get("coding", [])[:-1]
    return {**made, "coding": [*mapped, *(one for one in made["coding"] if one not in mapped)]}


def assembled(element: Element, scope: Scope, context: Context) -> Json:
    """One element as it stands in the resource: `{name: ...}`, with `_name` beside a primitive that has extensions."""
    return _object([(element.step, element.build)], scope, context) or {}


def build_all(made: Sequence[Element], segment: Segment, context: Context, around: Mapping[str, Segment]) -> Json:
    """Every element of a segment's table: the resource as the tables alone would have it."""
    scope = Scope(segment, around=around)
    return _object([(one.step, one.build) for one in made if one.name], scope, context) or {}
