"""
What a write has no use for: a query that would be passed over is refused, so that nobody takes it for a condition.

https://hl7.org/fhir/R4/http.html#general
"""

from __future__ import annotations

from hie.fhir.call import Call
from records.errors import UnknownParameter

FORM = frozenset({"_format", "_pretty"})


def form_alone(call: Call, hint: str = "") -> None:
    """UnknownParameter where the query says more than the form of the answer."""
    for name, _ in call.query:
        if name not in FORM:
            raise UnknownParameter(f"Nothing here takes the parameter {name[:64]!r}. {hint}".rstrip())
