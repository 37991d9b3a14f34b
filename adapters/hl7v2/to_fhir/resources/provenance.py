"""
One Provenance a message: which facts it asserted, who sent it, and where its raw text is kept.

https://build.fhir.org/ig/HL7/v2-to-fhir/ConceptMap-segment-msh-to-provenance-source.html
"""

from __future__ import annotations

from adapters.facts import create_only, resource_id
from adapters.hl7v2.to_fhir.draft import Draft
from adapters.hl7v2.to_fhir.resources.people import site_organization

_AGENT = "http://terminology.hl7.org/CodeSystem/provenance-participant-type"
# Directory entries are repeated in every message; only a master file says something of them.
_SILENT = frozenset({"Practitioner", "Location"})


def provenance(draft: Draft) -> None:
    """Assert the origin of everything in the draft."""
    facts = draft.facts.items()
    said = [key for key, fact in facts if fact.type not in _SILENT or fact.reconcile is not create_only]
    # What a message only changes is named when the exchange has found it; alone, it is all that can be named.
    named = [key for key in said if key not in draft.conditional] or said
    targets = [{"reference": key} for key in named]
    if not targets:
        return
    message = draft.message
    resource = {
        "resourceType": "Provenance",
        "id": resource_id("urn:hie:message", "Provenance", draft.journal),
        "target": targets,
        "occurredDateTime": draft.moment.isoformat(),
        "recorded": draft.received.isoformat(),
        "agent": [{"type": {"coding": [{"system": _AGENT, "code": "author"}]}, "who": site_organization(draft)}],
        "entity": [
            {
                "role": "source",
                "what": {
                    "identifier": {"system": "urn:hie:message", "value": draft.journal},
                    "display": f"{message.type} {message.control_id}".strip(),
                },
            }
        ],
    }
    draft.add(resource, create_only)
