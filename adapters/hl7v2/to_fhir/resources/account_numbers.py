"""
PID-18 and MRG-3 to Account: what was merged into another account says into which.

https://build.fhir.org/ig/HL7/v2-to-fhir/ConceptMap-segment-pid-to-account.html
"""

from __future__ import annotations

from adapters.facts import Json, resource_id
from adapters.hl7v2.message import Segment
from adapters.hl7v2.to_fhir.draft import Draft, prune
from adapters.hl7v2.to_fhir.identifiers import cx
from adapters.hl7v2.to_fhir.reconcile.moments import latest, stamp
from adapters.hl7v2.to_fhir.resources.patient import Subject


def account_number(draft: Draft, segment: Segment, field: int) -> Json:
    """The account number of a field, {} when there is none; its system as that of PID-18 everywhere."""
    return prune(cx(segment[field], draft.site, draft.times, kind="AN"))  # type: ignore[no-any-return]


def account_id(number: Json) -> str:
    """The id of the Account that a number names."""
    return resource_id(number["system"], "Account", number["value"])


def account(draft: Draft, number: Json, patient: Subject, *, into: Json | None = None) -> Json:
    """Assert an account; `into` is the one that it was merged into."""
    resource = {
        "resourceType": "Account",
        "id": account_id(number),
        "identifier": [number],
        "status": "inactive" if into else "active",
        "subject": [patient.reference],
        "partOf": into or {},
    }
    return draft.add(stamp(resource, draft.moment), latest)
