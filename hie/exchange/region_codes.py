"""
The region's own coding of a sender's code: by name of the same code system, or by a concept map.

A site's own map of local codes is applied earlier, by the adapter; what it gave is translated further here.
https://hl7.org/fhir/R4/conceptmap.html
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

from hie.exchange.steps.map_codes import CodePair, Coding, Mapper
from terminology.concepts import ConceptMap
from terminology.service import ALIASES, Terminology

# A target that means more or the same; a narrower one would say what nobody said.
FAITHFUL = frozenset({"equal", "equivalent", "wider"})


def mapper(terminology: Terminology) -> Mapper:
    """What the step `map_codes` asks."""
    maps = _by_source(terminology.concept_maps.values())

    async def translate(_site: str, codes: Sequence[CodePair]) -> Mapping[CodePair, Coding]:
        found = ((pair, region_coding(terminology, maps, pair)) for pair in codes)
        return {pair: coding for pair, coding in found if coding}

    return translate


def _by_source(maps: Iterable[ConceptMap]) -> dict[str, list[ConceptMap]]:
    listed: dict[str, list[ConceptMap]] = {}
    for one in maps:
        listed.setdefault(one.source_system, []).append(one)
    return listed


def region_coding(
    terminology: Terminology, maps: Mapping[str, Sequence[ConceptMap]], pair: CodePair
) -> dict[str, str] | None:
    """The region's coding, None where the code is one already or nobody knows it."""
    system, code = pair
    if canonical := ALIASES.get(system):
        return _coding(terminology, canonical, code)
    for one in maps.get(system, ()):
        for target in one.targets.get(code, ()):
            if target.equivalence in FAITHFUL and (coding := _coding(terminology, target.system, target.code)):
                return coding
    return None


def _coding(terminology: Terminology, system: str, code: str) -> dict[str, str] | None:
    # A code finer than our table is named after its ancestor by `display`: only a code that we hold gets its name.
    if terminology.display(system, code) is None:
        return None
    known = terminology.lookup(system, code)
    return {"system": system, "code": code} | ({"display": known.zh} if known else {})
