"""
What is stored with a number: an order, a report or a specimen that its sender may have named otherwise before.

HL7 v2 chapter 4.5.1 (an order is known by its placer's, its filler's or its group's number)
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from pymongo.asynchronous.client_session import AsyncClientSession

from adapters.facts import Fact, Json, Known
from adapters.recognition import GROUP, Candidates, numbers
from records.resource_store import ResourceStore
from records.search.values import escaped
from records.stored import Stored

# More resources with one number than this are not one patient's order.
MOST = 100

Question = tuple[str, str]
"""A resource type, and the search parameter that its numbers are asked for by."""


@dataclass(frozen=True, slots=True)
class Stock:
    """What the deciding steps read of the stores: a `Reader`."""

    store: ResourceStore

    async def read_many(
        self, references: Sequence[str], *, session: AsyncClientSession | None = None
    ) -> dict[str, Stored]:
        """As the store does."""
        return await self.store.read_many(references, session=session)

    async def numbered(self, asked: Sequence[Fact], *, session: AsyncClientSession | None = None) -> Candidates:
        """What is stored with one of the numbers of these facts, by type."""
        return having(asked, await look_up(self.store, asked, session=session))


async def look_up(
    store: ResourceStore, asked: Sequence[Fact], *, session: AsyncClientSession | None, most: int = MOST
) -> dict[Question, list[Json]]:
    """At most so many resources that have one of the numbers of these facts: one search for each kind of number."""
    found: dict[Question, list[Json]] = {}
    for (kind, parameter), known in _questions(asked).items():
        sought = ",".join(f"{escaped(one.system)}|{escaped(one.value)}" for one in dict.fromkeys(known))
        parameters = ((parameter, sought), ("_count", str(most)), ("_total", "none"))
        page = await store.search(kind, parameters, session=session)
        found[kind, parameter] = [row.resource() for row in page.matches]
    return found


def having(asked: Sequence[Fact], found: Mapping[Question, Sequence[Json]]) -> Candidates:
    """Of what was found for many facts, that which has a number of one of these."""
    candidates: dict[str, list[Json]] = {}
    for (kind, parameter), known in _questions(asked).items():
        wanted = {_plain(one.system, one.value) for one in known}
        group = parameter == _parameter(GROUP)
        candidates.setdefault(kind, []).extend(
            resource
            for resource in found.get((kind, parameter), ())
            if any(_plain(one.get("system"), one.get("value")) in wanted for one in numbers(resource, group=group))
        )
    return candidates


def _questions(asked: Sequence[Fact]) -> dict[Question, list[Known]]:
    found: dict[Question, list[Known]] = {}
    for fact in asked:
        for known in fact.known_by:
            found.setdefault((fact.type, _parameter(known.role)), []).append(known)
    return found


def _parameter(role: str) -> str:
    return "requisition" if role == GROUP else "identifier"


def _plain(system: object, value: object) -> tuple[str, str]:
    # As tokens are compared: whatever the case of the number.
    return str(system or ""), str(value or "").lower()
