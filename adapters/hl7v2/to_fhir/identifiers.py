"""
HD, CX and EI to FHIR Identifier: every identifier gets a system, for a bare number identifies nobody.

https://build.fhir.org/ig/HL7/v2-to-fhir/ConceptMap-datatype-cx-to-identifier.html
"""

from __future__ import annotations

import re
from datetime import date

from adapters.facts import Json
from adapters.hl7v2.message import Value
from adapters.hl7v2.site import Site
from adapters.hl7v2.to_fhir.tables import data, v2_system
from adapters.hl7v2.to_fhir.text import clean
from adapters.hl7v2.to_fhir.times import Times

_RULES = data("identifiers.json")
RESIDENT_ID: str = _RULES["resident_id"]["system"]
NATIONAL_SYSTEMS = frozenset({RESIDENT_ID, *_RULES["by_type"].values()})
LOCAL_TYPES = frozenset(_RULES["local_types"])
_RESIDENT_TYPES = frozenset(_RULES["resident_id"]["types"])
_OID = re.compile(r"[0-2](\.(0|[1-9]\d*))+")
_UUID = re.compile(r"[0-9a-fA-F]{8}(-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}")
_WEIGHTS = (7, 9, 10, 5, 8, 4, 2, 1, 6, 3, 7, 9, 10, 5, 8, 4, 2)


def default_authority(site: Site) -> str:
    """The system of identifiers that name none."""
    return site.authority or f"urn:hie:authority:{site.id}"


def system_of(hd: Value, site: Site) -> str:
    """The identifier system of an assigning authority; the site's own when it names none."""
    namespace, universal, kind = clean(hd[1]), clean(hd[2]), clean(hd[3]).upper()
    if universal:
        if kind in ("ISO", "") and _OID.fullmatch(universal):
            return f"urn:oid:{universal}"
        if kind in ("UUID", "GUID", "") and _UUID.fullmatch(universal):
            return f"urn:uuid:{universal.lower()}"
        if re.fullmatch(r"[a-zA-Z][a-zA-Z0-9+.-]*:\S+", universal):
            return universal
    name = namespace or universal
    if not name:
        return default_authority(site)
    return site.authorities.get(name) or "urn:hie:authority:" + re.sub(r"\s+", "-", name)


def is_resident_id(text: str) -> bool:
    """True for an 18-character resident identity number whose date exists and whose check digit is right."""
    if not re.fullmatch(r"\d{17}[\dXx]", text) or _birth(text) is None:
        return False
    total = sum(int(digit) * weight for digit, weight in zip(text, _WEIGHTS, strict=False))
    return "10X98765432"[total % 11] == text[-1].upper()


def _birth(text: str) -> date | None:
    try:
        return date(int(text[6:10]), int(text[10:12]), int(text[12:14]))
    except ValueError:
        return None


def resident_facts(number: str) -> tuple[str, str]:
    """Birth date and administrative gender that a valid resident identity number implies."""
    birth = _birth(number)
    return (birth.isoformat() if birth else "", "male" if int(number[16]) % 2 else "female")


def typed(code: str) -> Json:
    """Identifier.type of table 0203, or of the sender's own word."""
    if not code:
        return {}
    if re.fullmatch(r"[A-Z]{1,6}", code):
        return {"coding": [{"system": v2_system("0203"), "code": code}]}
    return {"text": code}


def cx(value: Value, site: Site, times: Times, *, kind: str = "", fallback: str = "") -> Json:
    """
    A CX as Identifier, {} when it has no number.

    `kind` is the type where CX-5 is silent, `fallback` the system where CX-4 is silent.
    """
    number, code, authority = clean(value[1]), clean(value[5]) or kind, value.part(4)
    if not number:
        return {}
    if code in _RESIDENT_TYPES - {"NI"} or is_resident_id(number) or (code == "NI" and len(number) == 18):
        return {"type": typed("NI"), "system": RESIDENT_ID, "value": number.upper()}
    system = (
        system_of(authority, site)
        if _named(authority)
        else _RULES["by_type"].get(code) or fallback or default_authority(site)
    )
    period = {"start": times.date_time(value[7]), "end": times.date_time(value[8])}
    return {"type": typed(code), "system": system, "value": number, "period": {k: v for k, v in period.items() if v}}


def _named(hd: Value) -> bool:
    return bool(clean(hd[1]) or clean(hd[2]))


def ei(value: Value, site: Site, *, kind: str = "") -> Json:
    """An EI (order, document, appointment number) as Identifier, {} when empty."""
    number = clean(value[1])
    if not number:
        # Senders put a bare universal id into EI-3 and leave EI-1 empty.
        return (
            {"type": typed(kind), "system": "urn:ietf:rfc:3986", "value": _as_uri(value[3])} if clean(value[3]) else {}
        )
    return {"type": typed(kind), "system": system_of(Value(value.components[1:4]), site), "value": number}


def _as_uri(universal: str) -> str:
    text = clean(universal)
    return f"urn:oid:{text}" if _OID.fullmatch(text) else text


def unique(identifiers: list[Json]) -> list[Json]:
    """Without empty ones and repetitions of the same system and value; the first stays."""
    seen: dict[tuple[str, str], Json] = {}
    for identifier in identifiers:
        if identifier.get("value"):
            seen.setdefault((identifier["system"], identifier["value"]), identifier)
    return list(seen.values())


def type_code(identifier: Json) -> str:
    """The code of Identifier.type, else its text."""
    kind = identifier.get("type") or {}
    return str(next((c.get("code", "") for c in kind.get("coding", ())), kind.get("text", "")))


def primary(identifiers: list[Json]) -> Json:
    """
    The identifier that a source's own patient record is known by.

    The local record number first, whatever the order of repetitions; national numbers only when there is nothing else.
    """
    local = [i for i in identifiers if i["system"] not in NATIONAL_SYSTEMS]
    ranked = [i for i in local if type_code(i) in LOCAL_TYPES] or local or identifiers
    return ranked[0] if ranked else {}
