"""
Validation: what is no FHIR R4 resource is refused, with every place that is wrong and never its value.

Driven by tables compiled from the official definitions. https://hl7.org/fhir/R4/validation.html
"""

from __future__ import annotations

from records.errors import Invalid, Issue
from records.stored import Json
from records.validation.reading import parse, read_json
from records.validation.structure import validate

__all__ = ["check", "parse", "read_json", "validate"]


def check(resource: Json) -> None:
    """Raise Invalid with every finding where a resource is not valid."""
    issues: list[Issue] = validate(resource)
    if issues:
        raise Invalid(f"The resource is not a valid {resource.get('resourceType')}.", issues=issues)
