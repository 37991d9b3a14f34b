"""
How wide each field is in each version: what a version has no room for is left out, not sent out of place.

Read from hl7apy's tables, as the grammar is. HL7 v2 chapter 2.5 to 2.8
"""

from __future__ import annotations

import importlib
from dataclasses import dataclass
from functools import cache
from typing import Any

UNLIMITED = 1_000_000


@dataclass(frozen=True, slots=True)
class Shape:
    """One field: its data type, how often it may repeat, and how many subcomponents each component has room for."""

    datatype: str
    most: int
    components: tuple[int, ...]

    @property
    def open(self) -> bool:
        """True where anything may stand (OBX-5, and composites without a definition)."""
        return not self.components


@cache
def shapes(version: str, segment: str) -> tuple[Shape | None, ...]:
    """The fields of a segment by position; None for one that is withdrawn. () for a segment that it does not have."""
    table = importlib.import_module(f"hl7apy.v{version.replace('.', '_')}.segments").SEGMENTS
    if segment not in table:
        return ()
    listed = table[segment]
    entries = listed[1] if listed and listed[0] == "sequence" and len(listed) > 1 else listed
    fields = {int(e[0].rpartition("_")[2]): _shape(e[1], e[2][1]) for e in entries if len(e) == 4}
    return tuple(fields.get(at) for at in range(1, max(fields, default=0) + 1))


def _shape(reference: Any, most: int) -> Shape | None:
    kind, inner, name = (reference or ("leaf", None, "varies"))[:3]
    if name == "WD" or most == 0:
        return None
    times = most if most > 0 else UNLIMITED
    if name in (None, "varies", "CM"):
        return Shape(name or "varies", times, ())
    if kind == "leaf" or not inner:
        return Shape(name, times, (1,))
    return Shape(name, times, tuple(_width(component[1]) for component in inner))


@cache
def in_table(version: str, table: str, code: str) -> bool:
    """Whether a table of HL7 has this code in this version; True where the version has no such table."""
    try:
        tables = importlib.import_module(f"hl7apy.v{version.replace('.', '_')}.tables").TABLES
    except ModuleNotFoundError:
        return True
    return table not in tables or code in tables[table][1]


def _width(reference: Any) -> int:
    kind, inner = reference[:2]
    return 1 if kind == "leaf" or not inner else len(inner)
