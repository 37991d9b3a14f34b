"""
Whether a change is an event of a Subscription: the real search engine, asked about exactly the version written.

The version is handed to the database as a document of its own, so that one which was overtaken meanwhile is judged
as it was, with every parameter, chain and access decision.
http://hl7.org/fhir/uv/subscriptions-backport/components.html#subscription-triggers
"""

from __future__ import annotations

from dataclasses import dataclass

from hie.exchange.outbox import Event
from hie.fhir.call import Params
from hie.fhir.persons import PERSON
from hie.fhir.subscriptions.topics import Trigger
from hie.identity.registry import ClientRegistry
from records.definitions import definitions
from records.documents import Document, build
from records.resource_store import ResourceStore
from records.search.dictionary import Dictionary
from records.search.request import read as read_search
from records.search.run import Searcher
from records.stored import Visibility, Write, decode


@dataclass(frozen=True, slots=True)
class Matcher:
    """Collaborators of a match."""

    store: ResourceStore
    registry: ClientRegistry
    dictionary: Dictionary
    base: str

    async def version(self, resource_type: str, resource_id: str, version: int) -> Document | None:
        """One version with its search keys; None where there was none, or it is a deletion."""
        found = await self.store.collections.of(resource_type).find_one({"_id": resource_id})
        if found is None or found["v"] != version:
            asked = {"r": resource_type, "i": resource_id, "v": version}
            found = await self.store.collections.history_of(resource_type).find_one(asked)
        if found is None or found["d"]:
            return None
        if "k" not in found:
            text = bytes(found["text"])
            write = Write("update", resource_type, resource_id, decode(text), text)
            found = build(write, version, found["t"]) | {"p": found["p"], "l": found["l"]}
        return {name: value for name, value in found.items() if name != "text"}

    async def happens(self, trigger: Trigger, event: Event, visibility: Visibility) -> bool:
        """True where the change is one that the trigger waits for and the subscriber may see."""
        if event.interaction not in trigger.interactions:
            return False
        if event.interaction == "delete":
            before = await self.version(event.type, event.resource_id, event.version - 1)
            return before is not None and await self.meets(event.type, before, trigger.filters, visibility)
        current = await self.version(event.type, event.resource_id, event.version)
        asked = (*trigger.current, *trigger.filters)
        if current is None or not await self.meets(event.type, current, asked, visibility):
            return False
        if not trigger.previous or event.version == 1:
            return True
        # Created anew after a deletion, it had no version before, as when it was created first.
        before = await self.version(event.type, event.resource_id, event.version - 1)
        return before is None or await self.meets(event.type, before, trigger.previous, Visibility())

    async def meets(self, resource_type: str, document: Document, params: Params, visibility: Visibility) -> bool:
        """Whether a search would find this version."""
        request = read_search(resource_type, [(name, await self._value(resource_type, name, v)) for name, v in params])
        searcher = Searcher(self.store.collections, visibility, None, self.base, self.dictionary)
        condition = await searcher.condition(request)
        if condition is None:
            return False
        probe = [{"$documents": {"$literal": [document]}}, {"$match": condition}, {"$project": {"_id": 1}}]
        cursor = await self.store.collections.of(resource_type).database.aggregate(probe)
        return bool(await cursor.to_list())

    async def _value(self, resource_type: str, name: str, value: str) -> str:
        """`Person/x` means every source Patient of that human, also of those who come later."""
        parameter = definitions().search_parameters(resource_type).get(name.partition(":")[0].partition(".")[0])
        if PERSON not in value or parameter is None or "Patient" not in parameter.targets:
            return value
        found: list[str] = []
        for one in value.split(","):
            known = await self.registry.expand(one) if one.startswith(PERSON) else ()
            found += [f"Patient/{patient}" for patient in known] or [one.replace(PERSON, "Patient/")]
        return ",".join(found)
