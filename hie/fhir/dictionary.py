"""
The region's dictionary, as searches ask it.

https://hl7.org/fhir/R4/search.html#token
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from records.search.dictionary import Code
from terminology.service import Terminology


@dataclass(frozen=True, slots=True)
class RegionDictionary:
    """`records.search.dictionary.Dictionary` over the terminology service."""

    words: Terminology

    def members(self, value_set: str, /) -> Sequence[Code] | None:
        """The codes of a value set; where it takes all below a code of a finer system, those too."""
        found = self.words.value_set(value_set)
        if found is None:
            return None
        tops = [
            Code(part.system.partition("|")[0], top, finer=True)
            for part in found.include
            if self._by_prefix(part.system)
            for top in part.is_a
        ]
        listed = [Code(one.system, one.concept.code) for one in self.words.expand(value_set, count=100_000)]
        return [*tops, *listed]

    def below(self, system: str, code: str, /) -> Sequence[Code] | None:
        """By its beginning where the system is built so, else by the hierarchy that is loaded."""
        table = self.words.code_system(system)
        if table is None:
            return None
        if self._by_prefix(system):
            return [Code(system, code, finer=True)]
        found = (one for one in table.concepts if self.words.subsumes(system, code, one) in ("subsumes", "equivalent"))
        return [Code(system, one) for one in found] or [Code(system, code)]

    def above(self, system: str, code: str, /) -> Sequence[Code] | None:
        """The known codes that it is below of, and itself."""
        table = self.words.code_system(system)
        if table is None:
            return None
        found = (one for one in table.concepts if self.words.subsumes(system, one, code) == "subsumes")
        return [Code(system, code), *(Code(system, one) for one in found)]

    def _by_prefix(self, system: str) -> bool:
        table = self.words.code_system(system)
        return table is not None and table.hierarchy == "prefix"
