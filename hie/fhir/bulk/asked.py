"""
The parameters of a kick-off request, by GET or as Parameters by POST: what cannot be done is refused, not ignored.

A client that says `Prefer: handling=lenient` is told in the error file what was passed over.
https://hl7.org/fhir/uv/bulkdata/export.html#query-parameters
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime

from hie.fhir.bulk.lines import SPELLINGS
from hie.fhir.call import Call, Params, parse_query
from records import validation
from records.definitions import definitions
from records.errors import Invalid, UnknownParameter
from records.search import date, request
from records.stored import Json

FORM = frozenset({"_format", "_pretty"})
# What a search may ask about the form of its answer has no sense in a filter.
NOT_IN_FILTERS = frozenset(
    {"_sort", "_count", "_include", "_revinclude", "_summary", "_elements", "_total", "_format", "_pretty", "_cursor"}
)
# Commas join filters as well as values: only one that a type and a question mark follow begins a filter.
_NEXT_FILTER = re.compile(r",(?=[A-Z][A-Za-z]*\?)")
_ELEMENT = re.compile(r"^(?:(?P<type>[A-Z][A-Za-z]*)\.)?(?P<name>[a-z][A-Za-z]*)$")
_REFERENCE = re.compile(r"^(?:Patient|Person)/[A-Za-z0-9\-.]{1,64}$")


@dataclass(slots=True)
class Asked:
    """What a kick-off request says, read one by one; `passed_over` is for the error file."""

    since: datetime | None = None
    until: datetime | None = None
    types: list[str] = field(default_factory=list)
    filters: list[tuple[str, Params]] = field(default_factory=list)
    elements: list[str] = field(default_factory=list)
    patients: list[str] = field(default_factory=list)
    passed_over: list[str] = field(default_factory=list)


def read(call: Call) -> Asked:
    """The parameters; UnknownParameter or Invalid for what this server does not do."""
    asked = Asked()
    for name, value in parameters(call):
        try:
            _take(asked, call, name, value)
        except UnknownParameter as error:
            if not call.lenient:
                raise
            asked.passed_over.append(error.text)
    if foreign := {kind for kind, _ in asked.filters} - set(asked.types) if asked.types else set():
        raise Invalid(f"_typeFilter names {sorted(foreign)[0]}, which is not among the types of _type.", status=400)
    return asked


def parameters(call: Call) -> Iterator[tuple[str, str]]:
    """Name and value of each parameter, from the address and from the body."""
    yield from (pair for pair in call.query if pair[0] not in FORM)
    if call.method == "POST" and call.body:
        for one in parameters_of(call.body):
            yield str(one.get("name", "")), _value(one)


def parameters_of(body: bytes) -> list[Json]:
    """The `parameter` list of a Parameters resource."""
    resource = validation.parse(body)
    if resource["resourceType"] != "Parameters":
        raise Invalid("The body must be a Parameters resource.", status=400)
    validation.check(resource)
    return list(resource.get("parameter", ()))


def _value(parameter: Json) -> str:
    values = [value for name, value in parameter.items() if name.startswith("value")]
    if len(values) != 1:
        raise Invalid(f"The parameter {str(parameter.get('name'))[:64]!r} needs one value.", status=400)
    (value,) = values
    if isinstance(value, dict):
        value = value.get("reference")
    if not isinstance(value, str):
        raise Invalid(f"The parameter {str(parameter.get('name'))[:64]!r} has no value of its kind.", status=400)
    return value


def _take(asked: Asked, call: Call, name: str, value: str) -> None:
    taker = _TAKERS.get(name)
    if taker is None:
        raise UnknownParameter(f"$export takes no parameter {name[:64]!r}.")
    if not value:
        raise Invalid(f"{name} has no value.", status=400)
    if name == "patient" and (call.method != "POST" or call.path[0] not in ("Patient", "Group")):
        raise UnknownParameter("patient is for exports of patients or of a group, by POST.")
    taker(asked, value)


def _since(asked: Asked, value: str) -> None:
    asked.since = _moments("_since", value)[0]


def _until(asked: Asked, value: str) -> None:
    asked.until = _moments("_until", value)[1]


def _moments(name: str, value: str) -> tuple[datetime, datetime]:
    # A plus sign of a zone that was not encoded reads as a blank.
    wanted = date.span(value.replace(" ", "+"))
    if wanted is None or "T" not in value:
        raise Invalid(f"{name} is an instant, YYYY-MM-DDThh:mm:ss with a zone.", status=400)
    start, end = (datetime.fromisoformat(one).replace(tzinfo=UTC) for one in wanted)
    return start, end


def _type(asked: Asked, value: str) -> None:
    for one in value.split(","):
        if one not in definitions().resource_types:
            raise UnknownParameter(f"_type: this server knows no resource type {one[:64]!r}.")
        asked.types += [one] if one not in asked.types else []


def _type_filter(asked: Asked, value: str) -> None:
    for one in _NEXT_FILTER.split(value):
        kind, mark, query = one.partition("?")
        if not mark or kind not in definitions().resource_types:
            raise UnknownParameter("_typeFilter is a search of one type, e.g. Observation?status=final.")
        params = parse_query(query)
        if shape := [name for name, _ in params if name.partition(":")[0] in NOT_IN_FILTERS]:
            raise UnknownParameter(f"{shape[0]} has no place in a _typeFilter.")
        if not params:
            raise UnknownParameter("_typeFilter has no search parameters.")
        request.read(kind, params)
        asked.filters.append((kind, params))


def _elements(asked: Asked, value: str) -> None:
    for one in value.split(","):
        found = _ELEMENT.match(one.strip())
        if found is None or (found["type"] and found["type"] not in definitions().resource_types):
            raise UnknownParameter(f"_elements: {one[:64]!r} is not [type].[element] or [element].")
        asked.elements.append(one.strip())


def _output_format(_asked: Asked, value: str) -> None:
    if value.replace(" ", "+") not in SPELLINGS:
        raise UnknownParameter("_outputFormat is application/fhir+ndjson, application/ndjson or ndjson.")


def _patient(asked: Asked, value: str) -> None:
    if not _REFERENCE.match(value):
        raise Invalid("patient is a reference, Patient/[id] or Person/[id].", status=400)
    asked.patients.append(value)


def _associated(_asked: Asked, _value: str) -> None:
    raise UnknownParameter("includeAssociatedData: this server offers no sets of associated data.")


_TAKERS: dict[str, Callable[[Asked, str], None]] = {
    "_since": _since, "_until": _until, "_type": _type, "_typeFilter": _type_filter, "_elements": _elements,
    "_outputFormat": _output_format, "patient": _patient, "includeAssociatedData": _associated,
}  # fmt: skip
