"""
Errors as GraphQL has them, each with the OperationOutcome that the same refusal would be elsewhere.

https://spec.graphql.org/October2021/#sec-Errors
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from graphql import GraphQLError

from hie.errors import HieError, fault
from hie.fhir.outcome import outcome
from records.errors import Issue, RecordError
from records.stored import Json, decode

MOST_ERRORS = 50


def shown(errors: Sequence[GraphQLError]) -> list[Json]:
    """The `errors` of an answer; what is no refusal but a failure of ours is raised again."""
    return [_one(error) for error in errors[:MOST_ERRORS]]


def refused(error: HieError | RecordError) -> list[Json]:
    """A refusal of the whole query."""
    issues = fault(error).issues
    return [{"message": issues[0].text, "extensions": _resource(issues)}]


def _one(error: GraphQLError) -> Json:
    original = _origin(error)
    if isinstance(original, HieError | RecordError):
        issues = fault(original).issues
    elif original is None:
        issues = (Issue("", error.message, "invalid"),)
    else:
        raise original
    found: Json = {"message": issues[0].text}
    if error.locations:
        found["locations"] = [{"line": one.line, "column": one.column} for one in error.locations]
    if error.path:
        found["path"] = list(error.path)
    return found | {"extensions": _resource(issues)}


def _origin(error: GraphQLError) -> Exception | None:
    """What was raised in the first place: the library wraps what resolvers raise."""
    found: Any = error.original_error
    while isinstance(found, GraphQLError):
        found = found.original_error
    return found if isinstance(found, Exception) else None


def _resource(issues: Sequence[Issue]) -> Json:
    return {"resource": decode(outcome(issues))}
