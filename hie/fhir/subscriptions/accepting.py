"""
What a write of a Subscription has to pass: terms that can be honoured, an endpoint that may be reached, a decision.

The server sets the status: what a client writes is `requested`, or `off`.
https://hl7.org/fhir/R4/subscription.html#status
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from pymongo.asynchronous.client_session import AsyncClientSession

from hie.errors import Refused
from hie.fhir.call import Call
from hie.fhir.subscriptions.endpoints import Endpoints
from hie.fhir.subscriptions.registry import Entry, Registry
from hie.fhir.subscriptions.subscribers import may_manage, to_document
from hie.fhir.subscriptions.terms import masked, read_terms, unmasked
from records.errors import TooCostly
from records.stored import Json, Stored, Write

TYPE = "Subscription"
MOST_OF_ONE = 200


@dataclass(frozen=True, slots=True)
class Accepted:
    """Writes as they are to be stored; `headers` are those of each Subscription among them, by its place."""

    writes: Sequence[Write]
    registry: Registry | None = None
    caller: dict[str, Any] = field(default_factory=dict)
    headers: dict[int, list[str]] = field(default_factory=dict)

    async def keep(self, rows: Sequence[Stored], session: AsyncClientSession) -> None:
        """Keep what the engine has to know, in the same transaction."""
        if self.registry is None:
            return
        for number, row in enumerate(rows):
            if row.type == TYPE and row.deleted:
                await self.registry.remove(row.id, session=session)
            elif row.type == TYPE:
                await self.registry.register(row, self.headers[number], self.caller, session=session)


async def accept(call: Call, writes: Sequence[Write]) -> Accepted:
    """Check the Subscriptions among some writes; Invalid, Refused, TooCostly."""
    if not any(write.type == TYPE for write in writes):
        return Accepted(writes)
    registry = call.services.subscriptions
    done, headers = list(writes), dict[int, list[str]]()
    for number, write in enumerate(writes):
        if write.type != TYPE:
            continue
        before = await registry.find(write.id)
        if before is not None and not may_manage(call.caller, before.caller):
            raise Refused("This Subscription is another subscriber's.")
        if write.resource is not None:
            done[number], headers[number] = await _checked(call, write, write.resource, before)
    return Accepted(done, registry, to_document(call.caller), headers)


async def _checked(call: Call, write: Write, resource: Json, before: Entry | None) -> tuple[Write, list[str]]:
    known = unmasked(resource, before.headers if before else ())
    terms = read_terms(known)
    if terms.endpoint:
        await Endpoints.of(call.services.settings).admit(terms.endpoint, empty=terms.content == "empty")
    if call.caller.break_glass:
        raise Refused("An emergency lasts a moment; a Subscription is for a purpose that lasts.")
    for name in terms.types:
        await call.visibility(name, "search")
    if before is None and await call.services.subscriptions.count_of(to_document(call.caller)) >= MOST_OF_ONE:
        raise TooCostly(f"A subscriber may have {MOST_OF_ONE} Subscriptions.", status=422)
    headers = [str(one) for one in known["channel"].get("header", ())]
    return _stored(write, resource), headers


def _stored(write: Write, resource: Json) -> Write:
    """With the status that the server gives it; the sender's own text where that changes nothing."""
    status = "off" if resource["status"] == "off" else "requested"
    served = {**masked(resource), "status": status}
    served.pop("error", None)
    return write if served == resource else replace(write, resource=served, text=None)
