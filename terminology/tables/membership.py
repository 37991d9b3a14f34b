"""
Whether a code is of a value set: yes, no, or that it cannot be said, with the reason; nothing is listed for it.

https://hl7.org/fhir/R4/valueset.html#compositions, https://hl7.org/fhir/R4/valueset-operation-validate-code.html
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field, replace

from terminology.tables.filters import Filter, select, takes_finer
from terminology.tables.library import Library, same
from terminology.tables.members import DEEPEST
from terminology.tables.system import System
from terminology.tables.undecided import Fragment, NotOffered, Undecided, UnknownSystem, UnknownValueSet
from terminology.tables.value_set import Part, ValueSet


@dataclass(frozen=True, slots=True)
class Membership:
    """Asks about codes; `doubts` collects why something could not be said."""

    library: Library
    doubts: list[Undecided] = field(default_factory=list)
    within: tuple[str, ...] = ()

    def holds(self, found: ValueSet, system: str | None, code: str) -> bool | None:
        """Whether a code is a member; `system` None: a plain code, of whichever system."""
        if found.canonical in self.within or len(self.within) > DEEPEST:
            return self._doubt(NotOffered(found.canonical))
        inner = replace(self, within=(*self.within, found.canonical))
        if not found.include:
            return self._expanded(found, system, code)
        included = either(inner._part(one, system, code) for one in found.include)
        excluded = either(inner._part(one, system, code) for one in found.exclude)
        answer = both([included, None if excluded is None else not excluded])
        if answer and not found.inactive and any(self._inactive(one, code) for one in _asked(found, system)):
            return False
        return answer

    def of_system(self, system: str, code: str, version: str = "") -> bool | None:
        """Whether a code is one of a system."""
        if (grammar := self.library.grammars.get(same(system))) is not None:
            return grammar(code)
        held = self.library.system(system, version)
        if held is None:
            return self._doubt(UnknownSystem(system))
        if held.find(code) is not None:
            return True
        return False if held.content == "complete" else self._doubt(Fragment(held.canonical))

    def _part(self, part: Part, system: str | None, code: str) -> bool | None:
        """All that a part asks: its system's codes, and being in each of its value sets."""
        answers = [self._set(one, system, code) for one in part.value_sets]
        if part.system:
            answers.append(self._of_part(part, system, code))
        return both(answers) if answers else False

    def _set(self, canonical: str, system: str | None, code: str) -> bool | None:
        found = self.library.value_set(canonical)
        return self._doubt(UnknownValueSet(canonical)) if found is None else self.holds(found, system, code)

    def _of_part(self, part: Part, system: str | None, code: str) -> bool | None:
        if system is not None and same(system) != same(part.system):
            return False
        if part.listed:
            return self._listed(part, code)
        if not part.filters:
            return self.of_system(part.system, code, part.version)
        held = self.library.system(part.system, part.version)
        if held is None:
            return self._doubt(UnknownSystem(part.system))
        return both([self._filtered(held, one, code) for one in part.filters])

    def _listed(self, part: Part, code: str) -> bool:
        held = self.library.system(part.system, part.version)
        known = held.find(code) if held else None
        if held is not None and known is None and held.content == "complete":
            return False
        return any(one.code in (code, known.code if known else code) for one in part.listed)

    def _filtered(self, held: System, asked: Filter, code: str) -> bool | None:
        known = held.find(code)
        if known is None:
            if (finer := takes_finer(held, asked, code)) is not None:
                return finer
            return False if held.content == "complete" else self._doubt(Fragment(held.canonical))
        try:
            return known.code in select(held, asked)
        except Undecided as doubt:
            return self._doubt(doubt)

    def _expanded(self, found: ValueSet, system: str | None, code: str) -> bool | None:
        named = [one for one in found.contained if one.listed.code == code]
        if any(system is None or same(one.system) == same(system) for one in named):
            return True
        return False if found.contained and found.whole else self._doubt(NotOffered(found.canonical))

    def _inactive(self, system: str, code: str) -> bool:
        held = self.library.system(system)
        known = held.find(code) if held else None
        return known is not None and known.inactive

    def _doubt(self, doubt: Undecided) -> bool | None:
        self.doubts.append(doubt)
        return None


def _asked(found: ValueSet, system: str | None) -> Iterable[str]:
    return [*found.systems] if system is None else [system]


def either(answers: Iterable[bool | None]) -> bool | None:
    """Yes where one says yes; no only where all say no."""
    found = list(answers)
    return True if True in found else None if None in found else False


def both(answers: Iterable[bool | None]) -> bool | None:
    """No where one says no; yes only where all say yes."""
    found = list(answers)
    return False if False in found else None if None in found else True
