"""
Code systems that are a grammar, by their addresses: their codes can be judged, and not listed.

https://hl7.org/fhir/R4/terminologies-systems.html
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial

from records.validation.profiles.grammars import FHIR, by_grammar
from terminology.tables.library import Grammar

GRAMMARS: Mapping[str, Grammar] = {
    "http://unitsofmeasure.org": partial(by_grammar, f"{FHIR}ucum-units"),
    "urn:ietf:bcp:13": partial(by_grammar, f"{FHIR}mimetypes"),
    "urn:ietf:bcp:47": partial(by_grammar, f"{FHIR}all-languages"),
    "urn:iso:std:iso:4217": partial(by_grammar, f"{FHIR}currencies"),
}
