"""
How a concept is called: in the language that is asked for, where it has a name in it.

https://hl7.org/fhir/R4/languages.html
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from terminology.tables.members import Member
from terminology.tables.system import Designation, Entry, System
from terminology.tables.words import folded

# What a designation is used for where it is the preferred name; others may be abbreviations or explanations.
NAMES = frozenset({"", "display", "preferredForLanguage", "900000000000003001"})


def display(entry: Entry, system: System, languages: Sequence[str]) -> str:
    """The name of a concept, in the first of the languages that it has one in, else its own."""
    return _first(entry.display, system.language, entry.designations, languages)


def shown(member: Member, languages: Sequence[str]) -> str:
    """The name of a code in a value set: the value set's own name goes first, the language asked for before that."""
    entry, system = member.entry, member.system
    own = member.display or (entry.display if entry else "")
    language = "" if member.display or system is None else system.language
    names = (*member.designations, *(entry.designations if entry else ()))
    return _first(own, language, names, languages)


def designations(member: Member) -> tuple[Designation, ...]:
    """Every other name."""
    entry = member.entry
    own = (Designation(entry.display, member.system.language),) if entry and member.system and entry.display else ()
    every = (*member.designations, *own, *(entry.designations if entry else ()))
    return tuple({(one.value, one.language): one for one in every}.values())


def _first(own: str, language: str, names: Iterable[Designation], languages: Sequence[str]) -> str:
    said = [one for one in names if str((one.use or {}).get("code", "")) in NAMES]
    for asked in languages:
        if own and language and speaks(language, asked):
            return own
        if (found := next((one.value for one in said if speaks(one.language, asked)), None)) is not None:
            return found
    return own


def speaks(language: str, asked: str) -> bool:
    """Whether something in a language will do where another is asked for: `en-GB` for `en`, `zh` for `zh-CN`."""
    have, want = language.lower(), asked.lower()
    return bool(have) and (have == want or have.startswith(f"{want}-") or want.startswith(f"{have}-"))


def is_named(names: Iterable[str], given: str) -> bool:
    """Whether a display is one of these names; case, width and blanks make no difference."""
    wanted = " ".join(folded(given).split())
    return any(" ".join(folded(one).split()) == wanted for one in names)
