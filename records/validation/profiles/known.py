"""
The definitions that one validation stands on: HL7's own, and those that the caller brings, each at its version.

What is compiled is kept by the content of every definition it was made of, so that a changed definition is simply
another key: no process has to tell another. https://hl7.org/fhir/R4/references.html#canonical
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from functools import cache, lru_cache

from records.definitions.load import read
from records.stored import Json
from records.validation.profiles.compiling import compile_profile
from records.validation.profiles.rules import Profile, Unusable
from records.validation.profiles.vocabulary import NO_VOCABULARY, Vocabulary
from records.validation.resources import validate

MOST_COMPILED = 500
CORE = "core:"
Key = tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Version:
    """A StructureDefinition as it is now: its content, and a digest that no other content has."""

    definition: Json
    digest: str

    @property
    def url(self) -> str:
        return str(self.definition.get("url", ""))


@cache
def core() -> Mapping[str, Version]:
    """The profiles and extensions of HL7's own package, by address."""
    return {url: Version(one, f"{CORE}{url}") for url, one in read("profiles")["definitions"].items()}


_compiled: OrderedDict[Key, Profile | Unusable] = OrderedDict()


@dataclass(frozen=True, slots=True)
class Known:
    """Definitions beyond the core package, newest first, and a vocabulary; asks nothing of any store."""

    versions: tuple[Version, ...] = ()
    vocabulary: Vocabulary = NO_VOCABULARY
    _by_url: dict[str, list[Version]] = field(default_factory=dict)

    @classmethod
    def of(cls, versions: Iterable[Version], vocabulary: Vocabulary = NO_VOCABULARY) -> Known:
        """Known by these definitions."""
        found = cls(tuple(versions), vocabulary)
        for one in found.versions:
            found._by_url.setdefault(one.url, []).append(one)
        return found

    def version(self, canonical: str) -> Version | None:
        """The definition that a canonical means: `url`, or `url|version`; what was loaded goes before the core's."""
        url, _, asked = canonical.partition("|")
        own = core().get(url)
        candidates: list[Version] = [*self._by_url.get(url, ()), *([own] if own else [])]
        for one in candidates:
            if not asked or _is_version(str(one.definition.get("version", "")), asked):
                return one
        return None

    def definition(self, canonical: str) -> Json | None:
        """The same as a StructureDefinition."""
        found = self.version(canonical)
        return found.definition if found else None

    def profile(self, canonical: str) -> Profile | None:
        """The compiled profile; None where it is not known, Unusable where it cannot be used."""
        found = self.version(canonical)
        if found is None:
            return None
        key = tuple(self._made_of(found))
        made = _compiled.get(key)
        if made is None:
            made = _compiled[key] = _compile(found, self)
            while len(_compiled) > MOST_COMPILED:
                _compiled.popitem(last=False)
        if isinstance(made, Unusable):
            raise made
        return made

    def _made_of(self, found: Version) -> Iterator[str]:
        """The definition, and every definition that it is based on."""
        seen: set[str] = set()
        one: Version | None = found
        while one is not None and one.digest not in seen:
            yield one.digest
            seen.add(one.digest)
            one = self.version(str(one.definition.get("baseDefinition", "")))


def _compile(found: Version, known: Known) -> Profile | Unusable:
    # Of the core's own definitions only what is asked here is kept.
    issues = () if found.digest.startswith(CORE) else validate(found.definition)
    if issues:
        return Unusable(f"it is no valid StructureDefinition ({issues[0].expression})")
    try:
        return compile_profile(found.definition, known.definition)
    except Unusable as reason:
        return reason
    except (KeyError, TypeError, ValueError, AttributeError) as fault:
        # A definition is somebody's text: what it lacks is told, not raised.
        return Unusable(f"it is not well formed ({type(fault).__name__})")


@lru_cache(maxsize=1_000)
def _is_version(has: str, asked: str) -> bool:
    """The same version; `4.0` also means 4.0.1."""
    return has == asked or has.startswith(f"{asked}.")
