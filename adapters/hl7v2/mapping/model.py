"""
A row of a mapping table, and a table of rows: what `build` writes and `load` reads.
"""

from __future__ import annotations

from dataclasses import dataclass, field

from adapters.hl7v2.mapping.paths import Step


@dataclass(frozen=True, slots=True)
class Row:
    """
    One row: what stands `at` a field or component goes to the element at the end of `steps`.

    `condition` is in the guide's syntax, `through` names a table for the data type, `codes` a table of codes,
    `value` is an assignment instead of the field's own text. `path` is the target as it was written.
    """

    at: str
    path: str
    steps: tuple[Step, ...]
    condition: str = ""
    through: str = ""
    codes: str = ""
    value: str = ""

    @property
    def element(self) -> str:
        """The first element of the target, "" where the row speaks of the whole resource."""
        return self.steps[0].name if self.steps else ""


@dataclass(frozen=True, slots=True)
class Table:
    """The rows of `PID[Patient]` or `CX[Identifier]`; `root` is the resource or data type that they describe."""

    name: str
    root: str
    rows: tuple[Row, ...]
    is_segment: bool

    @property
    def source(self) -> str:
        """`PID`, `CX`."""
        return self.name.partition("[")[0]


@dataclass(frozen=True, slots=True)
class Codes:
    """A table of codes: HL7 code to (system, code, display); `system` is that of the codes sent ("HL70001")."""

    name: str
    system: str
    targets: dict[str, tuple[str, str, str]] = field(default_factory=dict)

    def of(self, code: str) -> tuple[str, str, str] | None:
        """The target of a code, as it is written or in capitals."""
        return self.targets.get(code) or self.targets.get(code.upper())


@dataclass(frozen=True, slots=True)
class Left:
    """A row that is not carried out from the tables, and why."""

    table: str
    at: str
    path: str
    reason: str
