"""
Map codes: beside each local code the region's own, where the terminology service knows one.

The sender's coding stays first and as sent; what has no mapping is counted for the terminologist.
https://hl7.org/fhir/R4/terminologies.html#code
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from adapters.facts import Fact, Translation
from hie.exchange.work import Work

Coding = Mapping[str, str]
CodePair = tuple[str, str]
Mapper = Callable[[str, Sequence[CodePair]], Awaitable[Mapping[CodePair, Coding]]]
"""(site id, codes) -> the region's coding for those that have one."""


@dataclass(frozen=True, slots=True)
class MapCodes:
    """Ask once for all codes of a message; without a mapper nothing changes."""

    mapper: Mapper | None = None

    async def __call__(self, work: Work) -> Work:
        codes = [pair for pair in map(_pair, _codings(work.translation.facts)) if pair[0] and pair[1]]
        if self.mapper is None or not codes:
            return work
        known = await self.mapper(work.entry.site, list(dict.fromkeys(codes)))
        return replace(work, translation=_mapped(work.translation, known)) if known else work


def _pair(coding: Mapping[str, Any]) -> CodePair:
    return str(coding.get("system", "")), str(coding.get("code", ""))


def _codings(facts: Sequence[Fact]) -> list[Mapping[str, Any]]:
    """Every coding of a CodeableConcept inside the resources."""
    found: list[Mapping[str, Any]] = []
    for fact in facts:
        _collect(fact.resource, found)
    return found


def _collect(value: Mapping[str, Any], found: list[Mapping[str, Any]]) -> None:
    if isinstance(codings := value.get("coding"), list):
        found += codings
    for inner in value.values():
        if isinstance(inner, dict):
            _collect(inner, found)
        elif isinstance(inner, list):
            for one in inner:
                if isinstance(one, dict):
                    _collect(one, found)


def _mapped(translation: Translation, known: Mapping[CodePair, Coding]) -> Translation:
    facts = tuple(replace(fact, resource=_with_codes(fact.resource, known)) for fact in translation.facts)
    left = tuple(u for u in translation.unmapped if (u.system, u.code) not in known)
    return replace(translation, facts=facts, unmapped=left)


def _with_codes(value: Any, known: Mapping[CodePair, Coding]) -> Any:
    if isinstance(value, list):
        return [_with_codes(inner, known) for inner in value]
    if not isinstance(value, dict):
        return value
    mapped = {name: _with_codes(inner, known) for name, inner in value.items()}
    if isinstance(codings := mapped.get("coding"), list):
        added = [dict(known[pair]) for coding in codings if (pair := _pair(coding)) in known]
        mapped["coding"] = codings + [coding for coding in added if coding not in codings]
    return mapped
