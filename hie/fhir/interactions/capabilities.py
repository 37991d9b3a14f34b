"""
capabilities: what this server does, made from the routes and definitions that it runs by.

https://hl7.org/fhir/R4/capabilitystatement.html
"""

from __future__ import annotations

from collections.abc import Sequence

from hie.fhir.bulk.routes import INSTANTIATES as BULK_DATA
from hie.fhir.call import Answer, Call
from hie.fhir.operations.messaging.capability import of_messages
from hie.fhir.operations.terminology.capability import terminology_statement
from hie.fhir.patching import KINDS
from hie.fhir.routing import Route
from hie.fhir.subscriptions import capability as subscriptions
from hie.fhir.subset import shape
from records.definitions import definitions
from records.errors import UnknownParameter
from records.stored import Json, encode

Routes = Sequence[Route]
DEFINITION = "http://hl7.org/fhir/OperationDefinition"
PARAMETERS = frozenset({"mode", "_format", "_pretty", "_summary", "_elements"})
# What R4 has not made normative of the statement.
TRIAL_USE = frozenset({"implementationGuide", "messaging", "document"})
# Answered of every type, beside what the definitions name.
SEARCHED_EVERYWHERE = [
    {"name": "_filter", "type": "special", "documentation": "https://hl7.org/fhir/R4/search_filter.html"},
    {"name": "_list", "type": "string", "documentation": "What a List names, by its id."},
    {"name": "_text", "type": "string", "documentation": "Words of the narrative, with and, or, not, brackets."},
]


async def state(call: Call, routes: Routes) -> Answer:
    """`GET [base]/metadata?mode=...`, open to everybody."""
    if foreign := [name for name, _ in call.query if name not in PARAMETERS]:
        raise UnknownParameter(f"metadata takes {', '.join(sorted(PARAMETERS))}, not {foreign[0][:64]!r}.")
    return Answer(200, shape(encode(await _mode(call, routes)), call.query), interaction="capabilities")


async def _mode(call: Call, routes: Routes) -> Json:
    match dict(call.query).get("mode", "full"):
        case "full":
            return statement(call, routes)
        case "normative":
            return {name: value for name, value in statement(call, routes).items() if name not in TRIAL_USE}
        case "terminology":
            return await terminology_statement(call)
        case _:
            raise UnknownParameter("mode is one of full, normative, terminology.")


def statement(call: Call, routes: Routes) -> Json:
    """The CapabilityStatement; interactions and operations are those of the routes and need no other entry."""
    settings = call.services.settings
    deletes = "multiple" if settings.fhir_max_conditional_deletes > 1 else "single"
    return {
        "resourceType": "CapabilityStatement",
        "status": "active",
        "date": call.services.clock().date().isoformat(),
        "kind": "instance",
        "instantiates": [subscriptions.INSTANTIATES, BULK_DATA],
        "software": {"name": "Regional health information exchange", "version": "0.1.0"},
        "implementation": {"description": "Regional health information exchange", "url": call.base},
        "fhirVersion": "4.0.1",
        "format": ["json", "xml"],
        "patchFormat": sorted(KINDS),
        "rest": [
            {
                "mode": "server",
                "security": _security(settings.issuer_url, cors=bool(settings.fhir_cors_origins)),
                "resource": [_resource(name, routes, deletes) for name in sorted(definitions().resource_types)],
                "interaction": [{"code": code} for code in _interactions(routes, "")],
            }
            | subscriptions.of_server(call)
            | _offered(operations(routes, ""))
        ],
        "messaging": of_messages(call.base, call.services.clock().date()),
    }


def _interactions(routes: Routes, *types: str) -> list[str]:
    """The codes that the routes of these types (T is any type, none the system) stand for, in their order."""
    codes = dict.fromkeys(one.interaction for one in routes if one.type in types and one.interaction)
    return [*codes, "batch"] if "transaction" in codes else list(codes)


def operations(routes: Routes, *types: str) -> list[Json]:
    """The operations of these types, each once, with the address of its definition."""
    found = {one.operation: one for one in routes if one.type in types and one.operation}
    return [{"name": name, "definition": definition(one)} for name, one in sorted(found.items())]


def definition(one: Route) -> str:
    """The OperationDefinition of a route: its own, else the standard's."""
    return one.definition or f"{DEFINITION}/{'Resource' if one.type in ('', 'T') else one.type}-{one.operation}"


def _offered(found: list[Json]) -> Json:
    # FHIR knows no empty list.
    return {"operation": found} if found else {}


def _conditional(routes: Routes, method: str) -> bool:
    return any((one.method, one.pattern) == (method, "T?") for one in routes)


def _security(issuer: str, *, cors: bool) -> Json:
    endpoint = f"{issuer}/protocol/openid-connect"
    return {
        "cors": cors,
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


def _resource(name: str, routes: Routes, deletes: str) -> Json:
    known = definitions()
    return {
        "type": name,
        "interaction": [{"code": code} for code in _interactions(routes, "T", name)],
        "versioning": "versioned-update",
        "readHistory": True,
        "updateCreate": True,
        "conditionalCreate": True,
        "conditionalRead": "full-support",
        "conditionalUpdate": _conditional(routes, "PUT"),
        "conditionalDelete": deletes if _conditional(routes, "DELETE") else "not-supported",
        "referencePolicy": ["literal", "local"],
        "searchInclude": ["*", *sorted(known.includes(name))],
        "searchRevInclude": sorted(known.reverse_includes(name)),
        "searchParam": [
            {"name": code, "type": parameter.type, "definition": parameter.url}
            for code, parameter in sorted(known.search_parameters(name).items())
        ]
        + SEARCHED_EVERYWHERE,
        **subscriptions.of_resource(name),
        **_offered(operations(routes, "T", name)),
    }
