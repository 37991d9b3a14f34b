"""
Systolic and diastolic pressure of one OBX-4: one blood pressure with components, as its profile has it.

https://hl7.org/fhir/R4/bp.html
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from adapters.facts import Json
from adapters.hl7v2.to_fhir.sections import Result
from adapters.hl7v2.to_fhir.tables import data, known_system

_PANEL = data("vital_signs.json")["pressure_panel"]
_LOINC = "http://loinc.org"
_MEMBERS = frozenset(_PANEL["members"])
PANEL: str = _PANEL["code"]
CODE: Json = {"coding": [{"system": _LOINC, "code": PANEL, "display": _PANEL["display"]}]}
# Of several statuses the least finished speaks for the whole.
_RANKS = ("unknown", "registered", "preliminary", "corrected", "amended", "final", "cancelled", "entered-in-error")


def apart(found: Iterable[Result]) -> tuple[list[Result], dict[str, list[Result]]]:
    """The results that stand alone, and those of blood pressures by OBX-4; a panel's own heading has no value."""
    alone: list[Result] = []
    pressures: dict[str, list[Result]] = {}
    headings: list[tuple[int, Result]] = []
    for result in found:
        sub = result.obx.text(4).strip()
        if sub and _loinc(result) in _MEMBERS:
            pressures.setdefault(sub, []).append(result)
        elif _loinc(result) == PANEL and not result.obx[5]:
            headings.append((len(alone), result))
        else:
            alone.append(result)
    kept = [one for one in headings if one[1].obx.text(4).strip() not in pressures]
    for at, heading in reversed(kept):
        alone.insert(at, heading)
    return alone, pressures


def _loinc(result: Result) -> str:
    """The LOINC code of OBX-3, "" when it has none."""
    name = result.obx[3]
    pairs = ((name[1], name[3]), (name[4], name[6]))
    return next((code.strip() for code, system in pairs if known_system(system.strip()) == _LOINC), "")


def status(said: Sequence[str]) -> str:
    """The status of a whole whose parts have these."""
    return min(said, key=_RANKS.index)
