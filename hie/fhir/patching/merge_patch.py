"""
JSON Merge Patch: what is given replaces, null removes, objects are merged.

https://www.rfc-editor.org/rfc/rfc7396
"""

from __future__ import annotations

from typing import Any

from records.errors import Invalid
from records.stored import Json
from records.validation import read_json


def apply(resource: Json, body: bytes) -> Json:
    """The merged resource; Invalid where the patch is no object."""
    patch = read_json(body)
    if not isinstance(patch, dict):
        raise Invalid("A merge patch of a resource is an object.", status=400)
    merged: Json = _merged(resource, patch)
    return merged


def _merged(target: Any, patch: Any) -> Any:
    if not isinstance(patch, dict):
        return patch
    found = dict(target) if isinstance(target, dict) else {}
    for name, value in patch.items():
        if value is None:
            found.pop(name, None)
        else:
            found[name] = _merged(found.get(name), value)
    return found
