"""
Filing: what every write goes through, whether a message or a FHIR request asked for it.

Identity, then the stores, then events: all in the caller's transaction. https://profiles.ihe.net/ITI/PIXm/ITI-104.html
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from pymongo.asynchronous.client_session import AsyncClientSession

from hie.exchange.outbox import Outbox
from hie.identity.registry import ClientRegistry
from records.resource_store import ResourceStore
from records.stored import Json, Stored, Write


@dataclass(frozen=True, slots=True)
class Filing:
    """Collaborators of every write."""

    store: ResourceStore
    registry: ClientRegistry
    outbox: Outbox

    async def file(
        self,
        writes: Sequence[Write],
        *,
        session: AsyncClientSession,
        source: str,
        sources: Mapping[str, str] | None = None,
    ) -> list[Stored]:
        """
        Write, and return what was stored in the order of `writes`; raises what the stores refuse.

        `source` is who speaks: a site, or a FHIR client; it becomes meta.source where a write names none. Where
        several speak, `sources` says who of which Patient, by id.
        """
        asked = [write if write.source else replace(write, source=source) for write in writes]
        persons = await self.identify(asked, session=session, source=source, sources=sources)
        together = [*asked, *persons]
        stored = await self.store.apply(together, session=session)
        await self.outbox.publish(stored, together, session=session)
        return list(stored[: len(asked)])

    async def identify(
        self,
        writes: Sequence[Write],
        *,
        session: AsyncClientSession,
        source: str,
        merges: Sequence[tuple[str, str]] = (),
        sources: Mapping[str, str] | None = None,
    ) -> list[Write]:
        """The Person writes that follow from Patient writes: links made, moved, dropped, and records merged."""
        patients = [w for w in writes if w.type == "Patient"]
        if not patients and not merges:
            return []
        # A client that lets us choose the id sends a resource without one.
        resources = [{**w.resource, "id": w.id} for w in patients if w.interaction != "delete" and w.resource]
        gone = [w.id for w in patients if w.interaction == "delete"]
        linked = [pair for resource in resources for pair in replaced_by(resource)]
        pairs = list(dict.fromkeys((*merges, *linked)))
        new = frozenset(w.id for w in patients if w.interaction == "create")
        return await self.registry.identify(
            resources, source=source, session=session, merges=pairs, deleted=gone, new=new, sources=sources
        )


def replaced_by(patient: Json) -> list[tuple[str, str]]:
    """
    (survivor, subsumed) Patient ids of a record that its source merged away.

    IHE PIXm ITI-104: active false and a link of type replaced-by means a merge.
    """
    if patient.get("active") is not False:
        return []
    targets = [
        str(link.get("other", {}).get("reference", ""))
        for link in patient.get("link", ())
        if link.get("type") == "replaced-by"
    ]
    return [(target.removeprefix("Patient/"), patient["id"]) for target in targets if target.startswith("Patient/")]
