"""
What a terminology operation is asked: the query, the Parameters in the body, or the definition itself as the body.

https://hl7.org/fhir/R4/operations.html#executing
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from hie.fhir.call import Call
from hie.fhir.operations.parameters import truth
from hie.fhir.unasked import FORM
from records import validation
from records.errors import Invalid, UnknownParameter
from records.stored import Json

# How a parameter is written: as a simple value, a datatype, a resource, or parts. A star: it may repeat.
Shapes = Mapping[str, str]
COMPLEX = frozenset({"Coding", "CodeableConcept", "parts"})
RESOURCES = frozenset({"ValueSet", "CodeSystem", "ConceptMap"})
MOST_REPEATS = 100


@dataclass(frozen=True, slots=True)
class Asked:
    """The parameters of one request by their names."""

    operation: str
    values: Mapping[str, list[Any]] = field(default_factory=dict)

    def __contains__(self, name: str) -> bool:
        return name in self.values

    def one(self, name: str) -> Any:
        """The only value of a parameter, None where it is not there."""
        return self.values[name][0] if name in self.values else None

    def text(self, name: str) -> str:
        """A simple value, empty where it is not there."""
        return str(self.values[name][0]) if name in self.values else ""

    def texts(self, name: str) -> list[str]:
        """All values of one that may repeat."""
        return [str(one) for one in self.values.get(name, ())]

    def truth(self, name: str, otherwise: bool = False) -> bool:
        """A boolean."""
        return truth(self.operation, name, self.text(name)) if name in self.values else otherwise

    def number(self, name: str) -> int | None:
        """A whole number from 0 on."""
        if name not in self.values:
            return None
        value = self.text(name)
        if not value.isascii() or not value.isdigit() or len(value) > 9:
            raise UnknownParameter(f"${self.operation}: {name} is a whole number, 0 or more.")
        return int(value)


def asked(call: Call, operation: str, shapes: Shapes, itself: str = "") -> Asked:
    """
    Everything asked; UnknownParameter for what the operation does not take, Invalid for what has the wrong shape.

    `itself` is the resource type that may be the body without Parameters around it.
    """
    found: dict[str, list[Any]] = {}
    for name, value in (*_from_query(call, operation, shapes), *_from_body(call, operation, shapes, itself)):
        many = _shape(operation, shapes, name).endswith("*")
        if name in found and not many:
            raise UnknownParameter(f"${operation} takes {name} once.")
        found.setdefault(name, []).append(value)
        if len(found[name]) > MOST_REPEATS:
            raise UnknownParameter(f"${operation} takes {name} at most {MOST_REPEATS} times.")
    return Asked(operation, found)


def _shape(operation: str, shapes: Shapes, name: str) -> str:
    if name not in shapes:
        raise UnknownParameter(f"${operation} takes {', '.join(shapes)}; not {name[:64]!r}.")
    return shapes[name]


def _from_query(call: Call, operation: str, shapes: Shapes) -> Iterator[tuple[str, Any]]:
    for name, value in call.query:
        if name in FORM:
            continue
        shape = _shape(operation, shapes, name).rstrip("*")
        if shape in COMPLEX | RESOURCES:
            raise UnknownParameter(f"${operation}: {name} is sent by POST, in Parameters.")
        yield name, value


def _from_body(call: Call, operation: str, shapes: Shapes, itself: str) -> Iterator[tuple[str, Any]]:
    if not call.body:
        return
    resource = validation.parse(call.body)
    if itself and resource["resourceType"] == itself:
        validation.check(resource)
        name = next(name for name, shape in shapes.items() if shape == itself)
        yield name, resource
        return
    if resource["resourceType"] != "Parameters":
        raise Invalid("The body of an operation is a Parameters resource.", status=400)
    validation.check(resource)
    for parameter in resource.get("parameter", ()):
        name = str(parameter["name"])
        yield name, _value(operation, name, _shape(operation, shapes, name).rstrip("*"), parameter)


def _value(operation: str, name: str, shape: str, parameter: Json) -> Any:
    if shape in RESOURCES:
        found = parameter.get("resource")
        if not isinstance(found, dict) or found.get("resourceType") != shape:
            raise Invalid(f"${operation}: {name} is a {shape}.", status=400)
        return found
    if shape == "parts":
        return parameter.get("part", [])
    values = {key.removeprefix("value"): value for key, value in parameter.items() if key.startswith("value")}
    if shape in COMPLEX:
        if list(values) != [shape]:
            raise Invalid(f"${operation}: {name} is a {shape}.", status=400)
        return values[shape]
    value = next(iter(values.values()), None)
    if len(values) != 1 or isinstance(value, dict):
        raise Invalid(f"${operation}: {name} is a simple value.", status=400)
    return ("true" if value else "false") if isinstance(value, bool) else str(value)
