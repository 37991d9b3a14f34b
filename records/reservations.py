"""
What transactions that go by a condition have to take turns for: the condition, and the identifiers of what they write.

Two that ask the same, or whose resources meet each other's conditions, name a key in common; of these the later one
starts anew and sees what the first one made. https://hl7.org/fhir/R4/http.html#ccreate
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence

from records.search.values import split
from records.stored import Json

Params = Sequence[tuple[str, str]]


def keys_of_both(resource_type: str, params: Params, resource: Json) -> set[str]:
    """What a write of this resource under this condition takes turns for."""
    return keys_of_condition(resource_type, params) | keys_of_resource(resource)


def keys_of_condition(resource_type: str, params: Params) -> set[str]:
    """The keys of a condition: one an identifier where it asks for some, else one for the whole."""
    identifiers = [one for name, value in params if name == "identifier" for one in split(value, ",")]
    if identifiers:
        return {_key(f"{resource_type}?identifier={one}") for one in identifiers}
    return {_key(f"{resource_type}?" + "&".join(f"{name}={value}" for name, value in sorted(params)))}


def keys_of_resource(resource: Json) -> set[str]:
    """The keys of conditions that ask for an identifier of this resource."""
    given = resource.get("identifier") or ()
    found = set[str]()
    for one in given if isinstance(given, list) else (given,):
        if not isinstance(one, dict):
            continue
        system, value = one.get("system", ""), one.get("value")
        if value is not None:
            found |= {f"{system}|{value}", str(value)}
    return {_key(f"{resource['resourceType']}?identifier={one}") for one in found}


def _key(text: str) -> str:
    # The keys lie in the database for minutes: they name nobody.
    return hashlib.sha256(text.encode()).hexdigest()
