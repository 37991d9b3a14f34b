"""
Whether a code that was asked about is right as it was sent, in words.

What cannot be said is an error, never a no. Of a code system that is held in part, a code that is not in the part is
not confirmed, and the message says so.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from hie.fhir.operations.terminology.codings import Coding
from hie.fhir.operations.terminology.problems import NotEvaluated, refusal
from terminology.tables.naming import display, is_named
from terminology.tables.system import Entry, System
from terminology.tables.undecided import Fragment, Undecided
from terminology.tables.value_set import Listed

ABSTRACT = "The code is only for grouping, and abstract codes are not wanted."
WRONG_NAME = "The code is valid; the display is not one of its names."
FINER = "The code is finer than what is held here; it lies below a code that is a member."


@dataclass(frozen=True, slots=True)
class Case:
    """
    One coding and what the tables say of it: `answer` None where they cannot say, and `doubts` why.

    `system` is where its names are; `listed` are the names that a value set gives it. `refused` is said where it is
    not one.
    """

    coding: Coding
    answer: bool | None
    refused: str
    doubts: Sequence[Undecided] = ()
    system: System | None = None
    listed: Sequence[Listed] = ()

    @property
    def entry(self) -> Entry | None:
        """The concept, where it is held."""
        return self.system.find(self.coding.code) if self.system else None

    @property
    def names(self) -> Iterator[str]:
        """Every name that it may go by."""
        for one in self.listed:
            yield from (name for name in (one.display, *(other.value for other in one.designations)) if name)
        if self.entry is not None:
            yield from self.entry.names


@dataclass(frozen=True, slots=True)
class Finding:
    """What came of one coding."""

    result: bool
    display: str = ""
    message: str = ""


def judged(case: Case, languages: Sequence[str], *, abstract: bool) -> Finding:
    """The finding; raises where nothing can be said."""
    entry, names = case.entry, [*case.names]
    shown = display(entry, case.system, languages) if entry and case.system else next(iter(names), "")
    if case.answer is None:
        return Finding(False, shown, _undecided(case.doubts))
    if not case.answer:
        return Finding(False, shown, case.refused)
    if entry is not None and entry.abstract and not abstract:
        return Finding(False, shown, ABSTRACT)
    if case.coding.display is not None and names and not is_named(names, case.coding.display):
        return Finding(False, shown, WRONG_NAME)
    finer = entry is None and case.system is not None and case.system.nearest(case.coding.code) is not None
    return Finding(True, shown, FINER if finer else "")


def _undecided(doubts: Sequence[Undecided]) -> str:
    others = [one for one in doubts if not isinstance(one, Fragment)]
    if others:
        raise refusal(others[0])
    if not doubts:
        raise NotEvaluated("Whether this is a code of the system cannot be said here.")
    held = doubts[0].subject[:200]
    return f"The code is not in the part of {held} that is held here; whether it is in the rest cannot be said."
