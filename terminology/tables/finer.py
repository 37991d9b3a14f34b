"""
The codes of a value set as a search asks for them: where all below a code is meant, by what a code begins with.

A hierarchy by prefix has codes that are finer than any that is held; a record may carry them all the same.
https://hl7.org/fhir/R4/search.html#token (`:in`, `:below`)
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from terminology.tables.library import Library, same
from terminology.tables.members import DEEPEST, members
from terminology.tables.membership import Membership
from terminology.tables.system import System, prefixes
from terminology.tables.undecided import Endless
from terminology.tables.value_set import ValueSet

# No code has this sign: what ends in it stands for every code that goes on.
ANY = "~"
MOST = 20_000


@dataclass(frozen=True, slots=True)
class Sought:
    """A code; `finer`: every code that begins so as well, `itself`: and not only those."""

    system: str
    code: str
    finer: bool = False
    itself: bool = True


def sought(library: Library, found: ValueSet) -> list[Sought]:
    """What a record must carry to be of a value set; Undecided where it cannot be listed."""
    listed = members(library, found)
    if len(listed.rows) > MOST:
        raise Endless(found.canonical)
    asked, open_systems = dict[tuple[str, str], Sought](), dict[str, System]()
    tops = [*_tops(library, found, 0)]
    for system in (*listed.used, *(one for one, _ in tops)):
        if system.hierarchy == "prefix":
            open_systems[same(system.url)] = system
    codes = [(one.url, one.code) for one in listed.rows]
    for url, code in (*((same(system.url), top) for system, top in tops), *codes):
        finer = url in open_systems and _goes_on(library, found, open_systems[url], code)
        itself = (url, code) in listed.keys
        if finer or itself:
            asked[url, code] = Sought(url, code, finer, itself)
    return [one for one in asked.values() if not _covered(one, asked)]


def _goes_on(library: Library, found: ValueSet, system: System, code: str) -> bool:
    """Whether every code that begins so is meant: nothing that is known below it is left out."""
    asks = Membership(library)
    below = [one for one in system.entries if code in prefixes(one)]
    going_on = (one + ANY for one in (code, *below))
    return all(asks.holds(found, system.url, one) is True for one in (*going_on, *below))


def _covered(one: Sought, asked: dict[tuple[str, str], Sought]) -> bool:
    above = (asked.get((one.system, code)) for code in prefixes(one.code))
    return any(other is not None and other.finer for other in above)


def _tops(library: Library, found: ValueSet, depth: int) -> Iterator[tuple[System, str]]:
    """The codes that a value set, or one that it takes codes of, names as the top of what it takes."""
    for part in found.include:
        system = library.system(part.system, part.version) if part.system else None
        if system is not None and system.hierarchy == "prefix":
            yield from ((system, one.value) for one in part.filters if one.op in ("is-a", "descendent-of"))
        for canonical in part.value_sets if depth < DEEPEST else ():
            inner = library.value_set(canonical)
            if inner is not None:
                yield from _tops(library, inner, depth + 1)
