"""
References point at the types that the standard names for them.

https://hl7.org/fhir/R4/references.html
"""

from __future__ import annotations

import re
from typing import Any

from records.definitions import definitions

_LITERAL = re.compile(r"(?:https?://.+/)?([A-Z][A-Za-z]+)/[A-Za-z0-9\-.]{1,64}(?:/_history/[A-Za-z0-9\-.]{1,64})?")


def is_allowed(reference: dict[str, Any], targets: frozenset[str]) -> bool:
    """False where the reference says a type, and it is none of the allowed ones."""
    literal = reference.get("reference")
    found = _LITERAL.fullmatch(literal) if isinstance(literal, str) else None
    named = found[1] if found and definitions().is_resource(found[1]) else None
    stated = reference.get("type")
    return (named is None or named in targets) and (
        not isinstance(stated, str) or not definitions().is_resource(stated) or stated in targets
    )
