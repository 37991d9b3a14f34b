"""Results: the latest of each test, the course of one, and the report that it came with."""

from __future__ import annotations

from dataclasses import dataclass

from starlette.responses import Response
from starlette.routing import Route

from hie.ui.charts import Mark, Point
from hie.ui.filters import day
from hie.ui.i18n import LOCALES
from portal.concepts import codings
from portal.errors import NotThere
from portal.events import KINDS, event_of, moment_of
from portal.measured import Reading, drawable, latest, placed, readings, series
from portal.places import place_of, places
from portal.plain import term
from portal.site import Site, Visitor, together

RECENT = 200
COURSE = 60
CATEGORIES = ("category", "laboratory,vital-signs")


@dataclass(frozen=True, slots=True)
class Course:
    """The values of one test, oldest first, and what of them can be drawn."""

    values: list[Reading]

    @property
    def last(self) -> Reading:
        return self.values[-1]

    @property
    def drawn(self) -> list[Reading]:
        return drawable(self.values)

    @property
    def marked(self) -> bool:
        """Whether any value was compared with a range."""
        return any(one.mark or one.range for one in self.values)

    @property
    def change(self) -> str:
        """up, down, same, or empty where there is nothing to compare."""
        numbers = [one.number for one in self.drawn if one.number is not None]
        if len(numbers) < 2 or self.last.number is None:
            return ""
        return "up" if numbers[-1] > numbers[-2] else "down" if numbers[-1] < numbers[-2] else "same"

    @property
    def before(self) -> Reading:
        return self.drawn[-2]

    def points(self, language: str) -> list[Point]:
        """For the picture."""
        locale = LOCALES[language]
        return [
            Point(
                day(one.when, locale), float(one.number or 0), one.value, _mark(one), moment_of(one.when).timestamp()
            )
            for one in self.drawn
        ]


def routes(site: Site) -> list[Route]:
    """/results, /results/{id}, /reports/{id}."""
    return [
        Route("/results", site.signed_in(show)),
        Route("/results/{id}", site.signed_in(course)),
        Route("/reports/{id}", site.signed_in(report)),
    ]


async def show(visitor: Visitor) -> Response:
    """GET: the latest of each test, what needs attention first; reports in words beside them."""
    fhir = visitor.fhir
    known = await places(fhir)
    asked = {
        "values": fhir.search("Observation", CATEGORIES, ("_sort", "-date"), ("_count", str(RECENT))),
        "reports": fhir.search("DiagnosticReport", ("_sort", "-date"), ("_count", "40")),
    }
    found, failed = await together(asked)
    values = list(placed(latest(found["values"].matches), known)) if "values" in found else []
    reports = found["reports"].matches if "reports" in found else ()
    studies = [event_of(KINDS["results"], one, {}, known) for one in reports if one.get("conclusion")]
    return visitor.render(
        "results.html",
        attention=[one for one in values if one.attention],
        rest=[one for one in values if not one.attention],
        studies=studies[:10],
        more=bool("values" in found and found["values"].next),
        failed=failed,
    )


async def course(visitor: Visitor) -> Response:
    """GET: how one test went over time; the address names one of its results and no test."""
    fhir = visitor.fhir
    chosen = await fhir.read("Observation", visitor.request.path_params["id"])
    known = await places(fhir)
    others = [chosen]
    if code := "|".join(next(codings(chosen.get("code")), ())):
        found = await fhir.search("Observation", ("code", code), ("_sort", "-date"), ("_count", str(COURSE)))
        others = [*found.matches] or others
    keys = dict.fromkeys(one.key for one in readings(chosen))
    courses = [Course(list(placed(series(others, key), known))) for key in keys]
    courses = [one for one in courses if one.values]
    if not courses:
        raise NotThere
    return visitor.render("course.html", courses=courses, whole=term(chosen.get("code")))


async def report(visitor: Visitor) -> Response:
    """GET: one report with its values."""
    fhir = visitor.fhir
    found = await fhir.search(
        "DiagnosticReport", ("_id", visitor.request.path_params["id"]), ("_include", "DiagnosticReport:result")
    )
    if not found.matches:
        raise NotThere
    resource = found.matches[0]
    results = [found.by_reference().get(one.get("reference", ""), {}) for one in resource.get("result", ())]
    known = await places(fhir)
    values = [one for result in results if result for one in readings(result)]
    return visitor.render(
        "report.html",
        event=event_of(KINDS["results"], resource, {}, known),
        numbers=[one for one in values if one.number is not None or one.mark],
        texts=[one for one in values if one.number is None and not one.mark],
        place=place_of(resource, known),
        issued=str(resource.get("issued", "")),
    )


def _mark(reading: Reading) -> Mark:
    return "high" if reading.mark in ("high", "abnormal") else "low" if reading.mark == "low" else ""
