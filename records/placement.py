"""
Which database a resource type is kept in: the resident's life-long record, the facilities' records, or the exchange.
"""

from __future__ import annotations

from records import health_records

# The registries and the exchange's own papers: about facilities and traffic, not about a patient.
EXCHANGE_TYPES = frozenset(
    {
        "AuditEvent", "Organization", "OrganizationAffiliation", "Location", "Practitioner", "PractitionerRole",
        "HealthcareService", "Endpoint", "Subscription", "SearchParameter", "StructureDefinition", "CodeSystem",
        "ValueSet", "ConceptMap", "NamingSystem", "CapabilityStatement", "OperationDefinition", "MessageDefinition",
        "ImplementationGuide", "GraphDefinition", "CompartmentDefinition", "StructureMap", "TerminologyCapabilities",
        "MessageHeader", "Schedule", "Slot", "Library", "Measure", "MeasureReport",
    }
)  # fmt: skip
DATABASES = ("exchange", "health_records", "emr")


def database_of(resource_type: str) -> str:
    """`exchange`, `health_records` or `emr`."""
    if resource_type in health_records.TYPES:
        return "health_records"
    return "exchange" if resource_type in EXCHANGE_TYPES else "emr"
