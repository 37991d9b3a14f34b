"""
Messages about somebody: by what their Provenance says of the journal, and among those that are not translated yet.

Only who may see the record finds its messages; every human that is found is in the trail.
https://hl7.org/fhir/R4/provenance.html
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from hie.applications.administration.services import Services
from hie.applications.work import of_patients
from hie.exchange.inbound import State
from hie.workbench.desk import Visit
from records.errors import Gone, NotFound
from records.search.values import escaped
from records.stored import EVERYTHING, Json

MESSAGE = "urn:hie:message"
# The latest messages of one human, and how many of those that wait or failed are looked through for a number.
MOST, LOOKED_THROUGH = 1_000, 2_000
UNTRANSLATED: tuple[State, ...] = ("pending", "dead", "quarantined", "rejected")


@dataclass(frozen=True, slots=True)
class Found:
    """Journal ids, and whose messages they are; `cut`: there may be more."""

    ids: tuple[str, ...]
    patients: tuple[str, ...]
    cut: bool = False


@dataclass(frozen=True, slots=True)
class Finding:
    """Looks messages up for one visit."""

    services: Services

    async def by_number(self, visit: Visit, number: str) -> Found:
        """By an identifier as the hospital or the state gave it: of records, and of messages that are none yet."""
        patients = [one["id"] for one in await visit.reader.first("Patient", _identifier(number), count=50)]
        if not patients and await self._hidden(number):
            return Found((), ())
        stored = await self._of_patients(visit, patients)
        waiting = await self._holding(number)
        return Found(tuple(dict.fromkeys((*stored.ids, *waiting))), stored.patients, stored.cut)

    async def by_person(self, visit: Visit, person: str) -> Found:
        """By the id of the region's person, or of one of its source records."""
        registry, wanted = self.services.registry, person.removeprefix("Person/").removeprefix("Patient/")
        patients = await registry.expand(wanted) or await visit.work.patients(wanted)
        visible = [one for one in patients if await _sees(visit, one)]
        return await self._of_patients(visit, visible)

    async def _hidden(self, number: str) -> bool:
        """There is such a record, and this reader may not see it: nor what its messages say."""
        asked = (_identifier(number), ("_count", "1"))
        page = await self.services.store.search("Patient", asked, visibility=EVERYTHING)
        return bool(page.matches)

    async def _of_patients(self, visit: Visit, patients: Sequence[str]) -> Found:
        if not patients:
            return Found((), ())
        about = (of_patients(patients), ("_sort", "-_lastUpdated"))
        rows = await visit.reader.first("Provenance", *about, count=MOST)
        return Found(tuple(dict.fromkeys(_messages(rows))), tuple(patients), len(rows) == MOST)

    async def _holding(self, number: str) -> list[str]:
        """Messages without Provenance that name the number as a patient's; it is ASCII in every character set."""
        if not number.isascii():
            return []
        wanted = re.compile(rb"(?<![0-9A-Za-z])" + re.escape(number.encode()) + rb"(?![0-9A-Za-z])")
        query = {"state": {"$in": list(UNTRANSLATED)}}
        rows = self.services.journal.collection.find(query, {"raw": 1}).sort("_id", -1).limit(LOOKED_THROUGH)
        rows = rows.max_time_ms(5000)
        return [str(row["_id"]) async for row in rows if _names(bytes(row.get("raw") or b""), wanted)]


def _names(raw: bytes, wanted: re.Pattern[bytes]) -> bool:
    """Whether the segments about the patient hold it."""
    lines = re.split(rb"[\r\n]+", raw)
    return any(line[:3] in (b"PID", b"MRG") and wanted.search(line) for line in lines)


async def _sees(visit: Visit, patient: str) -> bool:
    try:
        await visit.reader.read("Patient", patient)
    except (NotFound, Gone):
        return False
    return True


def _identifier(number: str) -> tuple[str, str]:
    return "identifier", escaped(number)


def _messages(provenances: Iterable[Json]) -> Iterable[str]:
    for one in provenances:
        for entity in one.get("entity", ()):
            identifier = entity.get("what", {}).get("identifier", {})
            if identifier.get("system") == MESSAGE and identifier.get("value"):
                yield str(identifier["value"])
