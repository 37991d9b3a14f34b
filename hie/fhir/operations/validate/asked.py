"""
What a $validate is about: the resource, the mode, the profiles; from the query, from Parameters, or a bare body.

https://hl7.org/fhir/R4/resource-operation-validate.html
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from hie.fhir.call import Call
from hie.fhir.unasked import FORM
from records import validation
from records.errors import Invalid, UnknownParameter
from records.stored import Json, encode

MODES = ("create", "update", "delete", "profile")
NAMES = ("resource", "mode", "profile")
MOST_PROFILES = 20


@dataclass(frozen=True, slots=True)
class Asked:
    """`resource` is None where none was sent; `at` is where it is in the body, as names and positions."""

    resource: Json | None
    mode: str = ""
    profiles: tuple[str, ...] = ()
    at: tuple[str | int, ...] = ()


def asked(call: Call) -> Asked:
    """Everything asked; UnknownParameter for what $validate does not take."""
    said = [(name, value) for name, value in call.query if name not in FORM]
    resource, at = None, tuple[str | int, ...]()
    if call.body:
        resource = validation.parse(call.body)
        if resource["resourceType"] == "Parameters":
            resource, at, more = _parts(resource)
            said += more
    return _read(said, resource, at)


def _read(said: list[tuple[str, str]], resource: Json | None, at: tuple[str | int, ...]) -> Asked:
    for name, _ in said:
        if name not in NAMES[1:]:
            raise UnknownParameter(f"$validate takes resource, mode and profile, not {name[:64]!r}.")
    modes = [value for name, value in said if name == "mode"]
    profiles = tuple(dict.fromkeys(value for name, value in said if name == "profile"))
    if len(modes) > 1 or (modes and modes[0] not in MODES):
        raise UnknownParameter(f"$validate: mode is one of {', '.join(MODES)}.")
    if len(profiles) > MOST_PROFILES or "" in profiles:
        raise UnknownParameter(f"$validate: profile is a canonical address, of {MOST_PROFILES} at most.")
    mode = modes[0] if modes else ""
    if mode == "profile" and not profiles:
        raise UnknownParameter("$validate: the mode profile needs a profile.")
    return Asked(resource, mode, profiles, at)


def _parts(parameters: Json) -> tuple[Json | None, tuple[str | int, ...], list[tuple[str, str]]]:
    resource, at, said = None, tuple[str | int, ...](), list[tuple[str, str]]()
    found = parameters.get("parameter", [])
    for number, one in enumerate(found if isinstance(found, list) else []):
        name = one.get("name") if isinstance(one, dict) else None
        if name == "resource" and resource is None and isinstance(one.get("resource"), dict):
            # Read again as a document of its own, so that its locations read as the sender's.
            resource, at = validation.parse(encode(one["resource"])), ("parameter", number, "resource")
        elif isinstance(name, str) and name in NAMES[1:]:
            said.append((name, _text(name, one)))
        else:
            raise Invalid("The Parameters of $validate are one resource, a mode, and profiles.", status=400)
    return resource, at, said


def _text(name: str, parameter: Json) -> str:
    values = list(_values(parameter))
    if len(values) != 1 or not isinstance(values[0], str):
        raise Invalid(f"The parameter {name} of $validate is one text.", status=400)
    return values[0]


def _values(parameter: Json) -> Iterator[object]:
    yield from (value for name, value in parameter.items() if name.startswith("value"))
