"""
What a row of a table looks at while it is carried out: its segment, the repetition in hand, and the segments around.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Protocol

from adapters.hl7v2.message import Segment, Value

_REFERENCE = re.compile(r"([A-Z][A-Z0-9]{1,2})(?:[-.](\d+))?(?:\.(\d+))?(?:\.(\d+))?")


NOTHING = Value()


class Times(Protocol):
    """Reads HL7 times; see adapters.hl7v2.to_fhir.times."""

    def date_time(self, text: str) -> str: ...
    def date(self, text: str) -> str: ...
    def instant(self, text: str) -> str: ...


@dataclass(frozen=True, slots=True)
class Reference:
    """`PID-13.2`: segment PID, field 13, component 2; `CX.4` of a data type: its component 4, the field being 0."""

    name: str
    field: int = 0
    component: int = 0
    subcomponent: int = 0

    @classmethod
    def of(cls, text: str) -> Reference:
        """Read `PID-13.2`, `CX.4`, `HD-3` or `OBR`; which of them is a data type is told by `in_type`."""
        match = _REFERENCE.fullmatch(text.strip())
        if match is None:
            raise ValueError(f"no reference: {text}")
        numbers = [int(number or 0) for number in match.groups()[1:]]
        return cls(match[1], *numbers)

    def in_type(self) -> Reference:
        """The same, read as a component of the value in hand (`HD-3` is written for `HD.3`)."""
        return Reference("", 0, self.field, self.component)


@dataclass(frozen=True, slots=True)
class Scope:
    """
    `value` is the repetition in hand of field `at` (0: the segment as a whole); inside of a data type it is the
    value itself, and `segment` what it stands in. `around` are the other segments of the group, by name.
    """

    segment: Segment
    value: Value = NOTHING
    at: int = 0
    around: Mapping[str, Segment] = field(default_factory=dict)

    def value_of(self, reference: Reference) -> Value:
        """The value that a reference means, as a value of its own."""
        found = self._field(reference)
        if not reference.component:
            return found
        part = found.part(reference.component)
        return part.part(reference.subcomponent) if reference.subcomponent else part

    def _field(self, reference: Reference) -> Value:
        if not reference.field:
            return self.value
        if reference.name == self.segment.name:
            return self.value if reference.field == self.at else self.segment[reference.field]
        other = self.around.get(reference.name)
        return other[reference.field] if other is not None else Value()

    def text(self, reference: Reference) -> str:
        """Its first text."""
        return self.value_of(reference)[1].strip()

    def is_valued(self, reference: Reference) -> bool:
        """True when anything is there; a segment without a field number is always there."""
        if not reference.field and not reference.component:
            return bool(self.value) or reference.name == self.segment.name
        return bool(self.value_of(reference))

    def count(self, reference: Reference) -> int:
        """How often the field repeats."""
        if reference.name == self.segment.name:
            return len(self.segment.all(reference.field))
        other = self.around.get(reference.name)
        return len(other.all(reference.field)) if other is not None else 0
