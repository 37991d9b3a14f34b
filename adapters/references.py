"""
References inside a resource: who is named, renamed.

https://hl7.org/fhir/R4/references.html
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any


def renamed(value: Any, names: Mapping[str, str]) -> Any:
    """The same value, with each reference that `names` has ("Patient/1") replaced by its new name."""
    if isinstance(value, dict):
        return {
            key: names.get(inner, inner) if key == "reference" and isinstance(inner, str) else renamed(inner, names)
            for key, inner in value.items()
        }
    if isinstance(value, list):
        return [renamed(inner, names) for inner in value]
    return value
