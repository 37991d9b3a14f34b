"""
Required bindings: the code is one of those that the standard lists.

https://hl7.org/fhir/R4/terminologies.html#required
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from typing import Any

from records.definitions import definitions

Codes = Mapping[str, frozenset[str]]


def is_bound(value_set: str, value: Any) -> bool:
    """A code, Coding, CodeableConcept or Quantity with such a code; True where the value set lists not all codes."""
    if isinstance(value, str):
        codes = _any_system(value_set)
        return codes is None or value in codes
    listed = definitions().value_sets.get(value_set)
    if listed is None or not isinstance(value, dict):
        return True
    codings = value.get("coding", (value,) if "code" in value else ())
    if not isinstance(codings, list | tuple) or not codings:
        # A concept may be text alone where no code fits; cardinality is checked elsewhere.
        return True
    return any(_contains(listed, one) for one in codings)


def _contains(listed: Codes, coding: Any) -> bool:
    return isinstance(coding, dict) and coding.get("code") in listed.get(str(coding.get("system", "")), frozenset())


@cache
def _any_system(value_set: str) -> frozenset[str] | None:
    listed = definitions().value_sets.get(value_set)
    return None if listed is None else frozenset().union(*listed.values())
