"""Medicines, vaccinations and the summary: what a doctor or a family would ask first."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import timedelta

from starlette.responses import Response
from starlette.routing import Route

from hie.ui import Tag
from portal.concepts import Json, code_of, codings, medication_of, person_name, time_of, words
from portal.events import moment_of
from portal.fhir import Found
from portal.measured import latest, placed
from portal.places import names, place_of, places
from portal.plain import Term, term
from portal.site import Site, Visitor, together
from portal.words import CATEGORIES, CLINICAL, PRESCRIPTIONS, SEVERITIES

ID_NUMBER = "urn:oid:2.16.156.10011.1.3"
BLOOD = ("code", "http://loinc.org|882-1,http://loinc.org|883-9,http://loinc.org|10331-7")
CURRENT = frozenset({"active", "on-hold"})
GONE = frozenset({"entered-in-error"})
RECENT = timedelta(days=92)


@dataclass(frozen=True, slots=True)
class Line:
    """One entry of a list: what, how, when, where."""

    term: Term
    when: str
    place: str
    text: str = ""
    more: str = ""
    tag: Tag | None = None
    words: tuple[str, ...] = ()


def routes(site: Site) -> list[Route]:
    """/medicines, /vaccinations, /record."""
    return [
        Route("/medicines", site.signed_in(medicines)),
        Route("/vaccinations", site.signed_in(vaccinations)),
        Route("/record", site.signed_in(summary)),
    ]


async def medicines(visitor: Visitor) -> Response:
    """GET: what was prescribed lately, what was before, and what was handed over."""
    fhir = visitor.fhir
    known = await places(fhir)
    asked = {
        "orders": fhir.search("MedicationRequest", ("_sort", "-authoredon"), ("_count", "100")),
        "handed": fhir.search("MedicationDispense", ("_sort", "-whenhandedover"), ("_count", "50")),
    }
    found, failed = await together(asked)
    orders = _newest_of_each(one for one in _matches(found, "orders") if one.get("status") not in GONE)
    since = visitor.site.clock() - RECENT
    recent = [one for one in orders if one.get("status") in CURRENT and moment_of(time_of(one)) >= since]
    return visitor.render(
        "medicines.html",
        recent=[_order(one, known) for one in recent],
        former=[_order(one, known) for one in orders if one not in recent],
        handed=[_handed(one, known) for one in _matches(found, "handed")],
        failed=failed,
    )


async def vaccinations(visitor: Visitor) -> Response:
    """GET: every dose."""
    fhir = visitor.fhir
    known = await places(fhir)
    found = await fhir.all("Immunization", ("_sort", "-date"), ("_count", "100"))
    return visitor.render("vaccinations.html", doses=[_dose(one, known) for one in found.matches])


async def summary(visitor: Visitor) -> Response:
    """GET: who it is, allergies, problems, blood group, latest pressure, and which facilities know the visitor."""
    fhir = visitor.fhir
    patients = (await fhir.all("Patient", ("_count", "100"))).matches
    known = names(patients)
    asked = {
        "allergies": fhir.search("AllergyIntolerance", ("_count", "100")),
        "problems": fhir.search("Condition", ("_sort", "-recorded-date"), ("_count", "100")),
        "blood": fhir.search("Observation", BLOOD, ("_sort", "-date"), ("_count", "10")),
        "vital": fhir.search("Observation", ("category", "vital-signs"), ("_sort", "-date"), ("_count", "20")),
    }
    found, failed = await together(asked)
    person = max(patients, key=lambda one: str(one.get("meta", {}).get("lastUpdated", "")), default={})
    return visitor.render(
        "record.html",
        name=person_name(person),
        sex=person.get("gender", ""),
        born=person.get("birthDate", ""),
        number=_number(person),
        allergies=[_allergy(one, known) for one in _matches(found, "allergies")],
        problems=_problems(_matches(found, "problems"), known),
        blood=latest(_matches(found, "blood")),
        vital=list(placed(latest(_matches(found, "vital")), known)),
        facilities=sorted({name for name in known.values() if name}),
        failed=failed,
    )


def _matches(found: dict[str, Found], name: str) -> Sequence[Json]:
    return found[name].matches if name in found else ()


def _newest_of_each(orders: Iterable[Json]) -> list[Json]:
    """The newest order of each drug; sources rarely say that a former one has ended."""
    found: dict[str, Json] = {}
    for one in sorted(orders, key=lambda one: moment_of(time_of(one)), reverse=True):
        found.setdefault(words(medication_of(one)), one)
    return list(found.values())


def _order(resource: Json, known: dict[str, str]) -> Line:
    doses = "；".join(str(one["text"]) for one in resource.get("dosageInstruction", ()) if one.get("text"))
    status = resource.get("status", "unknown")
    doctor = str((resource.get("requester") or {}).get("display", ""))
    return Line(
        term(medication_of(resource)), time_of(resource), place_of(resource, known), doses,
        doctor if doctor != place_of(resource, known) else "",
        None if status == "active" else Tag(PRESCRIPTIONS.get(status, PRESCRIPTIONS["unknown"])),
    )  # fmt: skip


def _handed(resource: Json, known: dict[str, str]) -> Line:
    quantity = resource.get("quantity", {})
    amount = f"{quantity.get('value', '')} {quantity.get('unit', '')}".strip()
    return Line(term(medication_of(resource)), time_of(resource), place_of(resource, known), amount)


def _dose(resource: Json, known: dict[str, str]) -> Line:
    numbers = [str(one["doseNumberPositiveInt"]) for one in resource.get("protocolApplied", ())
               if one.get("doseNumberPositiveInt")]  # fmt: skip
    status = resource.get("status", "completed")
    return Line(
        term(resource.get("vaccineCode")), time_of(resource), place_of(resource, known),
        str(resource.get("lotNumber", "")), numbers[0] if numbers else "",
        None if status == "completed" else CLINICAL["inactive"],
    )  # fmt: skip


def _allergy(resource: Json, known: dict[str, str]) -> Line:
    reactions = [words(one) for reaction in resource.get("reaction", ()) for one in reaction.get("manifestation", ())]
    severities = [SEVERITIES.get(one.get("severity", ""), "") for one in resource.get("reaction", ())]
    kinds = [CATEGORIES[one] for one in resource.get("category", ()) if one in CATEGORIES]
    status = code_of(resource.get("clinicalStatus")) or "active"
    return Line(
        term(resource.get("code")), time_of(resource), place_of(resource, known), "、".join(filter(None, reactions)),
        tag=CLINICAL.get(status), words=tuple(filter(None, (*kinds, *severities))),
    )  # fmt: skip


def _problems(conditions: Sequence[Json], known: dict[str, str]) -> list[Line]:
    """Each problem once, as its newest entry says it."""
    found: dict[str, Line] = {}
    for one in sorted(conditions, key=lambda one: moment_of(str(one.get("recordedDate", ""))), reverse=True):
        if code_of(one.get("verificationStatus")) in ("refuted", "entered-in-error"):
            continue
        key = next((f"{system}|{code}" for system, code in codings(one.get("code"))), words(one.get("code")))
        status = CLINICAL.get(code_of(one.get("clinicalStatus")))
        when = str(one.get("recordedDate", "")) or time_of(one)
        found.setdefault(key, Line(term(one.get("code")), when, place_of(one, known), tag=status))
    return list(found.values())


def _number(person: Json) -> str:
    found = (str(one.get("value", "")) for one in person.get("identifier", ()) if one.get("system") == ID_NUMBER)
    return next(found, "")
