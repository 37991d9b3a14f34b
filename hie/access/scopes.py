"""
SMART scopes, both grammars: `patient/Observation.rs?category=laboratory` (version 2) and `user/*.read` (version 1).

https://hl7.org/fhir/smart-app-launch/scopes-and-launch-context.html
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from functools import lru_cache

_PATTERN = re.compile(
    r"^(?P<context>patient|user|system)/(?P<type>\*|[A-Z][A-Za-z]{1,63})"
    r"\.(?P<letters>read|write|\*|(?=[cruds])c?r?u?d?s?)(?:\?(?P<query>[^\s?]+))?$"
)
_VERSION_1 = {"read": "rs", "write": "cud", "*": "cruds"}

# Any one of these letters covers the interaction. $everything and history show what read or search would show.
LETTERS = {
    "read": "r", "vread": "r", "search": "s", "history": "rs", "everything": "rs", "validate": "crus",
    "export": "rs", "import": "cu", "create": "c", "update": "u", "patch": "u", "delete": "d",
    "summary": "rs", "match": "rs", "reindex": "u", "terminology": "rs",
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Scope:
    """
    One granted scope. `letters` are a subset of `cruds`; `query` narrows it to what a search would find.
    """

    context: str
    type: str
    letters: str
    query: str = ""

    def covers(self, resource_type: str, interaction: str) -> bool:
        """True where it grants the interaction on the type; the type `*` asks for all types at once."""
        if self.type not in ("*", resource_type):
            return False
        return any(letter in self.letters for letter in LETTERS.get(interaction, ""))


def parse(text: str) -> Scope | None:
    """One scope; None for what is no SMART resource scope (`openid`, `launch/patient`, ...)."""
    found = _PATTERN.match(text)
    if found is None:
        return None
    letters = _VERSION_1.get(found["letters"], found["letters"])
    return Scope(found["context"], found["type"], letters, found["query"] or "")


@lru_cache(maxsize=1024)
def parse_all(text: str) -> tuple[Scope, ...]:
    """The resource scopes of a token's `scope` claim, in their order."""
    return tuple(scope for part in text.split() if (scope := parse(part)) is not None)


def covering(scopes: Iterable[Scope], contexts: Iterable[str], resource_type: str, interaction: str) -> list[Scope]:
    """The scopes that grant the interaction on the type in one of these contexts."""
    allowed = frozenset(contexts)
    return [one for one in scopes if one.context in allowed and one.covers(resource_type, interaction)]


def covered_types(scopes: Iterable[Scope], contexts: Iterable[str], interaction: str) -> frozenset[str] | None:
    """Every type on which the interaction is granted without a narrowing query; None means all."""
    allowed = frozenset(contexts)
    types = {
        one.type for one in scopes if one.context in allowed and not one.query and one.covers(one.type, interaction)
    }
    return None if "*" in types else frozenset(types)
