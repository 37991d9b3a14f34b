"""
EVN, and the moment that a resource says it was true at.

HL7 v2 chapter 3.4.1
"""

from __future__ import annotations

from adapters.facts import Json
from adapters.hl7v2.from_fhir.times import dtm
from adapters.hl7v2.from_fhir.writing import Line
from adapters.hl7v2.to_fhir.reconcile.moments import AS_OF, extension_value


def moment(resource: Json) -> str:
    """When the source said it (its EVN-2), else when it was stored; as DTM."""
    return dtm(extension_value(resource, AS_OF) or str(resource.get("meta", {}).get("lastUpdated", "")))


def evn(trigger: str, resource: Json, occurred: str = "") -> Line:
    """EVN: recorded when the source said so, occurred when it took place."""
    return Line("EVN", {1: trigger, 2: moment(resource), 6: occurred})
