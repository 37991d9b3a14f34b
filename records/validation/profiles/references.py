"""
What a reference means inside of what was sent: a contained resource, or an entry of the same bundle.

https://hl7.org/fhir/R4/references.html#contained, https://hl7.org/fhir/R4/bundle.html#references
"""

from __future__ import annotations

import re
from dataclasses import replace
from typing import Any

from records.definitions import definitions
from records.stored import Json
from records.validation.profiles.items import Item, root_of
from records.validation.shapes import kind_of

_TYPE = re.compile(r"(?:^|/)([A-Z][A-Za-z]*)/[A-Za-z0-9\-.]{1,64}(?:/_history/[A-Za-z0-9\-.]{1,64})?$", re.ASCII)


def resolved(reference: Json, item: Item) -> Item | None:
    """The contained resource or the entry of the same bundle that a Reference of this item means."""
    literal = reference.get("reference")
    if not isinstance(literal, str):
        return None
    if literal.startswith("#"):
        inside = _list(item.resource, "contained")
        found = next((one for one in inside if isinstance(one, dict) and one.get("id") == literal[1:]), None)
        return _as_item(item, found) if found is not None else None
    for entry in _list(item.root, "entry") if item.root.get("resourceType") == "Bundle" else []:
        resource = entry.get("resource") if isinstance(entry, dict) else None
        if isinstance(resource, dict) and literal in _addresses(entry, resource):
            return _as_item(item, resource)
    return None


def _list(resource: Json, name: str) -> list[Any]:
    found = resource.get(name)
    return found if isinstance(found, list) else []


def _addresses(entry: Json, resource: Json) -> set[str]:
    return {str(entry.get("fullUrl")), f"{resource.get('resourceType')}/{resource.get('id')}"}


def _as_item(item: Item, resource: Json) -> Item | None:
    """The resource by itself; where it lies in what was sent is of no account for what is asked of it."""
    if kind_of(resource) is None:
        return None
    return replace(root_of(resource), root=item.root)


def kind_of_reference(reference: Json) -> str | None:
    """The resource type that a Reference names; None where it names none."""
    literal = reference.get("reference")
    found = _TYPE.search(literal) if isinstance(literal, str) else None
    kind = found[1] if found else reference.get("type")
    return kind if isinstance(kind, str) and definitions().is_resource(kind) else None
