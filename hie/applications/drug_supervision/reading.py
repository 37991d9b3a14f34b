"""
Reads a window of the stores piece by piece: dispensings with what they refer to, and inpatient stays.

The pieces follow the traffic: small where much was dispensed, large where little was, so that memory stays flat and
no search sorts more than a piece. https://hl7.org/fhir/R4/medicationdispense.html#search
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from decimal import Decimal
from typing import TypeVar

from hie.applications.drug_supervision import dispensing
from hie.applications.drug_supervision.dispensing import Around, Dispensing
from hie.applications.drug_supervision.rules import Problem, number, rules_on
from hie.applications.drug_supervision.stays import Stay, bed_days, stay_of
from hie.applications.fhir import ZONE, day, facility_of, moment, patient_of, reference_id
from hie.applications.rule_data import Rules
from hie.applications.work import Reader
from hie.indicators.engine import Source
from hie.indicators.indicator import Window
from records.stored import Json
from terminology.service import Terminology

SMALLEST, LARGEST = timedelta(hours=1), timedelta(days=32)
MANY, FEW = 4_000, 500
IDS = 100
# Of an Encounter only this is kept, of no more than so many.
VISIT, MOST_VISITS = ("class", "serviceProvider"), 50_000
T = TypeVar("T")


class Quiet:
    """A reader's rows for figures that show nobody: they are not remembered as seen."""

    def __init__(self, reader: Reader) -> None:
        self._reader = reader

    async def all(self, resource_type: str, *params: tuple[str, str]) -> list[Json]:
        """Every resource that a search finds."""
        return [row.resource() async for row in self._reader.stream(resource_type, *params)]


@dataclass(frozen=True, slots=True)
class Counted:
    """One stay with its bed-days in a window."""

    window: Window
    stay: Stay
    days: int
    problem: Problem


@dataclass(frozen=True, slots=True)
class Ledger:
    """Reads for figures: `source` finds, `terminology` names, `today` ends stays that go on."""

    source: Source
    terminology: Terminology
    today: date

    async def dispensings(self, window: Window) -> AsyncIterator[Dispensing]:
        """What was handed over in a window, each by the rules of its day."""
        visits: dict[str, Json] = {}
        async for piece in self._pieces(window):
            around = await self._around(piece, visits)
            for resource in piece:
                rules = rules_on(_day(resource.get("whenHandedOver")))
                if row := dispensing.read(resource, around[resource["id"]], self.terminology, rules):
                    yield row

    async def stays(self, span: Window, windows: Sequence[Window]) -> AsyncIterator[Counted]:
        """Inpatient stays that touch a span, once for each of its windows in which they count or should."""
        rules = rules_on(span.start)
        for group in _groups(await self._encounters(span, rules), IDS):
            homes = await self._named("Patient", [patient_of(one) for one in group if not facility_of(one)])
            for encounter in group:
                around = Around(patient=homes.get(patient_of(encounter), {}))
                if stay := stay_of(encounter, dispensing.where(encounter, around), rules):
                    for counted in self._counted(stay, windows):
                        yield counted

    async def undated(self, span: Window) -> list[date]:
        """The days on which dispensings came in that do not say when they were handed over: counted nowhere."""
        asked = ("whenhandedover:missing", "true"), ("status", ",".join(rules_on(span.start)["counted_status"]))
        received = ("_lastUpdated", f"ge{_at(span.start)}"), ("_lastUpdated", f"lt{_at(span.end)}")
        found = await self.source.all("MedicationDispense", *asked, *received)
        return [_day(one["meta"]["lastUpdated"]) for one in found]

    def _counted(self, stay: Stay, windows: Sequence[Window]) -> Iterator[Counted]:
        for window in windows:
            days, problem = bed_days(stay, window, self.today, rules_on(window.start))
            if days or problem:
                yield Counted(window, stay, days, problem)

    async def _pieces(self, window: Window) -> AsyncIterator[list[Json]]:
        start, end, step = midnight(window.start), midnight(window.end), SMALLEST
        while start < end:
            stop = min(start + step, end)
            span = ("whenhandedover", f"ge{start.isoformat()}"), ("whenhandedover", f"lt{stop.isoformat()}")
            found = await self.source.all("MedicationDispense", *span)
            # A day without an hour overlaps every piece of it, and belongs to the one that holds its midnight.
            kept = [one for one in found if _within(one, start, stop)]
            for group in _groups(kept, IDS):
                yield list(group)
            start, step = stop, _next(step, len(found))

    async def _encounters(self, span: Window, rules: Rules) -> list[Json]:
        """Inpatient Encounters of a span, and those that came in then and say no time at all."""
        classes = ("class", ",".join(rules["inpatient_classes"]))
        dated = ("date", f"ge{span.start.isoformat()}"), ("date", f"lt{span.end.isoformat()}")
        received = ("_lastUpdated", f"ge{_at(span.start)}"), ("_lastUpdated", f"lt{_at(span.end)}")
        found = await self.source.all("Encounter", classes, *dated)
        return found + await self.source.all("Encounter", classes, ("date:missing", "true"), *received)

    async def _around(self, piece: Sequence[Json], visits: dict[str, Json]) -> Mapping[str, Around]:
        """What each of a piece refers to; `visits` keeps what was read of Encounters, for many share one."""
        await self._visits([_visit_id(one) for one in piece], visits)
        drugs = await self._named("Medication", [_medication_id(one) for one in piece])
        prices = await self._prices(piece)
        homeless = [one for one in piece if not facility_of(one) and not facility_of(visits.get(_visit_id(one), {}))]
        people = await self._named("Patient", [patient_of(one) for one in homeless])
        return {
            one["id"]: Around(
                visits.get(_visit_id(one), {}),
                people.get(patient_of(one), {}),
                drugs.get(_medication_id(one)) or _contained(one),
                prices.get(one["id"]),
            )
            for one in piece
        }

    async def _visits(self, wanted: Sequence[str], known: dict[str, Json]) -> None:
        if len(known) > MOST_VISITS:
            known.clear()
        read = await self._named("Encounter", [one for one in wanted if one not in known])
        known |= {key: {name: one[name] for name in VISIT if name in one} for key, one in read.items()}

    async def _prices(self, piece: Sequence[Json]) -> Mapping[str, Decimal]:
        """What was charged for each, where a ChargeItem says so: its price in yuan, by the dispensing it is for."""
        asked = ("service", ",".join(f"MedicationDispense/{one['id']}" for one in piece))
        charged: dict[str, Decimal] = {}
        for item in await self.source.all("ChargeItem", asked):
            price = number(item.get("priceOverride", {}).get("value"))
            for service in item.get("service", ()):
                if price is not None and item.get("status") not in ("aborted", "not-billable", "entered-in-error"):
                    charged[reference_id(service)] = charged.get(reference_id(service), Decimal(0)) + price
        return charged

    async def _named(self, resource_type: str, ids: Iterable[str]) -> Mapping[str, Json]:
        wanted = list(dict.fromkeys(one for one in ids if one))
        found: dict[str, Json] = {}
        for group in _groups(wanted, IDS):
            found |= {one["id"]: one for one in await self.source.all(resource_type, ("_id", ",".join(group)))}
        return found


def _next(step: timedelta, found: int) -> timedelta:
    if found > MANY:
        return max(step / 2, SMALLEST)
    return min(step * 2, LARGEST) if found < FEW else step


def midnight(at: date) -> datetime:
    """The first moment of a day in the region."""
    return datetime.combine(at, time(), ZONE)


def _at(at: date) -> str:
    return midnight(at).isoformat()


def _day(text: str | None) -> date:
    return day(text) or date.min


def _within(resource: Json, start: datetime, stop: datetime) -> bool:
    at = moment(resource.get("whenHandedOver"))
    return at is not None and start <= at < stop


def _visit_id(dispense: Json) -> str:
    return reference_id(dispense.get("context"), "Encounter")


def _medication_id(dispense: Json) -> str:
    return reference_id(dispense.get("medicationReference"), "Medication")


def _contained(dispense: Json) -> Json:
    wanted = str(dispense.get("medicationReference", {}).get("reference", "")).removeprefix("#")
    inside = (one for one in dispense.get("contained", ()) if wanted and one.get("id") == wanted)
    return next(inside, {})


def _groups(rows: Sequence[T], size: int) -> Iterable[Sequence[T]]:
    return (rows[start : start + size] for start in range(0, len(rows), size))
