"""
Where the walk is and what it found: places are kept as links, and written out only for what is wrong.

https://hl7.org/fhir/R4/operationoutcome-definitions.html#OperationOutcome.issue.expression
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field

from records.errors import Issue
from records.stored import Json

# What it lies in, its name, its index in a list (or -1).
Place = tuple["Place | None", str, int]
MOST_ISSUES = 100
_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]{0,63}", re.ASCII).fullmatch


@dataclass(slots=True)
class Scope:
    """One walk over one resource (with what it contains): the resource, and everything found so far."""

    resource: Json
    found: list[Issue] = field(default_factory=list)

    def report(self, place: Place | None, name: str, text: str, code: str, index: int = -1) -> None:
        """Note a finding; a flood of them is cut."""
        if len(self.found) < MOST_ISSUES:
            self.found.append(Issue(expression((place, name, index) if name else place), text, code))


def expression(place: Place | None) -> str:
    """`Patient.name[0].given[1]`; a name that cannot be an element's is not repeated: it is the sender's text."""
    parts: list[str] = []
    while place is not None:
        place, name, index = place
        if _NAME(name):
            parts.append(f"{name}[{index}]" if index >= 0 else name)
    return ".".join(reversed(parts))
