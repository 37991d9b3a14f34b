"""
The figures of one facility and window, added up row by row: essential shares, use density, what is missing.

Specification: region-1251 section 5, MED-02 and MED-04.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from decimal import Decimal

from hie.applications.drug_supervision.dispensing import Dispensing
from hie.applications.drug_supervision.rules import Problem
from hie.applications.rule_data import Rules

HUNDRED = Decimal(100)
# What keeps a row out of the shares of essential medicines, out of the density, or out of the amounts alone.
OF_ESSENTIAL = frozenset({"unmapped-drug", "unknown-essential"})
OF_AMOUNT = frozenset({"missing-price"})
OF_STAYS = frozenset({"missing-admission", "never-ended"})


@dataclass(slots=True)
class Tally:
    """Adds up; the only thing here that changes, and never leaves the query that made it."""

    dispensings: int = 0
    judged: int = 0
    essential: int = 0
    varieties: set[str] = field(default_factory=set)
    essential_varieties: set[str] = field(default_factory=set)
    amount: Decimal = Decimal(0)
    essential_amount: Decimal = Decimal(0)
    ddds: Decimal = Decimal(0)
    antibacterials: int = 0
    bed_days: int = 0
    stays: int = 0
    problems: Counter[Problem] = field(default_factory=Counter)

    def add(self, row: Dispensing) -> None:
        """One dispensing."""
        self.dispensings += 1
        self.problems.update(row.problems)
        if is_judged(row):
            self._judge(row)
        if row.doses and not row.doses.problem:
            self.ddds += row.doses.ddds
            self.antibacterials += 1

    def _judge(self, row: Dispensing) -> None:
        self.judged += 1
        self.varieties.add(row.drug.key)
        self.amount += row.price or 0
        if row.drug.essential:
            self.essential += 1
            self.essential_varieties.add(row.drug.key)
            self.essential_amount += row.price or 0

    def add_stay(self, days: int, problem: Problem) -> None:
        """One stay."""
        if problem:
            self.problems[problem] += 1
        else:
            self.stays += days > 0
            self.bed_days += days

    def merge(self, other: Tally) -> None:
        """Everything of another facility: the region's varieties are counted once."""
        self.dispensings += other.dispensings
        self.judged += other.judged
        self.essential += other.essential
        self.varieties |= other.varieties
        self.essential_varieties |= other.essential_varieties
        self.amount += other.amount
        self.essential_amount += other.essential_amount
        self.ddds += other.ddds
        self.antibacterials += other.antibacterials
        self.bed_days += other.bed_days
        self.stays += other.stays
        self.problems.update(other.problems)


@dataclass(frozen=True, slots=True)
class Figures:
    """What a page shows. A share is None where there is nothing to divide by."""

    dispensings: int
    judged: int
    essential: int
    varieties: int
    essential_varieties: int
    amount: Decimal
    essential_amount: Decimal
    ddds: Decimal
    antibacterials: int
    bed_days: int
    stays: int
    problems: Mapping[Problem, int]

    @property
    def variety_share(self) -> Decimal | None:
        """Essential among the varieties that were dispensed, in per cent."""
        return share(Decimal(self.essential_varieties), Decimal(self.varieties))

    @property
    def dispensing_share(self) -> Decimal | None:
        """Essential among the dispensings, in per cent."""
        return share(Decimal(self.essential), Decimal(self.judged))

    @property
    def amount_share(self) -> Decimal | None:
        """Essential in the amount of the priced dispensings, in per cent."""
        return share(self.essential_amount, self.amount)

    @property
    def density(self) -> Decimal | None:
        """DDDs per hundred bed-days."""
        return share(self.ddds, Decimal(self.bed_days))

    @property
    def unpriced(self) -> int:
        """Dispensings without a price: no part of the amounts."""
        return self.problems.get("missing-price", 0)

    @property
    def uncounted(self) -> int:
        """Findings that keep a row out of a figure; a missing price concerns the amounts alone and is told there."""
        return sum(count for name, count in self.problems.items() if name not in OF_AMOUNT)

    def small_sample(self, rules: Rules) -> bool:
        """Too few bed-days for the density to mean much."""
        return self.bed_days < int(rules["small_sample_below_bed_days"])

    def over_density(self, rules: Rules) -> bool:
        """Above the limit, and of enough bed-days to say so."""
        found = self.density
        limit = Decimal(rules["use_density_at_most"])
        return found is not None and found > limit and not self.small_sample(rules)


def is_judged(row: Dispensing) -> bool:
    """Whether anybody knows if the drug is essential."""
    return row.drug.essential is not None


def figures(tally: Tally) -> Figures:
    """The sums as a value."""
    return Figures(
        tally.dispensings, tally.judged, tally.essential, len(tally.varieties), len(tally.essential_varieties),
        tally.amount, tally.essential_amount, tally.ddds, tally.antibacterials, tally.bed_days, tally.stays,
        dict(sorted(tally.problems.items())),
    )  # fmt: skip


def share(part: Decimal, whole: Decimal) -> Decimal | None:
    """Per cent with one decimal; None of nothing."""
    return round(part * HUNDRED / whole, 1) if whole else None
