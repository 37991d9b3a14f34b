"""
What codes mean to each other, as searches ask it: the same tables that the terminology service answers from.

https://hl7.org/fhir/R4/search.html#token
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from hie.fhir.operations.terminology.problems import refusal
from hie.fhir.operations.terminology.shelf import Shelf
from records.collections import Client, Collections
from records.search.dictionary import Code
from terminology.tables.finer import sought
from terminology.tables.library import same
from terminology.tables.system import System
from terminology.tables.undecided import Undecided


@dataclass(frozen=True, slots=True)
class RegionDictionary:
    """`records.search.dictionary.Dictionary` over what is stored, the region's dictionary and HL7's tables."""

    shelf: Shelf

    @classmethod
    def over(cls, client: Client, prefix: str) -> RegionDictionary:
        """The dictionary of a store."""
        return cls(Shelf(Collections(client, prefix)))

    async def members(self, value_set: str, /) -> Sequence[Code] | None:
        """The codes of a value set; where it takes all below a code of a finer system, those too."""
        library = await self.shelf.library(value_sets=[value_set])
        found = library.value_set(value_set)
        if found is None:
            return None
        try:
            return [Code(one.system, one.code, one.finer, one.itself) for one in sought(library, found)]
        except Undecided as problem:
            raise refusal(problem) from None

    async def below(self, system: str, code: str, /) -> Sequence[Code] | None:
        """By its beginning where the system is built so, else by the hierarchy that is held."""
        held = await self._system(system)
        if held is None:
            return None
        if held.hierarchy == "prefix":
            return [Code(same(held.url), code, finer=True)]
        return _codes(held, code, held.below(code))

    async def above(self, system: str, code: str, /) -> Sequence[Code] | None:
        """The known codes that it is below of, and itself."""
        held = await self._system(system)
        return None if held is None else _codes(held, code, held.above(code))

    async def _system(self, canonical: str) -> System | None:
        return (await self.shelf.library(systems=[canonical])).system(canonical)


def _codes(held: System, code: str, others: Iterable[str]) -> Sequence[Code]:
    """A code and others of its system, the code as the system writes it."""
    known = held.find(code)
    codes = dict.fromkeys((known.code if known else code, *sorted(others)))
    return [Code(same(held.url), one) for one in codes]
