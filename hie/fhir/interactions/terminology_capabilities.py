"""
What the server knows of terminology: the code systems of its dictionary, each with its releases.

https://hl7.org/fhir/R4/terminologycapabilities.html
"""

from __future__ import annotations

from datetime import date

from records.stored import Json
from terminology.concepts import CodeSystem
from terminology.service import Terminology, terminology


def terminology_statement(base: str, day: date) -> Json:
    """The TerminologyCapabilities."""
    words = terminology()
    return {
        "resourceType": "TerminologyCapabilities",
        "status": "active",
        "date": day.isoformat(),
        "kind": "instance",
        "software": {"name": "Regional health information exchange"},
        "implementation": {"description": "Regional health information exchange", "url": base},
        "codeSystem": [
            {"uri": url, "version": [{"code": one, "isDefault": not number} for number, one in enumerate(releases)]}
            for url, releases in _releases(words).items()
        ],
    }


def _releases(words: Terminology) -> dict[str, list[str]]:
    """The releases of each code system, that in force first."""
    found = {url: [table.edition.release] for url, table in sorted(words.code_systems.items())}
    for table in words.older.values():
        if isinstance(table, CodeSystem) and table.edition.url in found:
            found[table.edition.url].append(table.edition.release)
    return found
