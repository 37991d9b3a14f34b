"""
The module's indicators as rows for the one engine: essential varieties, essential amount, antibacterial use density.

Specification: region-1251 section 5, MED-02 and MED-04.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import date
from decimal import Decimal

from hie.applications.drug_supervision.dispensing import Dispensing
from hie.applications.drug_supervision.figures import is_judged
from hie.applications.drug_supervision.reading import Ledger, Quiet
from hie.applications.work import Reader
from hie.indicators.engine import Collector, Source
from hie.indicators.indicator import Evidence, Row, Window
from terminology.service import Terminology

ONE = Decimal(1)


def collectors(terminology: Terminology, today: Callable[[], date]) -> Mapping[str, Collector]:
    """By indicator id."""

    def ledger(source: Source) -> Ledger:
        return Ledger(Quiet(source) if isinstance(source, Reader) else source, terminology, today())

    async def variety(source: Source, window: Window) -> Evidence:
        return await essential_variety(ledger(source), window)

    async def amount(source: Source, window: Window) -> Evidence:
        return await essential_amount(ledger(source), window)

    async def density(source: Source, window: Window) -> Evidence:
        return await use_density(ledger(source), window)

    return {"essential-variety": variety, "essential-amount": amount, "antibacterial-use-density": density}


async def essential_variety(ledger: Ledger, window: Window) -> Evidence:
    """One row a variety and facility, by the first dispensing of it; the region's figure is the sum of them."""
    seen: dict[tuple[str, str], Row] = {}
    essential: list[Row] = []
    excluded: list[Row] = []
    async for row in ledger.dispensings(window):
        if not is_judged(row):
            excluded.append(Row(row.reference, row.facility, ONE, row.problems[0]))
        elif (row.facility, row.drug.key) not in seen:
            seen[row.facility, row.drug.key] = Row(row.reference, row.facility)
            if row.drug.essential:
                essential.append(Row(row.reference, row.facility))
    return Evidence(tuple(essential), tuple(seen.values()), tuple(excluded))


async def essential_amount(ledger: Ledger, window: Window) -> Evidence:
    """What was charged, where a price is known; the others are excluded and say so."""
    above: list[Row] = []
    below: list[Row] = []
    excluded: list[Row] = []
    async for row in ledger.dispensings(window):
        if row.price is None or not is_judged(row):
            excluded.append(Row(row.reference, row.facility, ONE, row.problems[0]))
            continue
        below.append(Row(row.reference, row.facility, row.price))
        if row.drug.essential:
            above.append(Row(row.reference, row.facility, row.price))
    return Evidence(tuple(above), tuple(below), tuple(excluded))


async def use_density(ledger: Ledger, window: Window) -> Evidence:
    """DDDs above, bed-days below; what could not be counted of either is excluded and says why."""
    above: list[Row] = []
    below: list[Row] = []
    excluded: list[Row] = []
    async for row in ledger.dispensings(window):
        if row.doses and not row.doses.problem:
            above.append(Row(row.reference, row.facility, row.doses.ddds))
        elif flag := _uncounted(row):
            excluded.append(Row(row.reference, row.facility, ONE, flag))
    async for counted in ledger.stays(window, [window]):
        reference, place = f"Encounter/{counted.stay.id}", counted.stay.facility
        if counted.problem:
            excluded.append(Row(reference, place, ONE, counted.problem))
        elif counted.days:
            below.append(Row(reference, place, Decimal(counted.days)))
    return Evidence(tuple(above), tuple(below), tuple(excluded))


def _uncounted(row: Dispensing) -> str:
    """What might be an antibacterial of an inpatient and could not be counted."""
    if row.doses:
        return row.doses.problem
    if row.antibacterial:
        return "" if row.setting else "unknown-setting"
    return "" if row.drug.mapped or row.setting == "outpatient" else "unmapped-drug"
