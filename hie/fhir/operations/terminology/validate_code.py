"""
`ValueSet/$validate-code` and `CodeSystem/$validate-code`: whether a code is one, and its name is one of its names.

https://hl7.org/fhir/R4/valueset-operation-validate-code.html,
https://hl7.org/fhir/R4/codesystem-operation-validate-code.html
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from hie.fhir.call import Answer, Call
from hie.fhir.operations.terminology.asked import Asked, asked
from hie.fhir.operations.terminology.codings import Coding, codings
from hie.fhir.operations.terminology.grammars import GRAMMARS
from hie.fhir.operations.terminology.judging import Case, Finding, judged
from hie.fhir.operations.terminology.problems import told, unknown
from hie.fhir.operations.terminology.replies import languages, reply, value
from hie.fhir.operations.terminology.subjects import INTERACTION, Subject, subject
from records.errors import Invalid
from records.stored import Stored
from terminology.tables.library import Library, fits, same
from terminology.tables.membership import Membership
from terminology.tables.system import System
from terminology.tables.undecided import Fragment
from terminology.tables.value_set import Listed, ValueSet

OPERATION = "validate-code"
CODE = {
    "code": "code", "coding": "Coding", "codeableConcept": "CodeableConcept", "display": "string",
    "displayLanguage": "code", "abstract": "boolean",
}  # fmt: skip
OF_SYSTEM = {"url": "uri", "codeSystem": "CodeSystem", "version": "string", **CODE}
OF_SET = {
    "url": "uri", "valueSet": "ValueSet", "valueSetVersion": "string", "system": "uri", "systemVersion": "string",
    **CODE,
}  # fmt: skip
NOT_OF_SET, NOT_OF_SYSTEM = "The code is not in the value set.", "The code is not in the code system."
OTHER_SYSTEM = "The coding is of another code system."
# Where a code system is sent without an address, its codes are of it all the same.
NAMELESS = "urn:hie:nameless"


async def validate_code(call: Call) -> Answer:
    """`GET` or `POST [base]/[type]/$validate-code`, `[base]/[type]/[id]/$validate-code` of a ValueSet or CodeSystem."""
    return await (_of_set(call) if call.path[0] == "ValueSet" else _of_system(call))


async def _of_set(call: Call) -> Answer:
    given = asked(call, OPERATION, OF_SET)
    sent = codings(given, given.text("system"), given.text("systemVersion"))
    found = await _with_names(call, given, sent)
    with told():
        return _answer(call, given, [_member(found, one) for one in sent], found.row)


async def _with_names(call: Call, given: Asked, sent: Sequence[Coding]) -> Subject:
    """The value set; the systems of the codings are looked for as well, for the names that they have there."""
    found = await subject(call, given, "ValueSet", "valueSet", "valueSetVersion", also=[one.system for one in sent])
    for one in sent:
        if one.version and one.system and found.library.system(one.system, one.version) is None:
            raise unknown("code system", f"{one.system}|{one.version}")
    return found


def _member(found: Subject, coding: Coding) -> Case:
    value_set: ValueSet = found.table
    library: Library = found.library
    asks = Membership(library)
    answer = asks.holds(value_set, coding.system, coding.code)
    system = library.system(coding.system, coding.version) if coding.system else None
    return Case(coding, answer, NOT_OF_SET, asks.doubts, system, [*_listed(value_set, coding)])


def _listed(value_set: ValueSet, coding: Coding) -> Iterator[Listed]:
    """The names that the value set itself gives a code."""
    for part in value_set.include:
        if same(part.system) == same(coding.system):
            yield from (one for one in part.listed if one.code == coding.code)
    yield from (one.listed for one in value_set.contained if one.listed.code == coding.code)


async def _of_system(call: Call) -> Answer:
    given = asked(call, OPERATION, OF_SYSTEM)
    if len(call.path) == 2 and given.text("url") in GRAMMARS:
        return await _by_grammar(call, given)
    found = await subject(call, given, "CodeSystem", "codeSystem")
    system: System = found.table
    own = system.url or NAMELESS
    return _answer(call, given, [_code(system, one, own) for one in codings(given, own)], found.row)


async def _by_grammar(call: Call, given: Asked) -> Answer:
    await call.visibility("CodeSystem", INTERACTION)
    url = given.text("url")
    cases = [
        Case(one, GRAMMARS[url](one.code) if one.system == url else False, NOT_OF_SYSTEM) for one in codings(given, url)
    ]
    return _answer(call, given, cases)


def _code(system: System, coding: Coding, own: str) -> Case:
    if coding.system and same(coding.system) != same(own):
        return Case(coding, False, OTHER_SYSTEM)
    if coding.version and not fits(system.version, coding.version):
        raise unknown("code system", f"{own}|{coding.version}")
    if system.find(coding.code) is not None:
        return Case(coding, True, "", (), system)
    whole = system.content == "complete"
    return Case(coding, False if whole else None, NOT_OF_SYSTEM, () if whole else [Fragment(system.canonical)], system)


def _answer(call: Call, given: Asked, cases: Sequence[Case], row: Stored | None = None) -> Answer:
    """One coding that is right is enough; else what is wrong with the first, or what cannot be said."""
    wanted = languages(call, given.text("displayLanguage"))
    abstract = given.truth("abstract", otherwise=True)
    found = _best(judged(one, wanted, abstract=abstract) for one in sorted(cases, key=lambda one: one.answer is None))
    shown = [value("result", "Boolean", found.result), value("message", "String", found.message)]
    return reply([*shown, value("display", "String", found.display)], *((row,) if row else ()))


def _best(findings: Iterator[Finding]) -> Finding:
    first = None
    for one in findings:
        if one.result:
            return one
        first = first or one
    if first is None:
        raise Invalid("There is no code to validate.", status=400)
    return first
