"""
Follow: what hangs on a visit, an account or a record goes where that goes.

HL7 v2 chapter 3.3.42 to 3.3.45 (A42 to A45): a move takes along "all subordinate data sets".
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass, replace

from adapters.facts import Json, Move
from adapters.references import renamed
from hie.exchange.work import Work
from records.definitions import definitions
from records.resource_store import ResourceStore
from records.search.values import escaped
from records.stored import Stored, Write

_PAGE = ("_count", "200")
# Origins name what was said at the time; the trail who looked at it; identity follows links, never data.
_STAYS = frozenset({"Provenance", "AuditEvent", "Person", "Patient", "RelatedPerson"})


@dataclass(frozen=True, slots=True)
class Follow:
    """After reconcile: adds the writes of everything that is filed with what moves."""

    store: ResourceStore

    async def __call__(self, work: Work) -> Work:
        sheet = _Sheet(work, {f"{write.type}/{write.id}": write for write in work.writes})
        for change in work.translation.renumbered:
            await self._renumber(sheet, change.old, change.new)
        if not _done_before(work):
            for move in work.translation.moves:
                await self._move(sheet, move)
        for key, names in sheet.visits_moved():
            await self._rename(sheet, key, names)
        return replace(work, writes=tuple(sheet.writes.values()))

    async def _renumber(self, sheet: _Sheet, old: str, new: str) -> None:
        kind = old.partition("/")[0]
        if kind == "Encounter" and new in sheet:
            names = {old: new}
            was, now = sheet.before(old).get("subject"), sheet.now(new).get("subject")
            if was and now and was != now:
                names[was["reference"]] = now["reference"]
            await self._rename(sheet, old, names)
        elif kind == "Account":
            number = sheet.now(new)["identifier"][0]
            async for visit in self._visits(sheet.now(old)["identifier"][0]):
                sheet.change(visit, _with_account(visit.resource(), sheet.now(old)["identifier"][0], number))

    async def _move(self, sheet: _Sheet, move: Move) -> None:
        kind, _, identity = move.old.partition("/")
        if kind == "Account":
            async for visit in self._visits(sheet.now(move.old)["identifier"][0]):
                sheet.change(visit, {**sheet.latest(visit), "subject": {"reference": move.new}})
        elif kind == "Patient":
            async for stored in self._inside("Patient", identity):
                sheet.change(stored, renamed(sheet.latest(stored), {move.old: move.new}))

    async def _rename(self, sheet: _Sheet, visit: str, names: Mapping[str, str]) -> None:
        async for stored in self._inside("Encounter", visit.partition("/")[2]):
            if stored.reference not in (visit, names.get(visit)):
                sheet.change(stored, renamed(sheet.latest(stored), names))

    async def _visits(self, number: Json) -> AsyncIterator[Stored]:
        asked = ("identifier", f"{escaped(number['system'])}|{escaped(number['value'])}")
        async for stored in self.store.iterate("Encounter", (asked,)):
            yield stored

    async def _inside(self, compartment: str, identity: str) -> AsyncIterator[Stored]:
        """What is in the compartment of a visit or a patient, page by page."""
        kinds = set(definitions().compartment(compartment)) & set(await self.store.types())
        for kind in sorted(kinds - _STAYS):
            cursor = None
            while True:
                page = await self.store.search(kind, (_PAGE,), within=(compartment, identity), cursor=cursor)
                for stored in page.matches:
                    yield stored
                cursor = page.next_cursor
                if cursor is None:
                    break


def _done_before(work: Work) -> bool:
    """A replay moves nothing a second time: what came to the old place since then is meant for it."""
    return any(stored.type == "Provenance" for stored in work.before.values())


def _with_account(visit: Json, old: Json, new: Json) -> Json:
    """The visit is found by both numbers; one of them is in use."""
    gone = {"use": "old"}
    listed = [
        {**one, **gone} if (one.get("system"), one.get("value")) == (old["system"], old["value"]) else one
        for one in visit.get("identifier", ())
    ]
    known = {(one.get("system"), one.get("value")) for one in listed}
    return {**visit, "identifier": listed if (new["system"], new["value"]) in known else [*listed, new]}


@dataclass(slots=True)
class _Sheet:
    """The writes of the message, as they grow."""

    work: Work
    writes: dict[str, Write]

    def __contains__(self, key: str) -> bool:
        return bool(self.now(key))

    def before(self, key: str) -> Json:
        """What was stored; {} where there was nothing."""
        stored = self.work.before.get(key)
        return stored.resource() if stored is not None and not stored.deleted else {}

    def now(self, key: str) -> Json:
        """As it will be."""
        write = self.writes.get(key)
        return write.resource if write is not None and write.resource is not None else self.before(key)

    def latest(self, stored: Stored) -> Json:
        """As it will be, of what was found in the store."""
        write = self.writes.get(stored.reference)
        return write.resource if write is not None and write.resource is not None else stored.resource()

    def change(self, stored: Stored, resource: Json) -> None:
        """A write more, or another one, where that says anything new."""
        write = self.writes.get(stored.reference)
        if resource == self.latest(stored):
            return
        source = next((one.source for one in self.writes.values() if one.source), None)
        self.writes[stored.reference] = (
            replace(write, resource=resource)
            if write is not None
            else Write("update", stored.type, stored.id, resource=resource, if_version=stored.version, source=source)
        )
        if stored.type == "Encounter":
            self.work = replace(self.work, before=dict(self.work.before) | {stored.reference: stored})

    def visits_moved(self) -> list[tuple[str, dict[str, str]]]:
        """Visits that belong to another patient than before, and who is who."""
        moved = []
        for key in [key for key in self.writes if key.startswith("Encounter/")]:
            was, now = self.before(key).get("subject", {}), self.now(key).get("subject", {})
            if was.get("reference") and now.get("reference") and was["reference"] != now["reference"]:
                moved.append((key, {was["reference"]: now["reference"]}))
        return moved
