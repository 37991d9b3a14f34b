"""
CE, CWE, CNE, IS and ID to CodeableConcept: the sender's coding and text are always kept, what is unknown is counted.

https://build.fhir.org/ig/HL7/v2-to-fhir/ConceptMap-datatype-cwe-to-codeableconcept.html
"""

from __future__ import annotations

import re
from urllib.parse import quote

from adapters.facts import Json
from adapters.hl7v2.message import Segment, Value
from adapters.hl7v2.to_fhir.draft import Draft
from adapters.hl7v2.to_fhir.tables import known_system, look_up, v2_system
from adapters.hl7v2.to_fhir.text import clean


def local_system(site_id: str, name: str) -> str:
    """The system of a code that only this site knows."""
    tail = quote(re.sub(r"\s+", "-", name.strip()), safe="")
    return f"urn:hie:code-system:{site_id}:{tail}" if tail else f"urn:hie:code-system:{site_id}"


def _tidy(code: str) -> str:
    return " ".join(clean(code).split())


def _mapped(draft: Draft, name: str, code: str) -> Json:
    target = draft.site.code_maps.get(name, {}).get(code)
    return dict(zip(("system", "code", "display"), target, strict=True)) if target else {}


def _coding(draft: Draft, code: str, display: str, name: str, version: str, table: str) -> list[Json]:
    """The coding as sent, after its translation where the site has one."""
    system = known_system(name) or (v2_system(table) if table and not name else "") or local_system(draft.site.id, name)
    mapped = _mapped(draft, name or table, code) or (_mapped(draft, f"HL7{table}", code) if table else {})
    sent = {"system": system, "version": version, "code": _tidy(code), "display": display}
    return [mapped, sent] if mapped else [sent]


def concept(draft: Draft, value: Value, where: str, *, table: str = "") -> Json:
    """
    A coded value as CodeableConcept, {} when empty.

    `where` is the field ("OBX-3") for the count of unmapped codes; `table` the HL7 table meant when CWE-3 is silent.
    """
    if not value.components:
        return {}
    codings: list[Json] = []
    for at in (1, 4):
        if code := clean(value[at]):
            version = value[7] if at == 1 else value[8]
            codings += _coding(draft, code, value[at + 1], value[at + 2].strip(), version, table)
    text = clean(value[9]) or clean(value[2]) or clean(value[5])
    if not codings:
        return {"text": text} if text else {}
    _count(draft, codings, where)
    return {"coding": codings, "text": text or value[1]}


def _count(draft: Draft, codings: list[Json], where: str) -> None:
    """A code is unmapped when none of its codings is in a system that others know."""
    if all(coding["system"].startswith("urn:hie:code-system:") for coding in codings):
        draft.code_unmapped(where, codings[0])


def field_concept(draft: Draft, segment: Segment, field: int, *, table: str = "") -> Json:
    """The first repetition of a field as CodeableConcept."""
    return concept(draft, segment[field], f"{segment.name}-{field}", table=table)


def field_concepts(draft: Draft, segment: Segment, field: int, *, table: str = "") -> list[Json]:
    """Every repetition of a field."""
    return [
        found
        for value in segment.all(field)
        if (found := concept(draft, value, f"{segment.name}-{field}", table=table))
    ]


def mapped_code(draft: Draft, segment: Segment, field: int, table: str, *, component: int = 1) -> str:
    """A field of an HL7 table as a FHIR code, "" when absent or unknown; what is unknown is counted."""
    sent = segment.text(field, component).strip()
    if not sent:
        return ""
    site_map = draft.site.code_maps.get(f"HL7{table}", draft.site.code_maps.get(table, {}))
    code = look_up(table, site_map[sent][1] if sent in site_map else sent) or (
        site_map[sent][1] if sent in site_map else ""
    )
    if not code:
        draft.lost(segment, field, sent, v2_system(table))
    return code
