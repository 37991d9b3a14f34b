"""
The window that a page of figures asks for: a year or a month, never none.

Specification: region-1251 section 3 (window mandatory).
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import date

from hie.indicators.indicator import Window

_PERIOD = re.compile(r"(20\d\d)(?:-(0[1-9]|1[0-2]))?")


@dataclass(frozen=True, slots=True)
class Period:
    """A window with its name in an address, and those before and after it."""

    name: str
    window: Window

    @property
    def before(self) -> str:
        """The name of the period before."""
        if len(self.name) == 4:
            return str(int(self.name) - 1)
        year, month = map(int, self.name.split("-"))
        return f"{year - 1}-12" if month == 1 else f"{year}-{month - 1:02d}"

    @property
    def after(self) -> str:
        """The name of the period after."""
        end = self.window.end
        return str(end.year) if len(self.name) == 4 else f"{end.year}-{end.month:02d}"


def period(given: str, today: date) -> Period:
    """The period of an address; the present year where it names none."""
    found = _PERIOD.fullmatch(given) or _PERIOD.fullmatch(str(today.year))
    assert found is not None
    year = int(found[1])
    if found[2]:
        return Period(found[0], Window.month(year, int(found[2])))
    return Period(found[0], Window(date(year, 1, 1), date(year + 1, 1, 1)))
