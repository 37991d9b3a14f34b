"""
The version of how resources are indexed: raised by hand when a definition or the form of a key changes.

A start with a higher version than the stores compares fingerprints: what changed is refused in searches until a job has
made its keys again. https://hl7.org/fhir/R4/search.html
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping

from records.definitions import SearchParameter, official

# Raise VERSION with every change of a definition or of a number below; a test says when that was forgotten.
VERSION = 2
# Raise the number of a kind when its keys or sort values change; of `composite` when only the joining of parts does.
FORMATS: Mapping[str, int] = {
    "string": 2, "token": 2, "reference": 2, "date": 2, "number": 2, "quantity": 2, "uri": 2, "special": 2,
    "composite": 2,
}  # fmt: skip
# What stores hold that no version was ever written into: the release before there were any.
FIRST: Mapping[str, int] = dict.fromkeys(FORMATS, 1)

Prints = dict[str, dict[str, str]]


def fingerprint(parameter: SearchParameter, formats: Mapping[str, int] = FORMATS) -> str:
    """A short text that changes when a parameter finds something else, or is indexed in another form."""
    kinds = sorted({parameter.type, *(one.type for one in parameter.components)})
    used = ",".join(f"{kind}{formats.get(kind, 1)}" for kind in kinds)
    said = repr((parameter.code, parameter.type, parameter.paths, parameter.components))
    return hashlib.sha256(f"{used};{said}".encode()).hexdigest()[:12]


def standard(formats: Mapping[str, int] = FORMATS) -> Prints:
    """The fingerprints of every standard parameter, by type and code."""
    known = official()
    return {
        name: {code: fingerprint(one, formats) for code, one in known.search_parameters(name).items()}
        for name in sorted(known.resource_types)
    }


def changed(before: Mapping[str, Mapping[str, str]], after: Mapping[str, Mapping[str, str]]) -> dict[str, list[str]]:
    """Codes by type that have another fingerprint than before, or none before."""
    found = {
        name: sorted(code for code, one in prints.items() if before.get(name, {}).get(code) != one)
        for name, prints in after.items()
    }
    return {name: codes for name, codes in found.items() if codes}
