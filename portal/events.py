"""
Entries of the timeline: kinds, their searches, and each resource as an entry. Pure but for the searches' names.

https://hl7.org/fhir/R4/patient.html
"""

from __future__ import annotations

import base64
import binascii
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime

from hie.ui import N_, Tag
from hie.ui.filters import ZONE
from portal.concepts import Json, code_of, id_of, medication_of, time_of, words
from portal.measured import Reading, readings
from portal.places import place_of
from portal.plain import Term, term
from portal.words import CLASSES, REPORTS

Known = Mapping[str, Json]


@dataclass(frozen=True, slots=True)
class Kind:
    """A kind of entry: the search that finds it, newest first."""

    key: str
    title: str
    type: str
    date: str
    extra: tuple[tuple[str, str], ...] = ()


KINDS = {
    one.key: one
    for one in (
        Kind("visits", N_("就诊"), "Encounter", "date", (("_include", "Encounter:diagnosis"),)),
        Kind("results", N_("检查检验"), "DiagnosticReport", "date", (("_include", "DiagnosticReport:result"),)),
        Kind("medicines", N_("处方"), "MedicationRequest", "authoredon"),
        Kind("vaccinations", N_("接种"), "Immunization", "date"),
        Kind("documents", N_("文书"), "DocumentReference", "date"),
        Kind("measures", N_("测量"), "Observation", "date", (("category", "vital-signs"),)),
    )
}


@dataclass(frozen=True, slots=True)
class Event:
    """One entry; `facts` are further terms, such as diagnoses, `values` what was measured."""

    kind: Tag
    when: str
    term: Term
    place: str
    href: str = ""
    text: str = ""
    facts: tuple[Term, ...] = ()
    tags: tuple[Tag, ...] = field(default=())
    values: tuple[Reading, ...] = ()

    @property
    def moment(self) -> datetime:
        return moment_of(self.when)

    @property
    def year(self) -> str:
        return str(self.moment.astimezone(ZONE).year) if self.when else ""


def event_of(kind: Kind, resource: Json, known: Known, places: dict[str, str]) -> Event:
    """A resource as an entry."""
    tag, title, href, text, facts, tags = PARTS[kind.key](kind, resource, known)
    values = readings(resource) if kind.key == "measures" else ()
    return Event(
        tag, time_of(resource), title, place_of(resource, places), href, text, tuple(facts), tuple(tags), tuple(values)
    )


Parts = tuple[Tag, Term, str, str, Sequence[Term], Sequence[Tag]]


def _visit(kind: Kind, resource: Json, known: Known) -> Parts:
    diagnoses = [known.get(one.get("condition", {}).get("reference", ""), {}) for one in resource.get("diagnosis", ())]
    emergency = resource.get("class", {}).get("code") == "EMER"
    tag = Tag(class_of(resource), "warn" if emergency else "info")
    facts = list(dict.fromkeys(term(one["code"]) for one in diagnoses if one.get("code")))
    return tag, Term(department_of(resource)), f"/visits/{resource['id']}", "", facts, ()


def _report(kind: Kind, resource: Json, known: Known) -> Parts:
    results = [known.get(one.get("reference", ""), {}) for one in resource.get("result", ())]
    unusual = sum(one.attention for result in results if result for one in readings(result))
    tags = [Tag(N_("有需要留意的结果"), "bad")] if unusual else []
    if status := REPORTS.get(resource.get("status", "")):
        tags.append(Tag(status, "warn"))
    text = str(resource.get("conclusion", ""))
    return Tag(kind.title, "info"), term(resource.get("code")), f"/reports/{resource['id']}", text, (), tags


def _medicine(kind: Kind, resource: Json, known: Known) -> Parts:
    doses = "；".join(str(one["text"]) for one in resource.get("dosageInstruction", ()) if one.get("text"))
    return Tag(kind.title, "info"), term(medication_of(resource)), "/medicines", doses, (), ()


def _vaccination(kind: Kind, resource: Json, known: Known) -> Parts:
    tags = [Tag(N_("没有接种"), "warn")] if resource.get("status") == "not-done" else []
    return Tag(kind.title, "good"), term(resource.get("vaccineCode")), "/vaccinations", "", (), tags


def _document(kind: Kind, resource: Json, known: Known) -> Parts:
    title = words(resource.get("type")) or str(resource.get("description", ""))
    return Tag(kind.title, "info"), Term(title), f"/documents/{resource['id']}", "", (), ()


def _measure(kind: Kind, resource: Json, known: Known) -> Parts:
    return Tag(kind.title, "info"), term(resource.get("code")), f"/results/{resource['id']}", "", (), ()


PARTS: Mapping[str, Callable[[Kind, Json, Known], Parts]] = {
    "visits": _visit, "results": _report, "medicines": _medicine, "vaccinations": _vaccination,
    "documents": _document, "measures": _measure,
}  # fmt: skip


def class_of(encounter: Json) -> str:
    """The class of a visit in words."""
    return CLASSES.get(encounter.get("class", {}).get("code", ""), N_("就诊"))


def department_of(encounter: Json) -> str:
    """The department that was last visited, else what the visit was for."""
    rooms = [str(one.get("location", {}).get("display", "")) for one in encounter.get("location", ())]
    purposes = [words(one) for one in encounter.get("type", ())]
    named = [one for one in (*reversed(rooms), *purposes) if one]
    service = encounter.get("serviceType")
    # A service type that is a bare code of a table says nothing to a resident.
    plain = words(service) if words(service) != code_of(service) else ""
    return named[0] if named else plain or class_of(encounter)


def encounter_of(resource: Json) -> str:
    """The id of the visit that something belongs to."""
    return id_of(resource.get("encounter") or resource.get("context"))


def newest(events: Iterable[Event]) -> list[Event]:
    """By time, newest first; what has no time comes last."""
    return sorted(events, key=lambda one: one.moment, reverse=True)


def moment_of(when: str) -> datetime:
    """The beginning of a FHIR time."""
    if not when:
        return datetime.min.replace(tzinfo=UTC)
    if "T" in when:
        return datetime.fromisoformat(when)
    padded = {4: f"{when}-01-01", 7: f"{when}-01"}.get(len(when), when)
    return datetime.fromisoformat(padded).replace(tzinfo=ZONE)


def to_cursor(moment: datetime) -> str:
    """A place in the timeline, for an address: it shows no date."""
    return base64.urlsafe_b64encode(moment.isoformat().encode()).decode().rstrip("=")


def from_cursor(text: str) -> datetime | None:
    """The place; None where the address is not ours."""
    try:
        plain = base64.urlsafe_b64decode(text + "=" * (-len(text) % 4)).decode()
        return datetime.fromisoformat(plain) if plain else None
    except (binascii.Error, ValueError):
        return None
