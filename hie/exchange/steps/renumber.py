"""
Renumber: what was given another number goes by it; what still comes in under the old one is meant for the new.

HL7 v2 chapter 3.3.42, 3.3.47, 3.3.50 (A42, A47, A50). Only the store knows what the old number named.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace

from adapters.facts import Fact, Renumbered
from adapters.hl7v2.to_fhir.reconcile.encounter import is_merged
from adapters.references import renamed
from hie.exchange.steps.reconcile import decide
from hie.exchange.work import Reader, Work
from records.stored import Json, Stored, Write

_LONGEST_CHAIN = 32


@dataclass(frozen=True, slots=True)
class Renumber:
    """After reconcile: what the old number had goes over, and late messages find the visit they mean."""

    store: Reader

    async def __call__(self, work: Work) -> Work:
        for change in work.translation.renumbered:
            work = _taken_over(work, change)
        return _told(await self._redirected(work))

    async def _redirected(self, work: Work) -> Work:
        """Facts about a visit whose number was given up are about the visit that it is now."""
        facts = {f"{fact.type}/{fact.id}": fact for fact in work.translation.facts if fact.type == "Encounter"}
        given_up = {change.old for change in work.translation.renumbered}
        names: dict[str, str] = {}
        for key, fact in facts.items():
            stored = work.before.get(key)
            if stored is None or stored.deleted or key in given_up or not is_merged(stored.resource()):
                continue
            target = await self._end_of_chain(stored, work)
            if target is None:
                continue
            names[key] = target.reference
            write = decide(_for(fact, target), target)
            others = tuple(one for one in work.writes if f"{one.type}/{one.id}" != key)
            found = dict(work.before) | {target.reference: target}
            work = replace(work, writes=others + ((write,) if write else ()), before=found)
        return replace(work, writes=tuple(_renamed(write, names) for write in work.writes)) if names else work

    async def _end_of_chain(self, stored: Stored, work: Work) -> Stored | None:
        for _ in range(_LONGEST_CHAIN):
            name = stored.resource()["partOf"]["reference"]
            found = (await self.store.read_many([name], session=work.session)).get(name)
            if found is None or found.deleted:
                return None
            if not is_merged(found.resource()):
                return found
            stored = found
        return None


def _for(fact: Fact, target: Stored) -> Fact:
    """The same fact of the visit that is meant; the number that was given up stays an old one."""
    old = [one for one in target.resource().get("identifier", ()) if one.get("use") == "old"]
    named = {(one.get("system"), one.get("value")): one for one in old}
    said = fact.resource.get("identifier", ())
    numbers = [named.get((one.get("system"), one.get("value")), one) for one in said]
    return replace(fact, resource={**fact.resource, "id": target.id} | ({"identifier": numbers} if numbers else {}))


def _renamed(write: Write, names: Mapping[str, str]) -> Write:
    return replace(write, resource=renamed(write.resource, names))


def _taken_over(work: Work, change: Renumbered) -> Work:
    """Nothing is stored under the new number: it begins with what the old one had."""
    old = work.before.get(change.old)
    new = work.before.get(change.new)
    fact = next((f for f in work.translation.facts if f"{f.type}/{f.id}" == change.new), None)
    if fact is None or old is None or old.deleted or (new is not None and not new.deleted):
        return work
    outcome = fact.reconcile(_begun(old.resource(), fact), fact.resource)
    if outcome is None:
        return work
    others = tuple(write for write in work.writes if f"{write.type}/{write.id}" != change.new)
    source = outcome.get("meta", {}).get("source")
    version = new.version if new is not None else 0
    write = Write(
        "update" if new else "create", fact.type, fact.id, resource=outcome, if_version=version, source=source
    )
    return replace(work, writes=(*others, write))


def _begun(had: Json, fact: Fact) -> Json:
    """What the old number had, as the beginning of the new one; its own links and state stay behind."""
    left = ("link", "active") if fact.type == "Patient" else ()
    kept = {key: value for key, value in had.items() if key not in left}
    numbers = [{**one, "use": "old"} for one in had.get("identifier", ()) if _is_own(one, fact)]
    others = [one for one in had.get("identifier", ()) if not _is_own(one, fact)]
    return {**kept, "id": fact.id} | ({"identifier": [*numbers, *others]} if numbers or others else {})


def _is_own(identifier: Json, fact: Fact) -> bool:
    """The number that was given up: of the system of the new one, and not among those that the message names."""
    spoken = fact.resource.get("identifier", ())
    systems = {one.get("system") for one in spoken[:1]}
    named = {(one.get("system"), one.get("value")) for one in spoken if one.get("use") != "old"}
    return identifier.get("system") in systems and (identifier.get("system"), identifier.get("value")) not in named


def _told(work: Work) -> Work:
    """What only changes something that is not here is said; Provenance names nothing that is not here."""
    written = {f"{write.type}/{write.id}" for write in work.writes}
    here = written | {key for key, stored in work.before.items() if not stored.deleted}
    absent = work.translation.conditional - here
    remarks = tuple(
        sorted({f"{key.partition('/')[0]}: not known here, so nothing of it was changed" for key in absent})
    )
    if not absent:
        return work
    writes = (_naming(write, absent) for write in work.writes)
    return replace(work, writes=tuple(write for write in writes if write is not None), remarks=work.remarks + remarks)


def _naming(write: Write, absent: frozenset[str]) -> Write | None:
    if write.type != "Provenance" or write.resource is None:
        return write
    targets = [one for one in write.resource["target"] if one.get("reference") not in absent]
    return replace(write, resource={**write.resource, "target": targets}) if targets else None
