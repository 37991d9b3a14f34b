"""
Which codes a value set has, listed; made once for each content and kept.

https://hl7.org/fhir/R4/valueset.html#expansion, https://hl7.org/fhir/R4/valueset-operation-expand.html
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from itertools import chain

from terminology.tables.filters import select
from terminology.tables.library import Library, same
from terminology.tables.system import Designation, Entry, System
from terminology.tables.undecided import Endless, NotOffered, UnknownSystem, UnknownValueSet
from terminology.tables.value_set import Contained, Part, ValueSet
from terminology.tables.words import Words

DEEPEST = 10
MOST_KEPT, MOST_ROWS = 256, 500_000
_kept: OrderedDict[tuple[str, str], Members] = OrderedDict()
Key = tuple[str, str]


@dataclass(frozen=True, slots=True)
class Member:
    """A code of a value set: `system` None where its system is not held here. Names of the value set's own go first."""

    url: str
    code: str
    version: str = ""
    system: System | None = None
    display: str = ""
    designations: tuple[Designation, ...] = ()
    abstract: bool = False
    inactive: bool = False

    @property
    def entry(self) -> Entry | None:
        """The concept, where its system is held here."""
        return self.system.entries.get(self.code) if self.system else None

    @property
    def is_inactive(self) -> bool:
        """Whether it is no longer to be used."""
        return self.inactive or (self.entry is not None and self.entry.inactive)

    @property
    def is_abstract(self) -> bool:
        """Whether it is only for grouping."""
        return self.abstract or (self.entry is not None and self.entry.abstract)


@dataclass(frozen=True)
class Members:
    """All of them, in order; `used` are the systems that they are of, `open` says that there may be others."""

    rows: tuple[Member, ...]
    used: tuple[System, ...]
    value_sets: tuple[str, ...]
    open: bool = False

    @cached_property
    def keys(self) -> frozenset[Key]:
        """System and code of each."""
        return frozenset((one.url, one.code) for one in self.rows)

    def having(self, text: str) -> Sequence[Member]:
        """Those whose code or a name contains every word."""
        if not text.strip():
            return self.rows
        found: set[int] = set()
        for system in self.used:
            places = self._places.get(system.key, {})
            found.update(places[at] for at in system.words.having(text) if at in places)
        words, rows = self._others
        found.update(rows[at] for at in words.having(text))
        return [self.rows[at] for at in sorted(found)]

    @cached_property
    def _places(self) -> Mapping[str, Mapping[int, int]]:
        """By system, and by the place of the concept in it: the row."""
        found: dict[str, dict[int, int]] = {}
        for row, one in enumerate(self.rows):
            if one.system is not None and one.code in one.system.places:
                found.setdefault(one.system.key, {})[one.system.places[one.code]] = row
        return found

    @cached_property
    def _others(self) -> tuple[Words, Sequence[int]]:
        """The words of rows whose names are not their system's, and their numbers."""
        rows = [at for at, one in enumerate(self.rows) if one.entry is None or one.display or one.designations]
        texts = ("\n".join((self.rows[at].code, *_names(self.rows[at]))) for at in rows)
        return Words(texts), rows


def _names(one: Member) -> Iterator[str]:
    yield from (name for name in (one.display, *(other.value for other in one.designations)) if name)


def members(library: Library, found: ValueSet) -> Members:
    """The codes of a value set; raises Undecided where they cannot be listed."""
    key = found.key, library.key
    kept = _kept.get(key)
    if kept is None:
        kept = _kept[key] = Listing(library).of(found)
        while len(_kept) > MOST_KEPT or (len(_kept) > 1 and sum(len(one.rows) for one in _kept.values()) > MOST_ROWS):
            _kept.popitem(last=False)
    else:
        _kept.move_to_end(key)
    return kept


@dataclass(frozen=True, slots=True)
class Listing:
    """Lists a value set and those that it takes codes of; `within` are the ones on the way."""

    library: Library
    within: tuple[str, ...] = ()

    def of(self, found: ValueSet) -> Members:
        """Every member of a value set."""
        if found.canonical in self.within or len(self.within) > DEEPEST:
            raise NotOffered(found.canonical)
        inner = replace(self, within=(*self.within, found.canonical))
        if not found.include:
            return _contained(found)
        taken = [inner.part(one) for one in found.include]
        out = [inner.part(one).keys for one in found.exclude]
        rows: dict[Key, Member] = {}
        for one in chain.from_iterable(part.rows for part in taken):
            if not any((one.url, one.code) in keys for keys in out):
                rows.setdefault((one.url, one.code), one)
        kept = tuple(one for one in rows.values() if found.inactive or not one.is_inactive)
        return Members(
            kept,
            tuple({system.key: system for part in taken for system in part.used}.values()),
            tuple(dict.fromkeys(one for part in taken for one in part.value_sets)),
            any(part.open for part in taken),
        )

    def part(self, part: Part) -> Members:
        """The codes of one part."""
        sets = [self._set(one) for one in part.value_sets]
        names = tuple(dict.fromkeys(chain(part.value_sets, *(one.value_sets for one in sets))))
        first, *rest = [self._of_system(part), *sets] if part.system else sets or [Members((), (), ())]
        rows = tuple(one for one in first.rows if all((one.url, one.code) in other.keys for other in rest))
        return Members(rows, first.used, names, first.open and all(other.open for other in rest))

    def _set(self, canonical: str) -> Members:
        found = self.library.value_set(canonical)
        if found is None:
            raise UnknownValueSet(canonical)
        return self.of(found)

    def _of_system(self, part: Part) -> Members:
        system = self.library.system(part.system, part.version)
        if part.listed:
            return self._listed(part, system)
        if system is None:
            raise (Endless if same(part.system) in self.library.grammars else UnknownSystem)(part.system)
        codes = None
        for one in part.filters:
            found = select(system, one)
            codes = found if codes is None else codes & found
        url = same(system.url)
        rows = tuple(
            Member(url, code, system.version, system)
            for code in (system.entries if codes is None else sorted(codes, key=system.places.__getitem__))
        )
        return Members(rows, (system,), (), system.content != "complete")

    def _listed(self, part: Part, system: System | None) -> Members:
        url = same(system.url if system else part.system)
        version = system.version if system else part.version
        rows = []
        for one in part.listed:
            entry = system.find(one.code) if system else None
            if system is None or entry is not None or system.content != "complete":
                code = entry.code if entry else one.code
                rows.append(Member(url, code, version, system, one.display, one.designations))
        return Members(tuple(rows), (system,) if system else (), ())


def _contained(found: ValueSet) -> Members:
    """The expansion that a value set came with; one that says nothing at all is not taken for empty."""
    if not found.contained:
        raise NotOffered(found.canonical)
    return Members(tuple(_from(one) for one in found.contained), (), (), not found.whole)


def _from(one: Contained) -> Member:
    said = one.listed
    return Member(
        same(one.system), said.code, one.version, None, said.display, said.designations, one.abstract, one.inactive
    )
