"""
The schema of one query: the resource types that it speaks of with all they have, the others with what all have.

A schema of everything would have some hundred thousand fields; one query speaks of a few types, and the schema for
these few is made in milliseconds and kept. https://hl7.org/fhir/R4/graphql.html#schema
"""

from __future__ import annotations

from collections.abc import Iterable
from functools import lru_cache
from typing import Any

from graphql import (
    DocumentNode,
    GraphQLArgument,
    GraphQLDirective,
    GraphQLField,
    GraphQLID,
    GraphQLInt,
    GraphQLList,
    GraphQLNonNull,
    GraphQLObjectType,
    GraphQLSchema,
    GraphQLString,
    NameNode,
    Visitor,
    specified_directives,
    visit,
)
from graphql.language import DirectiveLocation

from hie.fhir.graphql.datatypes import RESOURCE, Fields, fields_of, resource_type_field
from hie.fhir.graphql.resolving import connection_of, list_of, one_of
from hie.fhir.graphql.scalars import SCALARS, TERM
from hie.fhir.graphql.searching import search_codes
from records.definitions import Definitions, definitions

LIST, CONNECTION = "List", "Connection"
KEPT = 64
_PLACE = [DirectiveLocation.FIELD]
DIRECTIVES = (
    *specified_directives,
    GraphQLDirective("flatten", _PLACE, description="Leave this element out and lift what is in it"),
    GraphQLDirective("first", _PLACE, description="Only the first of the list"),
    GraphQLDirective("singleton", _PLACE, description="One value though it is below something flattened"),
    GraphQLDirective(
        "slice", _PLACE, {"path": GraphQLArgument(GraphQLNonNull(GraphQLString))},
        description="One element a value of the path: name.official, name.old",
    ),
)  # fmt: skip


def types_in(document: DocumentNode) -> frozenset[str]:
    """The resource types that a query names, as `Patient`, `PatientList` or `PatientConnection`."""
    found = set[str]()

    class Names(Visitor):  # type: ignore[misc]
        def enter_name(self, node: NameNode, *_: Any) -> None:
            found.update(
                one
                for one in (node.value, node.value.removesuffix(LIST), node.value.removesuffix(CONNECTION))
                if one in definitions().resource_types
            )

    visit(document, Names())
    return frozenset(found)


def schema_for(types: frozenset[str], root: str = "") -> GraphQLSchema:
    """The schema in which these types are whole; `root` is the type of the one resource that is asked."""
    # Search parameters may come while the server runs: the definitions are part of what a schema is kept by.
    return _schema(types, root, definitions())


@lru_cache(maxsize=KEPT)
def _schema(types: frozenset[str], root: str, _known: Definitions) -> GraphQLSchema:
    return Builder(types | ({root} if root else set())).schema(root)


class Builder:
    """Makes the types of one schema."""

    def __init__(self, whole: Iterable[str]) -> None:
        self.whole = sorted(whole)
        self.types = {name: self._whole(name) for name in self.whole}
        self.edges: dict[str, GraphQLObjectType] = {}

    def schema(self, root: str) -> GraphQLSchema:
        """All of it together."""
        stubs = [_stub(name) for name in sorted(definitions().resource_types) if name not in self.types]
        query = self.types[root] if root else GraphQLObjectType("Query", self._query)
        # The definitions are the specification's: nothing of them has to be checked for every query.
        return GraphQLSchema(
            query, types=[*self.types.values(), *stubs, RESOURCE], directives=DIRECTIVES, assume_valid=True
        )

    def _query(self) -> Fields:
        found: Fields = {}
        for name in self.whole:
            identity = {"id": GraphQLArgument(GraphQLNonNull(GraphQLID))}
            found[name] = GraphQLField(self.types[name], args=identity, resolve=one_of(name))
            found |= self._lists(name, {})
        return found or {"resourceType": resource_type_field()}

    def _whole(self, name: str) -> GraphQLObjectType:
        return GraphQLObjectType(name, lambda: self._resource(name), interfaces=[RESOURCE])

    def _resource(self, name: str) -> Fields:
        found = fields_of(name) | {"resourceType": resource_type_field()}
        pointing = {one.partition(":")[0] for one in definitions().reverse_includes(name)}
        reference = {"_reference": GraphQLArgument(GraphQLNonNull(TERM))}
        for other in self.whole:
            if other in pointing:
                found |= self._lists(other, reference)
        return found

    def _lists(self, name: str, more: dict[str, GraphQLArgument]) -> Fields:
        named = search_arguments(name)
        page = {"_count": GraphQLArgument(GraphQLInt), "_sort": GraphQLArgument(TERM)} | more
        listed = named | page | {"_offset": GraphQLArgument(GraphQLInt)}
        connected = named | page | {"_cursor": GraphQLArgument(GraphQLString)}
        return {
            f"{name}{LIST}": GraphQLField(GraphQLList(self.types[name]), args=listed, resolve=list_of(name)),
            f"{name}{CONNECTION}": GraphQLField(self._connection(name), args=connected, resolve=connection_of(name)),
        }

    def _connection(self, name: str) -> GraphQLObjectType:
        if name not in self.edges:
            edge = GraphQLObjectType(
                f"{name}Edge",
                lambda: {
                    "mode": GraphQLField(SCALARS["code"]),
                    "score": GraphQLField(SCALARS["decimal"]),
                    "resource": GraphQLField(self.types[name]),
                },
            )
            cursors = {one: GraphQLField(GraphQLString) for one in ("first", "previous", "next", "last")}
            numbers = {one: GraphQLField(GraphQLInt) for one in ("count", "offset", "pagesize")}
            self.edges[name] = GraphQLObjectType(
                f"{name}{CONNECTION}", numbers | cursors | {"edges": GraphQLField(GraphQLList(edge))}
            )
        return self.edges[name]


@lru_cache(maxsize=512)
def _stub(name: str) -> GraphQLObjectType:
    """A type that the query does not speak of, and that a reference may lead to all the same."""
    return GraphQLObjectType(
        name, lambda: fields_of("Resource") | {"resourceType": resource_type_field()}, interfaces=[RESOURCE]
    )


def search_arguments(name: str) -> dict[str, GraphQLArgument]:
    """Search parameters as arguments: `address-city` is `address_city`; of a list every value must be met."""
    term = GraphQLList(TERM)
    return {argument: GraphQLArgument(term) for argument in search_codes(name)}
