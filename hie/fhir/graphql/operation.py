"""
$graphql: a query over the whole system, or over one resource.

https://hl7.org/fhir/R4/operation-resource-graphql.html, https://hl7.org/fhir/R4/graphql.html
"""

from __future__ import annotations

import asyncio
import inspect
import threading
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import msgspec
from graphql import (
    DocumentNode,
    ExecutionResult,
    FieldNode,
    FragmentDefinitionNode,
    GraphQLError,
    OperationDefinitionNode,
    OperationType,
    execute,
    get_operation_ast,
    parse,
    validate,
)

from hie.errors import HieError
from hie.fhir.call import Answer, Call
from hie.fhir.graphql import errors, limits, reshaping
from hie.fhir.graphql.reading import Reading
from hie.fhir.graphql.schema import schema_for, types_in
from hie.fhir.operations.parameters import FORM
from records import validation
from records.definitions import Definitions, definitions
from records.errors import Invalid, RecordError, UnknownParameter
from records.stored import Json, Stored, encode

LANGUAGE = "application/graphql"
HEADERS = {"Content-Type": "application/json; charset=utf-8"}
NAMED = ("query", "variables", "operationName")
INTROSPECTION = frozenset({"__schema", "__type"})
_TELLING = threading.Lock()


@dataclass(frozen=True, slots=True)
class Request:
    """A query as it was sent."""

    query: str
    variables: Json
    operation: str | None


async def graphql(call: Call) -> Answer:
    """`GET` or `POST [base]/$graphql` and `[base]/[type]/[id]/$graphql`; answers application/json."""
    asked = _asked(call)
    reading = Reading(call)
    root: Stored | None = None
    if len(call.path) == 3:
        kind, identity = call.path[:2]
        visibility = await call.visibility(kind, "read")
        root = await call.services.store.read(kind, identity, visibility=visibility)
    try:
        document = parse(asked.query, max_tokens=limits.MOST_TOKENS)
        return await _run(reading, asked, document, root)
    except GraphQLError as error:
        return _refused(errors.shown([error]))
    except (HieError, RecordError) as error:
        return _refused(errors.refused(error))


def _asked(call: Call) -> Request:
    given = _given(call)
    if unknown := sorted(given.keys() - set(NAMED)):
        raise UnknownParameter(f"$graphql takes {', '.join(NAMED)}; not {unknown[0][:64]!r}.")
    query, variables, operation = (given.get(name) for name in NAMED)
    if not isinstance(query, str) or not query.strip():
        raise Invalid("$graphql needs a query.", status=400)
    if isinstance(variables, str):
        variables = _decoded(variables)
    if not isinstance(variables, dict | None) or not isinstance(operation, str | None):
        raise Invalid("variables are a JSON object, operationName is a text.", status=400)
    return Request(query, variables or {}, operation or None)


def _given(call: Call) -> Json:
    given: Json = {name: value for name, value in call.query if name not in FORM}
    if not call.body:
        return given
    if (call.header("content-type") or "").partition(";")[0].strip().lower() == LANGUAGE:
        return given | {"query": call.body.decode("utf-8", "replace")}
    body = validation.read_json(call.body)
    if not isinstance(body, dict):
        raise Invalid("The body is a JSON object with a query.", status=400)
    if body.get("resourceType") == "Parameters":
        return given | {str(one.get("name")): one.get("valueString") for one in body.get("parameter", ())}
    return given | {name: value for name, value in body.items() if value is not None and name != "extensions"}


def _decoded(text: str) -> Any:
    try:
        return msgspec.json.decode(text)
    except msgspec.DecodeError as error:
        raise Invalid("variables are a JSON object.", status=400) from error


async def _run(reading: Reading, asked: Request, document: DocumentNode, root: Stored | None) -> Answer:
    operation = get_operation_ast(document, asked.operation)
    if operation is None:
        raise GraphQLError("operationName names no operation of the query; without it there is one operation.")
    if operation.operation is not OperationType.QUERY:
        raise GraphQLError("Only queries are answered; resources are changed by the RESTful interactions.")
    if _introspects(operation):
        return await _introspected(reading, asked, document, root)
    schema = schema_for(types_in(document), root.type if root else "")
    if problems := validate(schema, document, max_errors=errors.MOST_ERRORS):
        return _refused(errors.shown(problems))
    limits.check(document)
    source = reading.opened(root) if root else None
    running = execute(schema, document, source, reading, asked.variables, asked.operation)
    result: ExecutionResult = await running if inspect.isawaitable(running) else running
    return _answer(reading, document, operation, result)


def _answer(
    reading: Reading, document: DocumentNode, operation: OperationDefinitionNode, result: ExecutionResult
) -> Answer:
    data, problems = result.data, errors.shown(result.errors or ())
    if data is not None and reshaping.asks(document):
        fragments = {one.name.value: one for one in document.definitions if isinstance(one, FragmentDefinitionNode)}
        data = reshaping.Reshaper(fragments, reading.slices).shaped(data, operation)
    body = encode({"data": data} | ({"errors": problems} if problems else {}))
    return Answer(200, body, HEADERS, tuple(reading.rows.values()), interaction="operation")


def _refused(problems: Sequence[Json]) -> Answer:
    return Answer(400, encode({"errors": list(problems)}), HEADERS, interaction="operation")


# Introspection


def _introspects(operation: OperationDefinitionNode) -> bool:
    names = {one.name.value for one in operation.selection_set.selections if isinstance(one, FieldNode)}
    if names & INTROSPECTION and names - INTROSPECTION - {"__typename"}:
        raise GraphQLError("The schema is asked for by itself, not together with resources.")
    return bool(names & INTROSPECTION)


async def _introspected(reading: Reading, asked: Request, document: DocumentNode, root: Stored | None) -> Answer:
    """The schema of the types of which something is stored; told from a thread, for it takes a while."""
    types = frozenset(await reading.call.services.store.types()) | types_in(document)
    limits.check(document)
    variables = tuple(sorted((name, str(value)) for name, value in asked.variables.items()))
    kind = root.type if root else ""
    body = await asyncio.to_thread(_told_once, asked.query, asked.operation, variables, types, kind, definitions())
    rows = (root,) if root else ()
    return Answer(200, body, HEADERS, rows, interaction="operation")


def _told_once(*asked: Any) -> bytes:
    # Several that ask at once would take the machine from everybody else.
    with _TELLING:
        return _told(*asked)


@lru_cache(maxsize=16)
def _told(
    query: str,
    operation: str | None,
    variables: tuple[tuple[str, str], ...],
    types: frozenset[str],
    root: str,
    _known: Definitions,
) -> bytes:
    schema, document = schema_for(types, root), parse(query)
    if problems := validate(schema, document, max_errors=errors.MOST_ERRORS):
        return encode({"errors": errors.shown(problems)})
    result = execute(schema, document, variable_values=dict(variables), operation_name=operation)
    assert isinstance(result, ExecutionResult)
    found = {"data": result.data}
    return encode(found | ({"errors": errors.shown(result.errors)} if result.errors else {}))
