"""
What an operation is asked: the query, and the Parameters in the body, as pairs of name and text.

https://hl7.org/fhir/R4/operations.html#executing
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping

from hie.fhir.call import Call, Params
from records import validation
from records.errors import Invalid, UnknownParameter
from records.stored import Json

# About the form of the answer, read at the edge.
FORM = frozenset({"_format", "_pretty"})


def parameters(call: Call) -> Params:
    """Everything asked, in its order; Invalid where the body is no Parameters, or one of them is no simple value."""
    query = tuple(pair for pair in call.query if pair[0] not in FORM)
    return (*query, *_from_body(body(call))) if call.body else query


def body(call: Call) -> Json:
    """The Parameters in the body."""
    resource = validation.parse(call.body)
    if resource["resourceType"] != "Parameters":
        raise Invalid("The body of an operation is a Parameters resource.", status=400)
    validation.check(resource)
    return resource


def _from_body(resource: Json) -> Iterator[tuple[str, str]]:
    for parameter in resource.get("parameter", ()):
        name = str(parameter["name"])
        values = [value for key, value in parameter.items() if key.startswith("value")]
        if len(values) != 1 or isinstance(values[0], dict):
            raise Invalid(f"The parameter {name[:64]!r} is a simple value.", status=400)
        yield name, _text(values[0])


def _text(value: object) -> str:
    return ("true" if value else "false") if isinstance(value, bool) else str(value)


def taken(operation: str, params: Params, names: Iterable[str], repeats: Iterable[str] = ()) -> Mapping[str, str]:
    """
    The parameters by name, those that repeat joined by commas.

    UnknownParameter for others, and for one that stands twice.
    """
    known, lists, found = tuple(names), frozenset(repeats), dict[str, str]()
    for name, value in params:
        if name not in known:
            raise UnknownParameter(f"${operation} takes {', '.join(known) or 'no parameters'}; not {name[:64]!r}.")
        if name in found and name not in lists:
            raise UnknownParameter(f"${operation} takes {name} once.")
        found[name] = f"{found[name]},{value}" if name in found else value
    return found


def truth(operation: str, name: str, value: str) -> bool:
    """A boolean parameter."""
    if value not in ("true", "false"):
        raise UnknownParameter(f"${operation}: {name} is true or false.")
    return value == "true"


def positive(operation: str, name: str, value: str) -> int:
    """A positive whole number."""
    if not value.isascii() or not value.isdigit() or len(value) > 9 or int(value) == 0:
        raise UnknownParameter(f"${operation}: {name} is a positive whole number.")
    return int(value)
