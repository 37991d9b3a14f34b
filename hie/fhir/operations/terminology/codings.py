"""
The codes that an operation is asked about: a code with its system, a coding, or all codings of a concept.

https://hl7.org/fhir/R4/terminologies.html#4.1
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from hie.fhir.operations.terminology.asked import Asked
from records.errors import Invalid
from records.stored import Json

MOST = 100
FORMS = ("code", "coding", "codeableConcept")


@dataclass(frozen=True, slots=True)
class Coding:
    """One code; `display` is the name that it was sent with, None where it came without."""

    system: str
    code: str
    version: str = ""
    display: str | None = None


def codings(given: Asked, system: str = "", version: str = "") -> list[Coding]:
    """Every coding that is asked about; Invalid where the request does not say which, or says it twice."""
    forms = [name for name in FORMS if name in given]
    if len(forms) != 1:
        raise Invalid(f"${given.operation} needs one of {', '.join(FORMS)}.", status=400)
    if forms == ["code"]:
        if not system:
            raise Invalid(f"${given.operation} needs the system of the code.", status=400)
        display = given.text("display") if "display" in given else None
        return [Coding(system, given.text("code"), version, display)]
    raw = [given.one("coding")] if forms == ["coding"] else given.one("codeableConcept").get("coding", [])
    found = [*_read(raw)]
    if not found or len(found) > MOST:
        raise Invalid(f"${given.operation} needs codings with a code, {MOST} at most.", status=400)
    return found


def _read(raw: list[Json]) -> Iterator[Coding]:
    for one in raw:
        if code := one.get("code"):
            display = one.get("display")
            yield Coding(str(one.get("system", "")), str(code), str(one.get("version", "")), display)
