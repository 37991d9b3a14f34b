"""
What an example must be found by: the official expressions, asked by a FHIRPath engine that the server does not use.

https://hl7.org/fhir/R4/searchparameter-registry.html
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import cache
from typing import Any

import fhirpathpy
from fhirpathpy.models import models
from official_package import Example

Json = dict[str, Any]
# The engine follows no references: who is meant is read from the reference itself.
_RESOLVES = re.compile(r"\.where\(resolve\(\) is (\w+)\)")
# `as` wants one value; where it is said of an element that repeats, it is meant as ofType.
_AS = re.compile(r"\((\S+) as (\w+)\)")
_BETWEEN = re.compile(r"\s+\|\s+(?![^(]*\))")
_SPECIAL = re.compile(r"([\\,|$])")


@dataclass(frozen=True, slots=True)
class Parameter:
    """An official search parameter for one type; `parts` are the components of a composite with their expressions."""

    base: str
    code: str
    type: str
    expression: str
    parts: tuple[tuple[str, str], ...] = ()

    def values(self, resource: Json) -> list[Any]:
        """What the expression finds."""
        return _found(resource, self.expression, resource)

    def asked(self, resource: Json) -> list[tuple[str, str]]:
        """Searches as (name, value) that must find this resource by one of its own values."""
        found: list[tuple[str, str]] = []
        for value in self.values(resource):
            if self.type != "composite":
                found += [(self.code + modifier, text) for modifier, text in _asked(self.type, value)]
            elif isinstance(value, dict):
                found += [(self.code, text) for text in self._together(value, resource)]
        return found

    def _together(self, element: Json, resource: Json) -> Iterator[str]:
        texts = []
        for kind, expression in self.parts:
            values = _found(element, expression, resource)
            asked = [text for value in values for modifier, text in _asked(kind, value) if not modifier]
            if not asked:
                return
            texts.append(asked[0])
        yield "$".join(texts)


def parameters(package: list[Example]) -> list[Parameter]:
    """The search parameters of the specification that have an expression, one for each type they are for."""
    bundle = next(one for one in package if one.file == "Bundle-searchParams.json").resource
    known = {entry["resource"]["url"]: entry["resource"] for entry in bundle["entry"]}
    return [
        Parameter(base, one["code"], one["type"], one["expression"], tuple(_parts(known, one)))
        for one in known.values()
        if one.get("expression")
        for base in one["base"]
    ]


def _parts(known: dict[str, Json], parameter: Json) -> Iterator[tuple[str, str]]:
    for part in parameter.get("component", ()):
        yield known[part["definition"]]["type"], part["expression"]


def _found(node: Json, expression: str, resource: Json) -> list[Any]:
    found: list[Any] = []
    for one in _BETWEEN.split(expression):
        resolves = _RESOLVES.search(one)
        values = _evaluated(_RESOLVES.sub("", one).strip(), node, {"resource": resource})
        found += [value for value in values if resolves is None or _is_to(value, resolves[1])]
    return found


def _evaluated(expression: str, node: Json, environment: Json) -> list[Any]:
    try:
        return _engine(expression)(node, environment)
    except ValueError:
        return _engine(_AS.sub(r"\1.ofType(\2)", expression))(node, environment)


@cache
def _engine(expression: str) -> Callable[[Json, Json], list[Any]]:
    compiled: Callable[[Json, Json], list[Any]] = fhirpathpy.compile(expression, models["r4"])
    return compiled


def _is_to(value: Any, kind: str) -> bool:
    return isinstance(value, dict) and (
        kind in value.get("reference", "").split("/")[-2:-1] or value.get("type") == kind
    )


def _asked(kind: str, value: Any) -> Iterator[tuple[str, str]]:
    """(modifier, text) by which a value of this kind of parameter is asked for."""
    texts = {"token": _token, "string": _string, "date": _date, "quantity": _quantity}.get(kind)
    if kind == "reference":
        yield from _reference(value)
    elif texts is not None:
        yield from (("", one) for one in texts(value))
    elif not isinstance(value, dict):
        yield "", escaped(str(value))


def escaped(text: str) -> str:
    """A text without meaning of its own for a search."""
    return _SPECIAL.sub(r"\\\1", text)


def _token(value: Any) -> Iterator[str]:
    if isinstance(value, bool):
        yield "true" if value else "false"
    elif not isinstance(value, dict):
        yield escaped(str(value))
    elif "coding" in value:
        for one in value["coding"]:
            yield from _token(one)
    elif "code" in value:
        yield f"{escaped(value['system'])}|{escaped(value['code'])}" if "system" in value else escaped(value["code"])
    elif "value" in value:
        yield escaped(str(value["value"]))
        if "use" in value and ":" in value.get("system", ""):
            yield f"{escaped(value['system'])}|{escaped(str(value['value']))}"


def _string(value: Any) -> Iterator[str]:
    texts = value.values() if isinstance(value, dict) else [value]
    for one in texts:
        for text in one if isinstance(one, list) else [one]:
            if isinstance(text, str) and text.strip() and (not isinstance(value, dict) or _is_part(value, text)):
                yield escaped(text)
                yield escaped(text.split()[0].upper())


def _is_part(value: Json, text: str) -> bool:
    """Codes of a name or an address are no text of it."""
    return all(value.get(code) != text for code in ("use", "type"))


def _reference(value: Any) -> Iterator[tuple[str, str]]:
    literal = value.get("reference") if isinstance(value, dict) else value
    if isinstance(literal, str) and not literal.startswith("#"):
        yield "", escaped(literal)
    if isinstance(value, dict) and "value" in (one := value.get("identifier", {})) and "system" in one:
        yield ":identifier", f"{escaped(one['system'])}|{escaped(one['value'])}"


def _date(value: Any) -> Iterator[str]:
    if isinstance(value, str):
        # A schedule may be a text.
        yield from [value] if re.match(r"\d{4}", value) else []
    elif not isinstance(value, dict):
        # The engine makes times of some texts.
        yield str(value)
    else:
        yield from ("ge" + value[end] for end in ("start",) if end in value)
        yield from ("le" + value[end] for end in ("end",) if end in value)
        yield from ("ge" + one for one in value.get("event", ()))


def _quantity(value: Any) -> Iterator[str]:
    if isinstance(value, dict) and "value" in value:
        yield str(value["value"])
        if "system" in value and "code" in value:
            yield f"{value['value']}|{escaped(value['system'])}|{escaped(value['code'])}"
        elif "unit" in value:
            yield f"{value['value']}||{escaped(value['unit'])}"
