"""
OBX-15, OBX-23 to OBX-25: the laboratory that did the work, its address and its director.

A laboratory is known by the message alone, so it is contained: the directory knows organizations, not messages.

https://build.fhir.org/ig/HL7/v2-to-fhir/ConceptMap-segment-obx-to-observation.html
"""

from __future__ import annotations

from adapters.facts import Json
from adapters.hl7v2.message import Segment
from adapters.hl7v2.to_fhir.contacts import address
from adapters.hl7v2.to_fhir.draft import Draft, prune
from adapters.hl7v2.to_fhir.resources.people import organization, practitioner

_LABORATORY, _DIRECTOR = "laboratory", "director"


def laboratory(draft: Draft, obx: Segment) -> tuple[list[Json], list[Json]]:
    """Contained resources and performers: a mere name or number stays a logical reference."""
    named = organization(draft, obx[23]) or _producer(obx)
    place = prune(address(obx[24], draft.times))
    director = practitioner(draft, obx[25])
    if not (place or director):
        return [], [named] if named else []
    organized = {
        "resourceType": "Organization",
        "id": _LABORATORY,
        "identifier": [named["identifier"]] if named.get("identifier") else [],
        "name": named.get("display", "") or "not named by the sender",
        "address": [place] if place else [],
    }
    lead = {
        "resourceType": "PractitionerRole",
        "id": _DIRECTOR,
        "practitioner": director,
        "organization": {"reference": f"#{_LABORATORY}"},
        "code": [{"text": "medical director"}],
    }
    performers = [{"reference": f"#{_LABORATORY}", "display": organized["name"]}]
    if not director:
        return [organized], performers
    return [organized, lead], [*performers, {"reference": f"#{_DIRECTOR}"}]


def _producer(obx: Segment) -> Json:
    """OBX-15, which older versions had for the laboratory."""
    name = obx.text(15, 2).strip() or obx.text(15).strip()
    return {"display": name} if name else {}
