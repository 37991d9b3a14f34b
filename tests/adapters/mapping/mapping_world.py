"""A context that has nothing but the tables, and values made up for their rows."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from adapters.hl7v2.mapping import conditions, load
from adapters.hl7v2.mapping.model import Codes, Row, Table
from adapters.hl7v2.mapping.saying import NOT_NATIVE
from adapters.hl7v2.mapping.scope import Reference, Scope
from adapters.hl7v2.message import Segment, Value
from adapters.hl7v2.to_fhir.times import Times

TEXTS = {
    "date": "19800501", "dateTime": "20240501101500", "instant": "20240501101500", "time": "101500", "boolean": "Y",
    "decimal": "5", "integer": "3", "positiveInt": "3", "unsignedInt": "3", "base64Binary": "QUJD", "uri": "urn:x:1",
    "url": "http://x.example/1", "canonical": "http://x.example/1", "code": "LN",
}  # fmt: skip


@dataclass(slots=True)
class TablesAlone:
    """No data type is read in another way than its table's; a reference keeps all that is known of its target."""

    times: Times = field(default_factory=lambda: Times.of("20240501", "Asia/Shanghai"))
    counted: list[tuple[str, str, str]] = field(default_factory=list)
    unread: list[str] = field(default_factory=list)

    def native(self, _table: str, _value: Value, _where: str, _codes: Codes | None) -> Any:
        return NOT_NATIVE

    def refer(self, resource_type: str, content: dict[str, Any]) -> dict[str, Any]:
        return {"reference": f"{resource_type}/x", "content": content}

    def system(self, name: str) -> str:
        return name if ":" in name else f"urn:x:{name}"

    def unknown(self, where: str, system: str, code: str, _display: str) -> None:
        self.counted.append((where, system, code))

    def unreadable(self, where: str) -> None:
        self.unread.append(where)


def sample(row: Row, table: Table) -> Any:
    """Components that a row (of a field, or of a component) can be made of."""
    if row.through:
        return of_type(load.table(row.through), row.codes)
    if row.codes and (targets := load.codes(row.codes).targets):
        return [next(iter(targets))]
    if row.value and (call := row.value.partition("(")[0]) in ("minutes", "after", "before", "weekday", "amount"):
        return ["W6"] if call == "amount" else ["3"]
    if row.value.startswith(("unit(", "given(")):
        return ["W6"]
    kind = row.steps[-1].type if row.steps else table.root
    return [TEXTS.get(kind, "A")]


def of_type(table: Table, codes: str = "") -> list[Any]:
    """A value of a data type: every component that its table reads, as its first row can take it."""
    components: dict[int, Any] = {}
    for row in table.rows:
        at = Reference.of(row.at).field if row.at else 0
        if at and at not in components:
            made = sample(row, table)
            components[at] = made[0] if len(made) == 1 else made
    if codes and (targets := load.codes(codes).targets):
        components[1] = next(iter(targets))
    if not components:
        return [TEXTS.get(table.root, "A")]
    return [components.get(at, "") for at in range(1, max(components) + 1)]


def value(parts: list[Any]) -> Value:
    """Components, of which some have subcomponents."""
    return Value(tuple(tuple(map(_text, part)) if isinstance(part, list) else (part,) for part in parts))


def _text(part: Any) -> str:
    return str(part[0]) if isinstance(part, list) else str(part)


Wish = tuple[Reference, str | None, int]
MOMENT = "20240501101500+0800"


def wishes(row: Row, own: Reference) -> Iterator[Wish]:
    """What has to stand where for a row to speak: text (None: nothing) and how often."""
    if row.condition:
        yield from _wishes(conditions.parse(row.condition), own)
    name, _, arguments = row.value.partition("(")
    if name in ("after", "before"):
        start, amount, *unit = arguments.rstrip(")").split(", ")
        yield Reference.of(start), MOMENT, 1
        yield Reference.of(amount), "3", 1
        yield from ((Reference.of(one), "MIN", 1) for one in unit)


def _wishes(condition: conditions.Condition, own: Reference) -> Iterator[Wish]:
    if isinstance(condition, conditions.All):
        for part in condition.parts:
            yield from _wishes(part, own)
    elif isinstance(condition, conditions.Any):
        yield from _wishes(condition.parts[0], own)
    else:
        yield _wish(condition.of or own, condition.test)


def _wish(of: Reference, test: conditions.Test) -> Wish:
    if test.kind == "valued":
        return of, None if test.negated else "", 1
    if test.kind == "in":
        return of, "ZZ" if test.negated else test.values[0], 1
    if test.kind == "equals":
        return of, "another" if test.negated else "", 1
    many = test.number + (test.compare == ">")
    return (of, MOMENT, 1) if test.kind == "length" else (of, "", many)


def scope_of(row: Row, table: Table) -> Scope:
    """A segment, or a value of a data type, in which the row speaks."""
    return _in_segment(row, table) if table.is_segment else _in_value(row, table)


def _in_segment(row: Row, table: Table) -> Scope:
    own = Reference.of(row.at) if row.at else Reference("")
    fields: dict[tuple[str, int], list[list[Any]]] = {}
    if own.field:
        fields[own.name, own.field] = [sample(row, table)]
    for of, text, times in wishes(row, own):
        known = fields.get((of.name, of.field), [[]])
        fields[of.name, of.field] = (
            [_with(known[0], of.component or 1, text)] * times if text is not None or (of.component) else []
        )
    return _scope(table.source, fields)


def _in_value(row: Row, table: Table) -> Scope:
    own = Reference.of(row.at) if row.at else Reference("")
    parts = of_type(table)
    if own.field:
        parts = _with(parts, own.field, sample(row, table))
    for of, text, _ in wishes(row, own):
        parts = _with(parts, of.field or own.field, text)
    return Scope(Segment("ZZZ", ()), _value(parts))


def _with(parts: list[Any], at: int, text: Any) -> list[Any]:
    """The parts with a text in one place; "" asks only for something to be there."""
    longer = [*parts, *[""] * (at - len(parts))]
    longer[at - 1] = (longer[at - 1] or "A") if text == "" else "" if text is None else text
    return [part[0] if isinstance(part, list) and len(part) == 1 else part for part in longer]


def _value(parts: list[Any]) -> Value:
    """Components, of which some have subcomponents."""
    return Value(tuple(tuple(map(_text, part)) if isinstance(part, list) else (part,) for part in parts))


def _text(part: Any) -> str:
    return str(part[0]) if isinstance(part, list) else str(part)


def _scope(name: str, fields: Mapping[tuple[str, int], list[list[Any]]]) -> Scope:
    names = {name} | {one for one, _ in fields}
    made = {one: _segment(one, {at: rows for (whose, at), rows in fields.items() if whose == one}) for one in names}
    own = made.pop(name)
    return Scope(own, around=made)


def _segment(name: str, fields: Mapping[int, list[list[Any]]]) -> Segment:
    numbers = range(1, max(fields, default=0) + 1)
    return Segment(name, tuple(tuple(_value(one).components for one in fields.get(at, ())) for at in numbers), (), 1)
