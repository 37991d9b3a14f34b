"""
FHIRPath Patch: a Parameters resource whose operations add, insert, delete, replace and move.

https://hl7.org/fhir/R4/fhirpatch.html
"""

from __future__ import annotations

import copy
from collections.abc import Mapping
from typing import Any

from hie.fhir.patching.places import Place, find, repeats
from records.errors import Invalid
from records.stored import Json
from records.validation import parse


def apply(resource: Json, body: bytes) -> Json:
    """All operations or none; Invalid names the operation that does not fit."""
    parameters = parse(body)
    if parameters["resourceType"] != "Parameters":
        raise Invalid("A FHIRPath Patch is a Parameters resource.", status=400)
    after = copy.deepcopy(resource)
    for number, operation in enumerate(parameters.get("parameter", ())):
        try:
            _apply(after, _parts(operation))
        except Invalid as error:
            raise Invalid(f"Operation {number + 1} of the patch: {error.text}") from error
    return after


def _parts(operation: Json) -> dict[str, Any]:
    if operation.get("name") != "operation":
        raise Invalid("Every parameter of a patch is an operation.")
    return {str(part.get("name")): _value(part) for part in operation.get("part", ())}


def _value(part: Mapping[str, Any]) -> Any:
    if "part" in part:
        # An element without a datatype of its own: its members are parts again.
        return {str(one.get("name")): _value(one) for one in part["part"]}
    return next((value for name, value in part.items() if name.startswith("value")), None)


def _apply(resource: Json, parts: Mapping[str, Any]) -> None:
    path = str(parts.get("path", ""))
    match parts.get("type"):
        case "add":
            _add(resource, path, str(parts.get("name", "")), parts.get("value"))
        case "insert":
            _list(resource, path).insert(_index(parts, "index"), _given(parts))
        case "delete":
            _delete(resource, path)
        case "replace":
            place = _one(find(resource, path))
            place.holder[place.key] = _given(parts)
        case "move":
            found = _list(resource, path)
            source, destination = _index(parts, "source"), _index(parts, "destination")
            if source >= len(found) or destination >= len(found):
                raise Invalid("source and destination are places of the list.")
            found.insert(destination, found.pop(source))
        case _:
            raise Invalid("type is one of add, insert, delete, replace, move.")


def _add(resource: Json, path: str, name: str, value: Any) -> None:
    holder = resource if path == resource["resourceType"] else _one(find(resource, path)).value
    if not isinstance(holder, dict) or not name or value is None:
        raise Invalid("add needs the path of an object, a name and a value.")
    if repeats(resource, path, name):
        holder.setdefault(name, []).append(value)
    elif name in holder:
        raise Invalid("The element is there already and does not repeat.")
    else:
        holder[name] = value


def _delete(resource: Json, path: str) -> None:
    places = find(resource, path)
    if len(places) > 1:
        raise Invalid("The path of a delete points at one element.")
    for place in places:
        del place.holder[place.key]
        if place.holder == []:
            _drop_empty(resource)


def _drop_empty(node: Any) -> None:
    """FHIR knows no empty list: what lost its last entry goes."""
    if isinstance(node, dict):
        for name in [name for name, value in node.items() if value == []]:
            del node[name]
    for inner in node.values() if isinstance(node, dict) else node if isinstance(node, list) else ():
        _drop_empty(inner)


def _one(places: list[Place]) -> Place:
    if len(places) != 1:
        raise Invalid(f"The path points at {len(places)} elements, not at one.")
    return places[0]


def _list(resource: Json, path: str) -> list[Any]:
    places = find(resource, path)
    if not places or not isinstance(places[0].holder, list):
        raise Invalid("The path points at no list.")
    found: list[Any] = places[0].holder
    return found


def _index(parts: Mapping[str, Any], name: str) -> int:
    value = parts.get(name)
    if not isinstance(value, int) or value < 0:
        raise Invalid(f"{name} is a place of the list, counted from 0.")
    return value


def _given(parts: Mapping[str, Any]) -> Any:
    if parts.get("value") is None:
        raise Invalid("The operation needs a value.")
    return parts["value"]
