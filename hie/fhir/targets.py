"""
The writing entries of a transaction, read: which resource each is about, by id or by condition.

https://hl7.org/fhir/R4/bundle.html#transaction
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass

import msgspec

from hie.errors import HieError
from hie.fhir.call import Call, Params
from hie.fhir.conditions import condition, if_none_exist
from hie.fhir.entries import address
from hie.fhir.submission import Entry
from records.definitions import definitions
from records.errors import Invalid, RecordError
from records.reservations import keys_of_condition, keys_of_resource
from records.stored import Json, decode

ACTIONS = {"POST": "create", "PUT": "update", "PATCH": "patch", "DELETE": "delete"}


class _Named(msgspec.Struct):
    id: str | None = None


_named = msgspec.json.Decoder(_Named)


@dataclass(frozen=True, slots=True)
class Target:
    """The address of a writing entry, read: by id, or by condition (an empty one where there is neither)."""

    entry: Entry
    type: str
    id: str = ""
    condition: Params = ()

    @property
    def action(self) -> str:
        return ACTIONS[self.entry.method]


def read_target(call: Call, entry: Entry) -> Target:
    """Read an entry's address; Invalid where it makes no sense."""
    path, query = address(call, entry)
    if not path or len(path) > 2 or path[0] not in definitions().resource_types:
        raise Invalid("request.url is no resource of this server.", status=400)
    if len(path) == 2 and path[1][:1] in "$_":
        raise Invalid("An operation has its place in a batch: a transaction cannot take it back.", status=400)
    if entry.method in ("POST", "PUT", "PATCH") and not entry.resource:
        raise Invalid(f"{entry.method} needs a resource.", status=400)
    if entry.method in ("POST", "PUT"):
        named(entry)
    match entry.method, len(path), bool(query):
        case "POST", 1, False:
            header = entry.headers.get("if-none-exist")
            return Target(entry, path[0], condition=if_none_exist(header) if header else ())
        case "PUT" | "PATCH" | "DELETE", 2, False:
            return _by_id(entry, path[0], path[1])
        case "PUT" | "PATCH" | "DELETE", 1, True:
            return Target(entry, path[0], condition=condition(query))
    raise Invalid(f"{entry.method} is not taken there.", status=400)


def _by_id(entry: Entry, resource_type: str, resource_id: str) -> Target:
    if entry.method == "PUT" and named(entry) != resource_id:
        raise Invalid("The id in the body must be the id in the address.", status=400)
    return Target(entry, resource_type, resource_id)


def named(entry: Entry) -> str | None:
    """The id of the entry's resource, read without the rest of it."""
    try:
        return _named.decode(entry.resource).id
    except msgspec.ValidationError as error:
        raise Invalid("The entry's resource is no object, or its id no text.", status=400) from error


def _identified(target: Target) -> Json:
    resource = decode(target.entry.resource)
    return {"resourceType": target.type, "identifier": resource.get("identifier")}


def keys_of(targets: Iterable[Target]) -> set[str]:
    """What the transaction takes turns for: its conditions, and the identifiers it writes to types under one."""
    known = list(targets)
    under = {one.type for one in known if one.condition and one.entry.method in ("POST", "PUT")}
    keys = set[str]()
    for one in known:
        if one.type in under and one.entry.method in ("POST", "PUT"):
            keys |= keys_of_resource(_identified(one))
            keys |= keys_of_condition(one.type, one.condition) if one.condition else set()
    return keys


@contextmanager
def located(entry: Entry) -> Iterator[None]:
    """A refusal says which entry it is about."""
    try:
        yield
    except (RecordError, HieError) as error:
        place = f"Bundle.entry[{entry.number}]"
        if not error.text.startswith(place):
            error.text = f"{place}: {error.text}"
        raise
