"""
Datatypes and inner elements as object types, made when first asked for and shared by all schemas.

https://hl7.org/fhir/R4/graphql.html#schema
"""

from __future__ import annotations

from collections.abc import Callable
from functools import cache
from typing import Any

from graphql import (
    GraphQLArgument,
    GraphQLBoolean,
    GraphQLField,
    GraphQLInt,
    GraphQLInterfaceType,
    GraphQLList,
    GraphQLObjectType,
    GraphQLString,
)

from hie.fhir.graphql.resolving import resolve_list, resolve_reference, resource_type_of
from hie.fhir.graphql.scalars import SCALARS, TERM
from records.definitions import Element, definitions

Output = Any
Fields = dict[str, GraphQLField]
# Arguments of a repeating element that are not the name of one of its parts.
SLICING = {"_count": GraphQLInt, "_offset": GraphQLInt, "fhirpath": GraphQLString}

RESOURCE = GraphQLInterfaceType(
    "Resource",
    lambda: fields_of("Resource") | {"resourceType": resource_type_field()},
    resolve_type=resource_type_of,
    description="Any resource",
)


def resource_type_field() -> GraphQLField:
    """`resourceType`, as JSON has it."""
    return GraphQLField(SCALARS["code"])


def fields_of(name: str) -> Fields:
    """The elements of a resource, a datatype or an inner element, each primitive with its `_` companion."""
    found: Fields = {}
    for key, element in definitions().structure(name).elements.items():
        kind = type_name(element, key)
        found[key] = _field(kind, element)
        if kind in SCALARS and kind != "xhtml":
            companion = object_type("Element")
            found[f"_{key}"] = GraphQLField(companion if element.max == 1 else GraphQLList(companion))
    if name == "Reference":
        found["resource"] = _resolved()
    return found


def type_name(element: Element, key: str) -> str:
    """What an element is: a datatype, or the path of a node."""
    return element.node or element.reference or element.type_of(key)


def _field(kind: str, element: Element) -> GraphQLField:
    output = output_type(kind)
    if element.max == 1:
        return GraphQLField(output)
    return GraphQLField(GraphQLList(output), args=_selecting(kind), resolve=resolve_list)


@cache
def _selecting(kind: str) -> dict[str, GraphQLArgument]:
    """By which a repeating element is narrowed: its simple parts, and a stretch of it."""
    named = {name: GraphQLArgument(one) for name, one in SLICING.items()}
    if kind in SCALARS or kind == "Resource":
        return named
    elements = definitions().structure(kind).elements.items()
    simple = [key for key, one in elements if one.max == 1 and type_name(one, key) in SCALARS]
    return named | {key: GraphQLArgument(TERM) for key in simple}


def output_type(kind: str) -> Output:
    """The type of a value."""
    if kind in SCALARS:
        return SCALARS[kind]
    return RESOURCE if kind == "Resource" else object_type(kind)


@cache
def object_type(kind: str) -> GraphQLObjectType:
    """`HumanName`, `ObservationComponent`."""
    return GraphQLObjectType(graphql_name(kind), thunk(kind))


def thunk(kind: str) -> Callable[[], Fields]:
    """Fields when they are needed: types hold each other."""
    return lambda: fields_of(kind)


def graphql_name(kind: str) -> str:
    """`Observation.component` to `ObservationComponent`."""
    return "".join(part[:1].upper() + part[1:] for part in kind.split("."))


def _resolved() -> GraphQLField:
    arguments = {"optional": GraphQLArgument(GraphQLBoolean), "type": GraphQLArgument(TERM)}
    return GraphQLField(RESOURCE, args=arguments, resolve=resolve_reference)
