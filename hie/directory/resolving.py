"""
Whether a profile knows what to do with something that was kept unmapped. Pure.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any
from urllib.parse import unquote

from adapters.hl7v2.mapping.scope import Reference
from adapters.hl7v2.site import Site

_V2 = "http://terminology.hl7.org/CodeSystem/v2-"
_LOCAL = "urn:hie:code-system:"


def resolves(site: Site, part: Mapping[str, Any]) -> bool:
    """True where a message with this part {kind, location, system, code} would be read otherwise under the profile."""
    location, code = str(part.get("location", "")), str(part.get("code", ""))
    match part.get("kind"):
        case "code":
            return any(code in site.code_maps.get(name, {}) for name in names_of(str(part.get("system", "")), site.id))
        case "segment":
            return location in _local_segments(site)
        case "field":
            return location in _local_fields(site)
        case "message":
            kind, _, trigger = code.partition("^")
            return site.event(kind, trigger) != (kind, trigger) or site.ignores_type(kind, trigger)
    return False


def names_of(system: str, site_id: str) -> tuple[str, ...]:
    """The names under which a profile may have codes of a system: `HL70004` and `0004`, or the sender's own word."""
    if system.startswith(_V2):
        table = system.removeprefix(_V2)
        return f"HL7{table}", table
    own = system.removeprefix(f"{_LOCAL}{site_id}")
    return (unquote(own.removeprefix(":")), system) if system.startswith(_LOCAL) else (system,)


def _local_segments(site: Site) -> frozenset[str]:
    return frozenset(one.segment for one in site.z_fields) | frozenset(one.source.name for one in site.moves)


def _local_fields(site: Site) -> frozenset[str]:
    placed = [Reference.of(row.at) for one in site.z_fields for row in one.rows]
    return frozenset(f"{one.name}-{one.field}" for one in (*placed, *(move.source for move in site.moves)))
