"""
Primitive types of FHIR as scalars of GraphQL: what was stored leaves as it was stored, a decimal with its zeros.

https://hl7.org/fhir/R4/datatypes.html#primitive
"""

from __future__ import annotations

from typing import Any

from graphql import (
    BooleanValueNode,
    EnumValueNode,
    FloatValueNode,
    GraphQLBoolean,
    GraphQLError,
    GraphQLID,
    GraphQLInt,
    GraphQLScalarType,
    GraphQLString,
    IntValueNode,
    StringValueNode,
    ValueNode,
)

NATIVE = {
    "string": GraphQLString, "boolean": GraphQLBoolean, "integer": GraphQLInt, "positiveInt": GraphQLInt,
    "unsignedInt": GraphQLInt, "id": GraphQLID, "xhtml": GraphQLString,
}  # fmt: skip
NAMES = (
    "base64Binary", "canonical", "code", "date", "dateTime", "decimal", "instant", "markdown", "oid", "time", "uri",
    "url", "uuid",
)  # fmt: skip
WRITTEN = (StringValueNode, IntValueNode, FloatValueNode, EnumValueNode)


def _as_stored(value: Any) -> Any:
    return value


def _text(value: Any) -> str:
    """A variable's value as the text of a search or a comparison."""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, str | int | float):
        return str(value)
    raise GraphQLError("A simple value is needed here.")


def _literal(node: ValueNode, _variables: Any = None) -> str:
    """A value as it stands in the query: quoted, a number, or a bare word such as `patient` or `official`."""
    if isinstance(node, BooleanValueNode):
        return "true" if node.value else "false"
    if isinstance(node, WRITTEN):
        return str(node.value)
    raise GraphQLError("A simple value is needed here.")


def _scalar(name: str, description: str) -> GraphQLScalarType:
    return GraphQLScalarType(
        name, serialize=_as_stored, parse_value=_text, parse_literal=_literal, description=description
    )


SCALARS: dict[str, GraphQLScalarType] = NATIVE | {name: _scalar(name, f"FHIR {name}") for name in NAMES}
# What a search parameter or an element is compared with.
TERM = _scalar("term", "A simple value: text, number, boolean or a bare word")
