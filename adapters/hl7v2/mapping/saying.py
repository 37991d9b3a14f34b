"""
What one row says: an assignment, a text as it was sent, a code of a table, or a value read by its data type's table.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, Protocol

from adapters.hl7v2.mapping import assignments
from adapters.hl7v2.mapping.model import Codes
from adapters.hl7v2.mapping.primitives import PRIMITIVES
from adapters.hl7v2.mapping.scope import Reference, Scope, Times
from adapters.hl7v2.message import Value

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
Reads = Callable[[Scope, Context], list[Any]]


def assigned(says: assignments.Produces, kind: str) -> Builds:
    convert = PRIMITIVES.get(kind)

    def build(scope: Scope, context: Context) -> Any:
        text = says(scope, context.times)
        if not text:
            return None
        return convert(text, context.times) if convert else _of_text(kind, text)

    return build


def plain(own: Reference, kind: str, where: str, *, names_system: bool = False) -> Builds:
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


def coded(own: Reference, codes: Codes, where: str, kind: str) -> Builds:
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


def through(name: str, read: Reads, own: Reference, codes: Codes | None, where: str, kind: str) -> Builds:
    """A value read by the table of its data type (`read`), or in the project's own way."""
    convert = PRIMITIVES.get(kind)

    def build(scope: Scope, context: Context) -> Any:
        value = scope.value_of(own)
        found = context.native(name, value, where, codes)
        if found is not NOT_NATIVE:
            return found or None
        inner = Scope(scope.segment, value, 0, scope.around)
        made = read(inner, context)
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
