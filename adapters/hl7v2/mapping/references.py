"""
References to what a message names without our knowing the resource: by identifier and name, as R4 allows.

https://hl7.org/fhir/R4/references.html#logical
"""

from __future__ import annotations

from typing import Any

Json = dict[str, Any]


def logical(resource_type: str, content: Json) -> Json:
    """A logical reference made of what is known of the resource, {} when nothing finds or names it."""
    if resource_type == "PractitionerRole":
        person = content.get("practitioner") or content.get("organization")
        return person if isinstance(person, dict) else {}
    found: Json = {"type": resource_type}
    identifiers = content.get("identifier") or []
    first = identifiers[0] if isinstance(identifiers, list) and identifiers else identifiers
    if first and first.get("value"):
        found["identifier"] = first
    if display := _name(content):
        found["display"] = display
    return found if len(found) > 1 else {}


def _name(content: Json) -> str:
    name = content.get("name") or content.get("description") or ""
    if isinstance(name, list):
        name = name[0] if name else ""
    if isinstance(name, dict):
        parts = (*name.get("prefix", ()), *name.get("given", ()), name.get("family", ""), *name.get("suffix", ()))
        return str(name.get("text") or " ".join(filter(None, parts)))
    return str(name)
