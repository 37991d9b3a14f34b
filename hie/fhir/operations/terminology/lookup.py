"""
`CodeSystem/$lookup`: everything that is known about one code.

https://hl7.org/fhir/R4/codesystem-operation-lookup.html
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from hie.fhir.call import Answer, Call
from hie.fhir.operations.terminology.asked import Asked, asked
from hie.fhir.operations.terminology.problems import told
from hie.fhir.operations.terminology.replies import languages, parts, reply, value
from hie.fhir.operations.terminology.subjects import Subject, named, shelf, subject
from records.errors import Invalid, NotFound
from records.stored import Json
from terminology.tables.naming import display
from terminology.tables.system import Entry, Property, System

OPERATION = "lookup"
SHAPES = {
    "code": "code", "system": "uri", "version": "string", "coding": "Coding", "displayLanguage": "code",
    "property": "code*",
}  # fmt: skip
# Asked for by these names, what has a place of its own in the answer.
ALWAYS = frozenset({"name", "version", "display", "code", "system"})
ALL = "*"


async def lookup(call: Call) -> Answer:
    """`GET` or `POST [base]/CodeSystem/$lookup`, `[base]/CodeSystem/[id]/$lookup`."""
    given = asked(call, OPERATION, SHAPES)
    with told():
        found, code = await located(call, given)
    system: System = found.table
    entry = system.find(code)
    if entry is None:
        part = " Only a part of that code system is held here." if system.content != "complete" else ""
        raise NotFound(f"The code is not in {system.canonical[:200]}.{part}")
    wanted = languages(call, given.text("displayLanguage"))
    return reply(_answer(system, entry, given.texts("property"), wanted), *((found.row,) if found.row else ()))


async def located(call: Call, given: Asked) -> tuple[Subject, str]:
    """The code system and the code that are asked about."""
    coding = given.one("coding") or {}
    if ("coding" in given) == ("code" in given):
        raise Invalid(f"${given.operation} needs a code with its system, or a coding.", status=400)
    code = given.text("code") or str(coding.get("code", ""))
    system = given.text("system") or str(coding.get("system", ""))
    version = given.text("version") or str(coding.get("version", ""))
    if not code or not (system or len(call.path) == 3):
        raise Invalid(f"${given.operation} needs a code with its system, or a coding.", status=400)
    if len(call.path) == 3:
        found = await subject(call, given, "CodeSystem", "codeSystem")
        if system and system != found.table.url:
            raise Invalid("The system is not that of the address.", status=400)
        return found, code
    canonical = f"{system}|{version}" if version else system
    return await named(await shelf(call, "CodeSystem"), "CodeSystem", canonical), code


def _answer(system: System, entry: Entry, asked_for: Sequence[str], wanted: Sequence[str]) -> Iterator[Json]:
    yield value("name", "String", system.title or system.url)
    yield value("version", "String", system.version)
    yield value("display", "String", display(entry, system, wanted) or entry.code)
    every = not asked_for or ALL in asked_for
    if every or "designation" in asked_for:
        yield from _designations(entry)
    for one in _properties(system, entry):
        if every or one.code in asked_for:
            yield parts("property", [value("code", "Code", one.code), value("value", one.type, one.value)])
    if languages := [one.removeprefix("lang.") for one in asked_for if one.startswith("lang.")]:
        yield from _designations(entry, languages)


def _designations(entry: Entry, languages: Sequence[str] = ()) -> Iterator[Json]:
    for one in entry.designations:
        if languages and one.language not in languages:
            continue
        found = [value("language", "Code", one.language)] if one.language else []
        found += [value("use", "Coding", one.use)] if one.use else []
        yield parts("designation", [*found, value("value", "String", one.value)])


def _properties(system: System, entry: Entry) -> Iterator[Property]:
    """What is said of the concept, what stands above and below it, and whether it is in use."""
    if entry.definition:
        yield Property("definition", "String", entry.definition)
    yield Property("inactive", "Boolean", entry.inactive)
    if entry.abstract:
        yield Property("notSelectable", "Boolean", True)
    yield from (Property("parent", "Code", one) for one in entry.parents)
    yield from (Property("child", "Code", one) for one in system.children(entry.code))
    own = ("parent", "child", "inactive", "notSelectable", "definition")
    yield from (one for one in entry.properties if one.code not in own)
