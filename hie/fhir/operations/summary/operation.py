"""
`Patient/[id]/$summary`, `Patient/$summary?identifier=`, `Person/[id]/$summary`: who is asked for, and the answer.

http://hl7.org/fhir/uv/ips/OperationDefinition/summary
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from hie.fhir.call import Answer, Call
from hie.fhir.operations.parameters import FORM, body, taken
from hie.fhir.operations.sights import Sights
from hie.fhir.operations.summary.closure import supporting
from hie.fhir.operations.summary.composition import Draft
from hie.fhir.operations.summary.document import document
from hie.fhir.operations.summary.gathering import Item, gather
from hie.fhir.operations.summary.rules import Rules, rules
from hie.fhir.operations.summary.words import language, words
from records.errors import Invalid, NotFound, PreconditionFailed, UnknownParameter
from records.search.values import escaped
from records.stored import Json, Stored, Visibility

INTERACTION = "summary"
# Source records of one human that are looked at when an identifier is asked for.
MOST_RECORDS = 50


@dataclass(frozen=True, slots=True)
class Subject:
    """The Patient that the summary is about, and every further source Patient of that human."""

    row: Stored
    others: tuple[str, ...] = ()


async def summary(call: Call) -> Answer:
    """`GET` or `POST`; the language is that of Accept-Language."""
    today = call.services.clock()
    rule = rules(today.date())
    given = _given(call)
    _check_profile(given.get("profile"), rule)
    visibility = await call.visibility(call.path[0], INTERACTION)
    subject = await _subject(call, given, visibility)
    sights, item = Sights(call, INTERACTION), Item(subject.row, subject.row.resource())
    patients = (subject.row.id, *subject.others)
    sections = await gather(sights, rule.sections, patients, today.date())
    listed = [item, *(one for items in sections.values() for one in items)]
    around = await supporting(sights, listed, rule["supporting"], depth=rule["depth"], most=rule["most_resources"])
    spoken = language(call.header("accept-language"), rule["default_language"])
    draft = Draft(rule, call.base, today, spoken, words(spoken), item, sections, around)
    rows = tuple(one.row for one in draft.items())
    headers = {"Content-Language": spoken}
    return Answer(200, document(draft, subject.others), headers, rows, interaction=INTERACTION)


def _given(call: Call) -> Mapping[str, str]:
    named = ("profile",) if len(call.path) == 3 else ("identifier", "profile")
    query = tuple(pair for pair in call.query if pair[0] not in FORM)
    asked = body(call).get("parameter", ()) if call.body else ()
    given = taken(INTERACTION, (*query, *map(_parameter, asked)), named)
    if "identifier" in named and "identifier" not in given:
        raise Invalid("Patient/$summary without an id needs the parameter identifier, system|value.", status=400)
    return given


def _parameter(parameter: Json) -> tuple[str, str]:
    """A token may be a string (guide 2.0.0) or an Identifier (1.1.0)."""
    name, found = str(parameter["name"]), [one for key, one in parameter.items() if key.startswith("value")]
    if found and isinstance(found[0], dict):
        identifier = parameter.get("valueIdentifier", {})
        if not identifier.get("value"):
            raise Invalid("The parameter identifier needs a value.", status=400)
        system, value = (escaped(str(identifier.get(part, ""))) for part in ("system", "value"))
        return name, f"{system}|{value}" if system else value
    if not found:
        raise Invalid(f"The parameter {name[:64]!r} needs a value.", status=400)
    return name, str(found[0])


def _check_profile(asked: str | None, rule: Rules) -> None:
    if asked is None:
        return
    profile, _, version = asked.partition("|")
    known = (rule["bundle_profile"], rule["composition_profile"])
    if profile not in known or (version and version not in rule["guide_versions"]):
        raise UnknownParameter(f"$summary makes documents of {known[0]} alone.")


async def _subject(call: Call, given: Mapping[str, str], visibility: Visibility) -> Subject:
    store, registry = call.services.store, call.services.registry
    if len(call.path) == 2:
        row = await _identified(call, given["identifier"], visibility)
    else:
        row = await store.read(call.path[0], call.path[1], visibility=visibility)
    person = row.id if row.type == "Person" else await registry.person_of(row.id)
    ids = await registry.expand(person) if person else ()
    if row.type == "Person":
        row = await _foremost(call, ids)
    return Subject(row, tuple(one for one in ids if one != row.id))


async def _foremost(call: Call, ids: Sequence[str]) -> Stored:
    """Of several records of one human the one in use that was touched last."""
    found = await Sights(call, INTERACTION).read_many([f"Patient/{one}" for one in ids])
    if not found:
        raise NotFound("No record is open under this id.")
    return min(found.values(), key=_standing)


def _standing(row: Stored) -> tuple[bool, float, str]:
    return row.resource().get("active") is False, -row.updated.timestamp(), row.id


async def _identified(call: Call, identifier: str, visibility: Visibility) -> Stored:
    if not identifier.strip("|"):
        raise Invalid("The parameter identifier is system|value.", status=400)
    asked = (("identifier", identifier), ("_count", str(MOST_RECORDS)), ("_total", "none"))
    page = await call.services.store.search("Patient", asked, visibility=visibility)
    persons = {await call.services.registry.person_of(row.id) or row.id for row in page.matches}
    if not persons:
        raise NotFound("No record is open under this identifier.")
    if len(persons) > 1:
        raise PreconditionFailed("The identifier names more than one person.")
    return min(page.matches, key=_standing)
