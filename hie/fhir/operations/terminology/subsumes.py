"""
`CodeSystem/$subsumes`: how two codes of a system are related.

https://hl7.org/fhir/R4/codesystem-operation-subsumes.html
"""

from __future__ import annotations

from hie.fhir.call import Answer, Call
from hie.fhir.operations.terminology.asked import Asked, asked
from hie.fhir.operations.terminology.problems import told
from hie.fhir.operations.terminology.replies import reply, value
from hie.fhir.operations.terminology.subjects import named, shelf, subject
from records.errors import Invalid, NotFound
from terminology.tables.relating import is_known, subsumption
from terminology.tables.system import System

OPERATION = "subsumes"
SHAPES = {
    "codeA": "code", "codeB": "code", "system": "uri", "version": "string", "codingA": "Coding", "codingB": "Coding",
}  # fmt: skip


async def subsumes(call: Call) -> Answer:
    """`GET` or `POST [base]/CodeSystem/$subsumes`, `[base]/CodeSystem/[id]/$subsumes`."""
    given = asked(call, OPERATION, SHAPES)
    (first, system), (second, other) = _side(given, "A"), _side(given, "B")
    if system and other and system != other:
        raise Invalid("The two codes are of different systems.", status=400)
    url, version = given.text("system") or system or other, given.text("version")
    if len(call.path) == 3:
        found = await subject(call, given, "CodeSystem", "codeSystem")
        if url and url != found.table.url:
            raise Invalid("The system is not that of the address.", status=400)
    elif not url:
        raise Invalid("$subsumes needs the system of the codes.", status=400)
    else:
        with told():
            found = await named(await shelf(call, "CodeSystem"), "CodeSystem", f"{url}|{version}" if version else url)
    return reply([value("outcome", "Code", _related(found.table, first, second))], *((found.row,) if found.row else ()))


def _side(given: Asked, side: str) -> tuple[str, str]:
    """Code and system of one side."""
    coding = given.one(f"coding{side}") or {}
    code = given.text(f"code{side}") or str(coding.get("code", ""))
    if not code or (f"coding{side}" in given) == (f"code{side}" in given):
        raise Invalid(f"$subsumes needs code{side} or coding{side}.", status=400)
    return code, str(coding.get("system", ""))


def _related(system: System, first: str, second: str) -> str:
    for one, name in ((first, "first"), (second, "second")):
        if not is_known(system, one):
            raise NotFound(f"The {name} code is not known in {system.canonical[:200]}.")
    return subsumption(system, first, second)
