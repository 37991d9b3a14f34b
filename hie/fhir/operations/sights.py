"""
What a caller may see, type by type, each decided once a request.

An answer of several types asks for each of them: the decision about one says nothing of another.
"""

from __future__ import annotations

from dataclasses import dataclass, field

from hie.errors import Refused
from hie.fhir.call import Call
from records.stored import Stored, Visibility


@dataclass(frozen=True, slots=True)
class Sights:
    """Decisions about one interaction of one call."""

    call: Call
    interaction: str
    _known: dict[str, Visibility | None] = field(default_factory=dict)

    async def __call__(self, kind: str) -> Visibility | None:
        """What is visible of a type; None where that is nothing."""
        if kind not in self._known:
            self._known[kind] = await self._decide(kind)
        return self._known[kind]

    async def read_many(self, references: list[str]) -> dict[str, Stored]:
        """Current, visible resources by reference; one query a type. What is deleted is left out."""
        by_type: dict[str, list[str]] = {}
        for reference in dict.fromkeys(references):
            by_type.setdefault(reference.partition("/")[0], []).append(reference)
        found: dict[str, Stored] = {}
        for kind, named in by_type.items():
            if (visibility := await self(kind)) is not None:
                found |= await self.call.services.store.read_many(named, visibility=visibility)
        return {name: row for name, row in found.items() if not row.deleted}

    async def _decide(self, kind: str) -> Visibility | None:
        try:
            return await self.call.visibility(kind, self.interaction)
        except Refused:
            return None
