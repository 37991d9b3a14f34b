"""
What a message is made of, as far as the receiver may see it now: the version itself, and what it points at.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

from hie.access.caller import Caller
from hie.access.gate import Gate
from hie.errors import Refused
from hie.identity.registry import ClientRegistry
from records.errors import Gone, NotFound
from records.resource_store import ResourceStore
from records.stored import Json, Stored

Document = dict[str, Any]
FIRST = frozenset(
    {
        "Patient", "Encounter", "Observation", "ServiceRequest", "Specimen", "Practitioner", "Location", "Organization",
        "Binary", "DocumentReference",
    }
)  # fmt: skip
SECOND = FIRST - {"Patient", "Encounter", "DocumentReference", "ServiceRequest"}
HOPS = (FIRST, SECOND, SECOND)


class Withheld(Exception):
    """The receiver may not see what the message is about."""


@dataclass(frozen=True, slots=True)
class Material:
    """The version that a message is about, and everything it needs, by reference; all of it visible to the receiver."""

    row: Stored
    resource: Json
    rows: dict[str, Stored] = field(default_factory=dict)
    resources: dict[str, Json] = field(default_factory=dict)
    relatives: tuple[Json, ...] = ()
    others: tuple[Json, ...] = ()


@dataclass(frozen=True, slots=True)
class Gathering:
    """Collaborators of every reading."""

    store: ResourceStore
    gate: Gate
    registry: ClientRegistry

    async def material(self, caller: Caller, message: Document, known: str) -> Material:
        """Everything for one message; Withheld where consent, role or label says no."""
        if message["type"] == "Person":
            return await self._of_person(caller, message["resource"], known)
        row = await self._version(caller, message)
        resource = row.resource()
        rows = {row.reference: row} | await self._around(caller, resource)
        patient = self._patient(row, resource, rows)
        relatives = await self._relatives(caller, patient.id) if message["code"] == "ADT" else ()
        others = await self._others(caller, patient.id, known)
        decoded = {name: one.resource() for name, one in rows.items() if not one.deleted}
        return Material(row, resource, rows, decoded, relatives, others)

    async def _version(self, caller: Caller, message: Document) -> Stored:
        try:
            visibility = await self.gate.visibility(caller, message["type"], "search")
            return await self.store.vread(
                message["type"], message["resource"], message["version"], visibility=visibility
            )
        except (Refused, NotFound, Gone):
            raise Withheld from None

    def _patient(self, row: Stored, resource: Json, rows: dict[str, Stored]) -> Stored:
        """Whose it is must be visible, too: a message without its patient says nothing."""
        if row.type == "Patient":
            return row
        subject = subject_of(resource)
        if subject not in rows or rows[subject].deleted:
            raise Withheld
        return rows[subject]

    async def _around(self, caller: Caller, resource: Json) -> dict[str, Stored]:
        found: dict[str, Stored] = {}
        reached = [resource]
        for types in HOPS:
            wanted = {one for item in reached for one in references(item)} - found.keys()
            fresh = await self._read(caller, [one for one in wanted if one.partition("/")[0] in types])
            reached = [row.resource() for row in fresh.values() if not row.deleted and row.type != "Patient"]
            found |= fresh
        return found

    async def _read(self, caller: Caller, names: list[str]) -> dict[str, Stored]:
        found: dict[str, Stored] = {}
        for kind in {name.partition("/")[0] for name in names}:
            try:
                visibility = await self.gate.visibility(caller, kind, "search")
            except Refused:
                continue
            found |= await self.store.read_many([n for n in names if n.startswith(f"{kind}/")], visibility=visibility)
        return found

    async def _relatives(self, caller: Caller, patient: str) -> tuple[Json, ...]:
        try:
            visibility = await self.gate.visibility(caller, "RelatedPerson", "search")
        except Refused:
            return ()
        page = await self.store.search("RelatedPerson", (("patient", f"Patient/{patient}"),), visibility=visibility)
        return tuple(row.resource() for row in page.matches)

    async def _others(self, caller: Caller, patient: str, known: str) -> tuple[Json, ...]:
        """The receiver's own numbers of this human."""
        if not known:
            return ()
        person = await self.registry.person_of(patient)
        siblings = await self.registry.expand(person) if person else ()
        rows = await self._read(caller, [f"Patient/{one}" for one in siblings if one != patient])
        listed = [i for row in rows.values() if not row.deleted for i in row.resource().get("identifier", ())]
        return tuple(one for one in listed if one.get("system") == known)

    async def _of_person(self, caller: Caller, person: str, known: str) -> Material:
        """The receiver's own record of a human, with the numbers of all the others."""
        rows = await self._read(caller, [f"Patient/{one}" for one in await self.registry.expand(person)])
        patients = {name: row.resource() for name, row in sorted(rows.items()) if not row.deleted}
        own = [name for name, one in patients.items() if known in {i.get("system") for i in one.get("identifier", ())}]
        if not patients or (known and not own):
            raise Withheld
        chosen = (own or list(patients))[0]
        others = [i for name, one in patients.items() if name != chosen for i in one.get("identifier", ())]
        return Material(rows[chosen], patients[chosen], rows, dict(patients), others=tuple(others))


def subject_of(resource: Json) -> str:
    """Reference to the patient of a resource."""
    named: Json | None = resource.get("subject") or resource.get("patient")
    if named is not None:
        return str(named.get("reference", ""))
    actors = [str(one.get("actor", {}).get("reference", "")) for one in resource.get("participant", ())]
    return next((one for one in actors if one.startswith("Patient/")), "")


def references(value: Any) -> Iterator[str]:
    """Every relative reference in a resource, and addresses of attachments that are kept here."""
    if isinstance(value, dict):
        for name, inner in value.items():
            if name in ("reference", "url") and isinstance(inner, str) and inner.count("/") == 1:
                yield inner
            else:
                yield from references(inner)
    elif isinstance(value, list):
        for inner in value:
            yield from references(inner)
