"""
`ConceptMap/$translate`: what a code means in another code system, forward and back.

https://hl7.org/fhir/R4/conceptmap-operation-translate.html
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Sequence

from hie.fhir.call import Answer, Call
from hie.fhir.operations.terminology.asked import Asked, asked
from hie.fhir.operations.terminology.codings import Coding, codings
from hie.fhir.operations.terminology.problems import told
from hie.fhir.operations.terminology.replies import address, languages, parts, reply, value
from hie.fhir.operations.terminology.subjects import Subject, shelf, subject
from records.errors import Invalid
from records.stored import Json
from terminology.tables.concept_map import ConceptMap, Dependency
from terminology.tables.library import Library, same
from terminology.tables.naming import display
from terminology.tables.translating import Match, Question, translate

OPERATION = "translate"
SHAPES = {
    "url": "uri", "conceptMap": "ConceptMap", "conceptMapVersion": "string", "code": "code", "system": "uri",
    "version": "string", "source": "uri", "coding": "Coding", "codeableConcept": "CodeableConcept", "target": "uri",
    "targetsystem": "uri", "dependency": "parts*", "reverse": "boolean",
}  # fmt: skip


async def translate_code(call: Call) -> Answer:
    """`GET` or `POST [base]/ConceptMap/$translate`, `[base]/ConceptMap/[id]/$translate`."""
    given = asked(call, OPERATION, SHAPES)
    sent = codings(given, given.text("system"), given.text("version"))
    if len(call.path) == 3 or "url" in given or "conceptMap" in given:
        also = _systems(given, sent)
        found = await subject(call, given, "ConceptMap", "conceptMap", "conceptMapVersion", also=also)
        maps: Sequence[ConceptMap] = [found.table]
    else:
        found, maps = await _leading(call, given, sent)
    with told():
        matches = [*_matches(found.library, maps, given, sent)]
    return reply(_answer(call, found.library, matches, maps), *((found.row,) if found.row else ()))


def _systems(given: Asked, sent: Iterable[Coding]) -> list[str]:
    return [given.text("targetsystem"), *(one.system for one in sent)]


async def _leading(call: Call, given: Asked, sent: Sequence[Coding]) -> tuple[Subject, list[ConceptMap]]:
    """All maps that lead from the source to the target, where none is named."""
    held = await shelf(call, "ConceptMap")
    reverse = given.truth("reverse")
    systems = {name for one in sent for name in (one.system, same(one.system))}
    stored = await held.maps_of(systems, reverse=reverse)
    library = await held.library(systems=_systems(given, sent), given=stored)
    every = {one.canonical: one for one in (*library.region.maps(), *stored)}
    return Subject(None, library), [one for one in every.values() if _is_between(one, given, systems)]


def _is_between(found: ConceptMap, given: Asked, systems: Collection[str]) -> bool:
    """Whether a map leads from one of these code systems, between the value sets that are named."""
    reverse = given.truth("reverse")
    if not any((group.target if reverse else group.source) in systems for group in found.groups):
        return False
    return all(
        not given.text(name) or side.partition("|")[0] == given.text(name).partition("|")[0]
        for name, side in (("source", found.source), ("target", found.target))
    )


def _matches(library: Library, maps: Iterable[ConceptMap], given: Asked, sent: Iterable[Coding]) -> Iterator[Match]:
    reverse, target = given.truth("reverse"), given.text("targetsystem")
    needed = tuple(dict.fromkeys(_dependencies(given)))
    for coding in sent:
        question = Question(coding.system, coding.code, coding.version, target, reverse, needed)
        for one in maps:
            yield from translate(library, one, question)


def _dependencies(given: Asked) -> Iterator[Dependency]:
    for one in given.values.get("dependency", ()):
        named = {str(part.get("name")): part for part in one}
        element = named.get("element", {}).get("valueUri")
        if not element:
            raise Invalid("$translate: a dependency has an element and a concept.", status=400)
        concept = named.get("concept", {}).get("valueCodeableConcept", {})
        yield from (Dependency(str(element), str(code["code"])) for code in concept.get("coding", ()) if "code" in code)


def _answer(call: Call, library: Library, matches: Sequence[Match], maps: Sequence[ConceptMap]) -> Iterator[Json]:
    wanted = languages(call, "")
    yield value("result", "Boolean", any(one.is_translation for one in matches))
    if not matches:
        text = "The map says nothing of the code." if maps else "No map that is known here leads from there to there."
        yield value("message", "String", text)
    for one in matches:
        yield parts("match", [*_match(library, one, wanted)])


def _match(library: Library, one: Match, wanted: Sequence[str]) -> Iterator[Json]:
    yield value("equivalence", "Code", one.target.equivalence)
    if one.target.code:
        yield value("concept", "Coding", _coding(library, one.system, one.version, one.target.code,
                                                 one.target.display, wanted))  # fmt: skip
    for other in one.target.product:
        code = _coding(library, other.system, "", other.value, other.display, wanted)
        yield parts("product", [value("element", "Uri", other.property), value("concept", "Coding", code)])
    if one.source.url:
        yield value("source", "Uri", address(one.source.canonical))


def _coding(library: Library, url: str, version: str, code: str, said: str, wanted: Sequence[str]) -> Json:
    system = library.system(url) if url else None
    entry = system.find(code) if system else None
    name = display(entry, system, wanted) if entry and system else said
    coding: Json = {"system": url} if url else {}
    if version:
        coding["version"] = version
    coding["code"] = code
    return coding | ({"display": name} if name else {})
