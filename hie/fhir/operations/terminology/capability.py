"""
What the server knows of terminology: the code systems of its dictionary, of HL7 and of its store, and what it answers.

https://hl7.org/fhir/R4/terminologycapabilities.html
"""

from __future__ import annotations

from collections.abc import Iterable

from hie.access.policy import policy
from hie.fhir.call import Call
from hie.fhir.operations.terminology.expand import SHAPES
from hie.fhir.operations.terminology.shelf import Shelf, region
from records.stored import Json, Visibility
from terminology.concepts import CodeSystem
from terminology.tables import hl7
from terminology.tables.library import Region
from terminology.tables.system import System

Releases = dict[str, list[str]]
NOT_TOLD = frozenset({"url", "valueSet"})


async def terminology_statement(call: Call) -> Json:
    """The TerminologyCapabilities; open to everybody, so that nothing with a sensitive label is in it."""
    shelf = Shelf(call.services.store.collections, Visibility(hidden_labels=policy().sensitive_labels))
    releases = _releases(await shelf.code_systems(), region())
    return {
        "resourceType": "TerminologyCapabilities",
        "status": "active",
        "date": call.services.clock().date().isoformat(),
        "kind": "instance",
        "software": {"name": "Regional health information exchange"},
        "implementation": {"description": "Regional health information exchange", "url": call.base},
        "codeSystem": [_system(url, found) for url, found in sorted(releases.items())],
        "expansion": {
            "hierarchical": False,
            "paging": True,
            "incomplete": True,
            "parameter": [{"name": name} for name in sorted(SHAPES) if name not in NOT_TOLD],
            "textFilter": "Every word of the filter is in the code or in a name, at any place and in any language.",
        },
        "codeSearch": "all",
        "validateCode": {"translations": True},
        "translation": {"needsMap": False},
        "closure": {"translation": False},
    }


def _system(url: str, releases: Iterable[str]) -> Json:
    # The rule tcp-1: of several versions each has a code.
    versions = [{"code": one, "isDefault": not number} for number, one in enumerate(one for one in releases if one)]
    return {"uri": url} | ({"version": versions} if versions else {}) | {"subsumption": True}


def _releases(stored: Iterable[System], own: Region) -> Releases:
    """The releases of each code system, that in force first."""
    found: Releases = {}
    for one in stored:
        found.setdefault(one.url, []).append(one.version)
    for url, table in own.words.code_systems.items():
        found.setdefault(url, []).append(table.edition.release)
    for older in own.words.older.values():
        if isinstance(older, CodeSystem):
            found.setdefault(older.edition.url, []).append(older.edition.release)
    for url, (version, _) in hl7.index("CodeSystem").items():
        found.setdefault(url, []).append(version)
    return {url: list(dict.fromkeys(releases)) for url, releases in found.items()}
