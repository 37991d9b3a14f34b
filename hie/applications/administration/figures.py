"""
Indicators of all modules: the definition, the figure of a month, of each facility, and the rows behind it.

region-1251 section 3: a window always, numerator and denominator, closed periods that stay.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from urllib.parse import urlencode

from starlette.responses import Response

from hie.applications.administration.monitor import BASE, site_names
from hie.applications.administration.services import Services
from hie.applications.fhir import ZONE
from hie.applications.organizations import names
from hie.applications.work import Reader
from hie.errors import Unprocessable
from hie.indicators.indicator import Row, Value, Window
from hie.ui import N_
from hie.workbench.desk import Visit
from records.errors import NotFound

SIZE = 50
SIDES = {"numerator": N_("分子"), "denominator": N_("分母"), "excluded": N_("未计入")}
_MONTH = re.compile(r"(20\d\d)-(0[1-9]|1[0-2])")


@dataclass(frozen=True, slots=True)
class Shown:
    """One row behind a number: `href` where it opens."""

    row: Row
    label: str
    href: str


@dataclass(frozen=True, slots=True)
class Figures:
    """Handlers. Figures are the region's, not the reader's: they are counted with the sight of the exchange."""

    services: Services

    async def catalogue(self, visit: Visit) -> Response:
        """GET: what is counted."""
        engine = visit.indicators
        found = [one for key, one in engine.definitions.items() if key in engine.collectors]
        return visit.render("administration/indicators.html", indicators=found, month=_text(self._today()))

    def _today(self) -> date:
        return self.services.clock().astimezone(ZONE).date()

    async def one(self, visit: Visit) -> Response:
        """GET: one figure, opened."""
        definition = self._definition(visit)
        month = _month(visit.query.get("month", ""), self._today())
        facility = visit.query.get("facility", "")
        source = Reader(self.services.store)
        values = await visit.indicators.by_facility(definition, month, source)
        chosen = next((one for one in values if one.facility == facility), None)
        if chosen is None:
            raise NotFound("There is no such facility in this window.")
        before = await visit.indicators.value(definition, _before(month), source, facility)
        visit.note("operation", query=f"indicator/{definition}?{urlencode({'month': _text(month.start)})}")
        called = {**await site_names(visit), **await names(visit.reader, [one.facility for one in values])}
        side = visit.query.get("rows", "denominator" if chosen.indicator.kind == "ratio" else "numerator")
        side = side if side in SIDES else "numerator"
        start = max(int(visit.query.get("from", "0")), 0) if visit.query.get("from", "0").isdigit() else 0
        behind: Sequence[Row] = getattr(chosen.evidence, side)
        return visit.render(
            "administration/indicator.html", value=chosen, before=before, values=values[1:], region=values[0],
            names=called, month=_text(month.start), previous=_text(_before(month).start), sides=SIDES, side=side,
            following=_text(month.end) if month.end <= self._today() else "", now=self.services.clock(),
            rows=[_shown(row) for row in behind[start : start + SIZE]], start=start, size=SIZE, count=len(behind),
            base=f"{BASE}/indicators/{definition}", facility=facility,
            may_close=month.end <= self._today() and chosen.frozen is None,
        )  # fmt: skip

    def _definition(self, visit: Visit) -> str:
        wanted = visit.params["indicator"]
        try:
            return visit.indicators.definition(wanted).id
        except Unprocessable as error:
            raise NotFound("There is no such indicator.") from error

    async def close(self, visit: Visit) -> Response:
        """POST: close a month; what it shows then stays."""
        definition = self._definition(visit)
        month = _month(visit.form.get("month", ""), self._today())
        await visit.indicators.freeze(definition, month, Reader(self.services.store))
        query = urlencode({"month": _text(month.start)})
        visit.note("operation", query=f"indicator/{definition}/$close?{query}")
        return visit.redirect(f"{BASE}/indicators/{definition}?{query}")


def _month(given: str, today: date) -> Window:
    found = _MONTH.fullmatch(given)
    return Window.month(int(found[1]), int(found[2])) if found else Window.month(today.year, today.month)


def _before(month: Window) -> Window:
    year, number = (month.start.year, month.start.month - 1) if month.start.month > 1 else (month.start.year - 1, 12)
    return Window.month(year, number)


def _text(day: date) -> str:
    return day.strftime("%Y-%m")


def _shown(row: Row) -> Shown:
    """Messages open their list; a resource of a record is named and opens nowhere: it is not the administrator's."""
    kind, _, rest = row.reference.partition("/")
    if kind != "messages":
        return Shown(row, row.reference, "")
    site, _, day = rest.partition("/")
    return Shown(row, day, f"{BASE}/messages?{urlencode({'site': site, 'day': day})}")


def change(value: Value, before: Value) -> Mapping[str, object] | None:
    """The difference to the month before, where both are figures."""
    if value.value is None or before.value is None:
        return None
    return {"by": value.value - before.value, "from": before.value}
