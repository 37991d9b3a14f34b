"""
`Patient/$match`: which records may be those of this human, best first, each with its score and grade; nothing changes.

https://hl7.org/fhir/R4/patient-operation-match.html
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from hie.errors import Unprocessable
from hie.fhir.bundles import join
from hie.fhir.call import Answer, Call
from hie.fhir.operations.parameters import FORM, positive, taken, truth
from hie.fhir.outcome import outcome
from hie.identity import blocking, demographics
from hie.identity.choosing import choose, hot_values, rank
from hie.identity.demographics import Demographics
from hie.identity.links import Link
from hie.identity.matching import Comparison, compare, model
from records import validation
from records.errors import Invalid, Issue
from records.stored import Json, Stored, Visibility, encode

GRADE = "http://hl7.org/fhir/StructureDefinition/match-grade"
DEFAULT_COUNT = 20
_RANKS = {"certain": 0, "probable": 1, "possible": 2, "certainly-not": 3}
SEVERAL = "More than one person may be meant: nothing is certain."
CAPPED = "More records are alike than are compared; say more about the person."
TOO_LITTLE = (
    "There is too little to look for somebody by: give an identifier with its system, or a name together with the "
    "whole birth date, a telephone number or a full address."
)


@dataclass(frozen=True, slots=True)
class Question:
    """What is asked: a Patient, only what is certain, at most so many."""

    patient: Json
    certain_only: bool
    count: int


@dataclass(frozen=True, slots=True)
class Found:
    """One source record that is alike; `person` is whose it is."""

    row: Stored
    person: str
    comparison: Comparison


async def match(call: Call) -> Answer:
    """`POST [base]/Patient/$match` with Parameters, or with the Patient alone."""
    question = _question(call)
    visibility = await call.visibility("Patient", "match")
    record = demographics.of(question.patient)
    if record.unidentified or not blocking.keys(record):
        raise Unprocessable(TOO_LITTLE, expression="Parameters.parameter.where(name='resource').resource")
    limit = model().candidates
    links = await call.services.registry.links.candidates(record, limit=limit)
    rows = await _visible(call, links, visibility)
    # Compared is only what the caller may see: a grade must tell nothing of a record that is closed to it.
    seen = [link for link in links if link.patient in rows]
    found = _found(str(question.patient.get("id", "")), record, seen, rows)
    capped = len(links) >= limit
    issues = [Issue("", CAPPED, "incomplete", "warning")] if capped else []
    if question.certain_only:
        found, issues = _certain(question, record, seen, found, capped=capped)
    return _answer(call, found[: question.count], issues)


def _question(call: Call) -> Question:
    asked = validation.parse(call.body)
    validation.check(asked)
    listed = asked.get("parameter", ()) if asked["resourceType"] == "Parameters" else ()
    patients = [one.get("resource") for one in listed if one["name"] == "resource"]
    if asked["resourceType"] == "Patient":
        patients = [asked]
    if len(patients) != 1 or (patients[0] or {}).get("resourceType") != "Patient":
        raise Invalid("$match needs one Patient, as the parameter `resource`.", status=400)
    simple = tuple((str(one["name"]), _simple(one)) for one in listed if one["name"] != "resource")
    query = tuple(pair for pair in call.query if pair[0] not in FORM)
    given = taken("match", (*query, *simple), ("onlyCertainMatches", "count"))
    return Question(patients[0] or {}, _truth(given), _count(given, call.services.settings.fhir_max_count))


def _simple(parameter: Json) -> str:
    for name, kind in (("valueBoolean", bool), ("valueInteger", int), ("valuePositiveInt", int)):
        if type(value := parameter.get(name)) is kind:
            return str(value).lower()
    return ""


def _truth(given: Mapping[str, str]) -> bool:
    return truth("match", "onlyCertainMatches", given.get("onlyCertainMatches", "false"))


def _count(given: Mapping[str, str], most: int) -> int:
    return min(positive("match", "count", given["count"]) if "count" in given else DEFAULT_COUNT, most)


async def _visible(call: Call, links: Sequence[Link], visibility: Visibility) -> dict[str, Stored]:
    asked = [f"Patient/{link.patient}" for link in links]
    found = await call.services.store.read_many(asked, visibility=visibility)
    return {row.id: row for row in found.values() if not row.deleted}


def _found(identity: str, record: Demographics, links: Sequence[Link], rows: Mapping[str, Stored]) -> list[Found]:
    """Every record of every person who comes near, best first."""
    near = {one.person for one in rank(identity, record, links, frozenset()) if one.grade != "certainly-not"}
    hot = hot_values(record, links, model())
    found = [
        Found(rows[link.patient], link.person, compare(record, link.record, hot=hot))
        for link in links
        if link.person in near
    ]
    alike = [one for one in found if one.comparison.grade != "certainly-not"]
    return sorted(alike, key=lambda one: (_RANKS[one.comparison.grade], -one.comparison.weight, one.row.id))


def _certain(
    question: Question, record: Demographics, links: Sequence[Link], found: list[Found], *, capped: bool
) -> tuple[list[Found], list[Issue]]:
    """The best record of the one person that is certain; where there are rivals nothing, and why."""
    ranked = rank(str(question.patient.get("id", "")), record, links, frozenset())
    choice = choose(ranked, capped=capped)
    sure = {one.person for one in found if one.comparison.grade == "certain"}
    if choice.person is not None and sure == {choice.person}:
        return [one for one in found if one.person == choice.person][:1], []
    if len({one.person for one in found}) > 1:
        return [], [Issue("", SEVERAL, "multiple-matches", "warning")]
    return [], [Issue("", CAPPED, "incomplete", "warning")] if capped else []


def score(weight: float) -> float:
    """Odds in powers of two to a probability."""
    return round(1 / (1 + math.exp2(-max(min(weight, 60.0), -60.0))), 4)


def _answer(call: Call, found: Sequence[Found], issues: Sequence[Issue]) -> Answer:
    entries, least = list[bytes](), 1.0
    for one in found:
        # Rules stand above weights: who is ranked lower has no higher score.
        least = min(least, score(one.comparison.weight))
        entries.append(_entry(call.base, one, least))
    if issues:
        entries.append(b'{"resource":' + outcome(issues) + b',"search":{"mode":"outcome"}}')
    links = [("self", f"{call.base}/Patient/$match")]
    body = join("searchset", links, len(found), entries, call.services.clock())
    return Answer(200, body, {}, tuple(one.row for one in found), interaction="match")


def _entry(base: str, found: Found, least: float) -> bytes:
    grade = {"url": GRADE, "valueCode": found.comparison.grade}
    search = encode({"extension": [grade], "mode": "match", "score": least})
    address = encode({"fullUrl": f"{base}/{found.row.reference}"})[:-1]
    return address + b',"resource":' + found.row.text + b',"search":' + search + b"}"
