"""
What codes mean to each other, for searches by value set and by hierarchy; the stores know no dictionary themselves.

https://hl7.org/fhir/R4/search.html#token (`:in`, `:not-in`, `:above`, `:below`)
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from typing import NamedTuple, Protocol

from records.search.key import ANY_SYSTEM, SYSTEM_CODE, Condition, begins, either, equals, longer


class Code(NamedTuple):
    """A code; `finer`: every code that begins so is meant as well (ICD-10, ATC), `itself`: and not only those."""

    system: str
    code: str
    finer: bool = False
    itself: bool = True


class Dictionary(Protocol):
    """Each answer is None where the value set or the code system is not known."""

    async def members(self, value_set: str, /) -> Sequence[Code] | None:
        """The codes of a value set."""
        ...

    async def below(self, system: str, code: str, /) -> Sequence[Code] | None:
        """The code and everything that it subsumes."""
        ...

    async def above(self, system: str, code: str, /) -> Sequence[Code] | None:
        """The code and everything that subsumes it."""
        ...


class NoDictionary:
    """Knows nothing."""

    async def members(self, _value_set: str, /) -> Sequence[Code] | None:
        return None

    async def below(self, _system: str, _code: str, /) -> Sequence[Code] | None:
        return None

    async def above(self, _system: str, _code: str, /) -> Sequence[Code] | None:
        return None


NO_DICTIONARY = NoDictionary()


def condition(name: str, codes: Iterable[Code], systems: Collection[str] | None = None) -> Condition:
    """A document that has one of these codes; `systems`: it has a plain code, which is of one of them by definition."""
    exact, prefixes = list[str](), list[Condition]()
    for one in codes:
        key = f"{name}{SYSTEM_CODE}{one.system}|{one.code.lower()}"
        if systems is not None:
            if systems and one.system not in systems:
                continue
            key = f"{name}{ANY_SYSTEM}{one.code.lower()}"
        if one.finer:
            prefixes.append(begins(key) if one.itself else longer(key))
        else:
            exact.append(key)
    return either([*([equals(exact)] if exact else []), *prefixes])
