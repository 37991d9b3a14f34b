"""
A whole resource: what is wrong with it, and the refusal of one that is not valid.

https://hl7.org/fhir/R4/resource.html
"""

from __future__ import annotations

from records.errors import Invalid, Issue
from records.stored import Json
from records.validation.scope import Scope
from records.validation.shapes import NO_RESOURCE, kind_of, shape_of
from records.validation.walk import walk


def validate(resource: Json) -> list[Issue]:
    """Everything that is wrong with a resource; no text of it holds a value of the resource."""
    scope = Scope(resource)
    kind = kind_of(resource)
    if kind is None:
        return [Issue("", NO_RESOURCE, "structure")]
    walk(resource, shape_of(kind), (None, kind, -1), scope)
    return scope.found


def check(resource: Json) -> None:
    """Invalid, with its issues, unless it is a valid resource."""
    if issues := validate(resource):
        raise Invalid("The resource is not valid FHIR R4.", issues=issues)
