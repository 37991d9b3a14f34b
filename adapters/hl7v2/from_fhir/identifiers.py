"""
Identifier to CX and EI: the system becomes an assigning authority that reads back as the same system.

https://build.fhir.org/ig/HL7/v2-to-fhir/ConceptMap-datatype-cx-to-identifier.html, read backwards
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from adapters.facts import Json
from adapters.hl7v2.from_fhir.receiver import Receiver
from adapters.hl7v2.from_fhir.shapes import in_table
from adapters.hl7v2.from_fhir.times import day
from adapters.hl7v2.from_fhir.writing import Component, Repetition

AUTHORITY = "urn:hie:authority:"
_UNIVERSAL = (("urn:oid:", "ISO"), ("urn:uuid:", "UUID"))


def hd(system: str, receiver: Receiver) -> tuple[str, ...]:
    """Namespace, universal id and its type of an identifier system."""
    own = receiver.namespaces.get(system, "")
    for prefix, kind in _UNIVERSAL:
        if system.startswith(prefix):
            return own, system.removeprefix(prefix), kind
    if own or system.startswith(AUTHORITY):
        return (own or system.removeprefix(AUTHORITY),)
    return ("", system, "URI") if system else ("",)


def cx(identifier: Json, receiver: Receiver, kind: str = "") -> Repetition:
    """An Identifier as CX, "" where it has no value; `kind` where its type is silent."""
    value = str(identifier.get("value", ""))
    if not value:
        return ""
    period = identifier.get("period", {})
    authority: Component = hd(str(identifier.get("system", "")), receiver)
    spans = (day(period.get("start", "")), day(period.get("end", "")))
    return (value, "", "", authority, _known(type_code(identifier) or kind, receiver), "", *spans)


def _known(code: str, receiver: Receiver) -> str:
    """A type of table 0203; a source's own word would break the receiver's table, and the authority says it too."""
    if code and in_table(receiver.grammar, "HL70203", code):
        return code
    return "U" if receiver.since("2.7") else ""  # CX-5 became required


def ei(identifier: Json, receiver: Receiver) -> Repetition:
    """An Identifier as EI: number, then the authority in three components."""
    value = str(identifier.get("value", ""))
    if not value:
        return ""
    system = str(identifier.get("system", ""))
    if system == "urn:ietf:rfc:3986":
        return ("", "", value.removeprefix("urn:oid:"), "ISO" if value.startswith("urn:oid:") else "URI")
    return (value, *hd(system, receiver))


def ei_inside(identifier: Json, receiver: Receiver) -> Component:
    """An EI as one component (EIP, SPM-2)."""
    found = ei(identifier, receiver)
    return found if isinstance(found, str) else tuple(str(part) for part in found)


def type_code(identifier: Json) -> str:
    """The code of Identifier.type, else its text."""
    kind: Any = identifier.get("type") or {}
    return str(next((c["code"] for c in kind.get("coding", ()) if c.get("code")), kind.get("text", "")))


def of_type(identifiers: Iterable[Json], *kinds: str) -> list[Json]:
    """Those of some types."""
    return [one for one in identifiers if type_code(one) in kinds]
