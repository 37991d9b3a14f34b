"""
JSON Patch, by the library that implements it.

https://www.rfc-editor.org/rfc/rfc6902
"""

from __future__ import annotations

import jsonpatch
from jsonpointer import JsonPointerException

from records.errors import Invalid
from records.stored import Json
from records.validation import read_json

MOST = 1_000


def apply(resource: Json, body: bytes) -> Json:
    """All operations or none; Invalid where one of them does not fit."""
    operations = read_json(body)
    if not isinstance(operations, list) or len(operations) > MOST:
        raise Invalid(f"A JSON Patch is a list of at most {MOST} operations.", status=400)
    try:
        after: Json = jsonpatch.JsonPatch(operations).apply(resource)
    except jsonpatch.JsonPatchTestFailed as error:
        raise Invalid("A test of the patch does not hold.") from error
    except (jsonpatch.JsonPatchException, JsonPointerException, TypeError, KeyError, AttributeError) as error:
        # Its texts quote values of the resource: only the kind is told.
        raise Invalid(f"The patch cannot be applied: {type(error).__name__}.") from error
    return after
