"""
JSON Patch, by the library that implements it.

https://www.rfc-editor.org/rfc/rfc6902
"""

from __future__ import annotations

from collections.abc import Iterator

import jsonpatch
from jsonpointer import JsonPointerException

from records.errors import Invalid
from records.stored import Json, encode
from records.validation import read_json

MOST = 1_000
MISFITS = (TypeError, AttributeError, RecursionError)
# A copy of a list into itself doubles it: after each one the size is looked at.
MOST_COPIES, MOST_BYTES = 50, 32_000_000


def apply(resource: Json, body: bytes) -> Json:
    """All operations or none; Invalid where one of them does not fit."""
    operations = read_json(body)
    if not isinstance(operations, list) or len(operations) > MOST:
        raise Invalid(f"A JSON Patch is a list of at most {MOST} operations.", status=400)
    if sum(isinstance(one, dict) and one.get("op") == "copy" for one in operations) > MOST_COPIES:
        raise Invalid(f"A JSON Patch has at most {MOST_COPIES} copies.", status=400)
    try:
        after: Json = resource
        for some in _portions(operations):
            after = jsonpatch.JsonPatch(some).apply(after)
            if len(encode(after)) > MOST_BYTES:
                raise Invalid("The patch makes more of the resource than a resource may be.")
    except jsonpatch.JsonPatchTestFailed as error:
        raise Invalid("A test of the patch does not hold.") from error
    except (jsonpatch.JsonPatchException, JsonPointerException, LookupError, *MISFITS) as error:
        # Its texts quote values of the resource: only the kind is told.
        raise Invalid(f"The patch cannot be applied: {type(error).__name__}.") from error
    return after


def _portions(operations: list[Json]) -> Iterator[list[Json]]:
    """The operations, each portion ending with a copy."""
    portion: list[Json] = []
    for one in operations:
        portion.append(one)
        if isinstance(one, dict) and one.get("op") == "copy":
            yield portion
            portion = []
    yield portion
