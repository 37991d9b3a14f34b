"""
Line and column of an element in the JSON that was sent, found only for what an issue is about.

https://hl7.org/fhir/R4/extension-operationoutcome-issue-line.html
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

Step = str | int
_decoder = json.JSONDecoder()
_BLANK = re.compile(r"[ \t\r\n]*")
_PART = re.compile(r"([A-Za-z_]\w*)(?:\[(\d+)\])?")


def steps(expression: str) -> list[Step]:
    """`Patient.name[0].given` as the names and numbers below the resource."""
    found: list[Step] = []
    for name, index in _PART.findall(expression.partition(".")[2]):
        found += [name, int(index)] if index else [name]
    return found


@dataclass(frozen=True, slots=True)
class Text:
    """A JSON document, as it was sent."""

    source: str

    def position(self, path: Sequence[Step]) -> tuple[int, int]:
        """(line, column), both from 1, of the value at a path, or of the nearest that is there around it."""
        at = _skip(self.source, 0)
        for step in path:
            inside = self._member(at, step)
            if inside is None:
                break
            at = inside
        before = self.source[:at]
        return before.count("\n") + 1, at - (before.rfind("\n") + 1) + 1

    def _member(self, at: int, step: Step) -> int | None:
        if isinstance(step, int):
            return next((place for number, place in enumerate(self._entries(at)) if number == step), None)
        return next((place for name, place in self._members(at) if name == step), None)

    def _members(self, at: int) -> Iterator[tuple[str, int]]:
        if self.source[at] != "{":
            return
        at = _skip(self.source, at + 1)
        while self.source[at] != "}":
            name, end = _decoder.raw_decode(self.source, at)
            at = _skip(self.source, _skip(self.source, end) + 1)
            yield name, at
            at = self._after(at)

    def _entries(self, at: int) -> Iterator[int]:
        if self.source[at] != "[":
            return
        at = _skip(self.source, at + 1)
        while self.source[at] != "]":
            yield at
            at = self._after(at)

    def _after(self, at: int) -> int:
        """Where the next member or entry begins, or the closing bracket stands."""
        end = _skip(self.source, _decoder.raw_decode(self.source, at)[1])
        return _skip(self.source, end + 1) if self.source[end] == "," else end


def _skip(source: str, at: int) -> int:
    found = _BLANK.match(source, at)
    return found.end() if found else at
