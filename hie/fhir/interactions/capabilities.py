"""
capabilities: what this server does, made from the routes and definitions that it runs by.

https://hl7.org/fhir/R4/capabilitystatement.html
"""

from __future__ import annotations

from hie.fhir.call import Answer, Call
from hie.fhir.patching import KINDS
from records.definitions import definitions
from records.stored import Json, encode

INTERACTIONS = (
    "read", "vread", "update", "patch", "delete", "history-instance", "history-type", "create", "search-type",
)  # fmt: skip
OPERATIONS = {"Patient": ("everything",), "Person": ("everything",)}
# Operations on every type.
COMMON_OPERATIONS = ("validate",)
DEFINITION = "http://hl7.org/fhir/OperationDefinition"


async def capabilities(call: Call) -> Answer:
    """`GET [base]/metadata`, open to everybody."""
    return Answer(200, encode(statement(call)), interaction="capabilities")


def statement(call: Call) -> Json:
    """The CapabilityStatement."""
    settings = call.services.settings
    return {
        "resourceType": "CapabilityStatement",
        "status": "active",
        "date": call.services.clock().date().isoformat(),
        "kind": "instance",
        "software": {"name": "Regional health information exchange", "version": "0.1.0"},
        "implementation": {"description": "Regional health information exchange", "url": call.base},
        "fhirVersion": "4.0.1",
        "format": ["json", "xml"],
        "patchFormat": sorted(KINDS),
        "rest": [
            {
                "mode": "server",
                "security": _security(settings.issuer_url),
                "resource": [_resource(name) for name in sorted(definitions().resource_types)],
                "interaction": [{"code": code} for code in ("transaction", "batch", "history-system", "search-system")],
            }
        ],
    }


def _security(issuer: str) -> Json:
    endpoint = f"{issuer}/protocol/openid-connect"
    return {
        "cors": False,
        "service": [
            {
                "coding": [
                    {
                        "system": "http://terminology.hl7.org/CodeSystem/restful-security-service",
                        "code": "SMART-on-FHIR",
                    }
                ]
            }
        ],
        "extension": [
            {
                "url": "http://fhir-registry.smarthealthit.org/StructureDefinition/oauth-uris",
                "extension": [
                    {"url": "token", "valueUri": f"{endpoint}/token"},
                    {"url": "authorize", "valueUri": f"{endpoint}/auth"},
                ],
            }
        ],
    }


def _resource(name: str) -> Json:
    known = definitions()
    operations = (*OPERATIONS.get(name, ()), *COMMON_OPERATIONS)
    return {
        "type": name,
        "interaction": [{"code": code} for code in INTERACTIONS],
        "versioning": "versioned-update",
        "readHistory": True,
        "updateCreate": True,
        "conditionalCreate": True,
        "conditionalRead": "not-match",
        "conditionalUpdate": True,
        "conditionalDelete": "single",
        "referencePolicy": ["literal", "local"],
        "searchInclude": ["*", *sorted(known.includes(name))],
        "searchRevInclude": sorted(known.reverse_includes(name)),
        "searchParam": [
            {"name": code, "type": parameter.type, "definition": parameter.url}
            for code, parameter in sorted(known.search_parameters(name).items())
        ],
        "operation": [{"name": one, "definition": f"{DEFINITION}/{_definition(name, one)}"} for one in operations],
    }


def _definition(name: str, operation: str) -> str:
    return f"Resource-{operation}" if operation in COMMON_OPERATIONS else f"{name}-{operation}"
