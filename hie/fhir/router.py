"""
Which interaction a method and an address ask for: the whole interface on one screen.

https://hl7.org/fhir/R4/http.html#summary
"""

from __future__ import annotations

from dataclasses import replace

from hie.fhir.bulk.routes import BULK_ROUTES
from hie.fhir.call import Answer, Call
from hie.fhir.graphql.operation import graphql
from hie.fhir.interactions.bundle import bundle
from hie.fhir.interactions.capabilities import state
from hie.fhir.interactions.create import create
from hie.fhir.interactions.delete import conditional_delete, delete
from hie.fhir.interactions.history import history
from hie.fhir.interactions.patch import conditional_patch, patch
from hie.fhir.interactions.read import read, vread
from hie.fhir.interactions.search import search, search_by_post, search_compartment
from hie.fhir.interactions.search_system import search_system, search_system_by_post
from hie.fhir.interactions.update import conditional_update, update
from hie.fhir.operations.document import document
from hie.fhir.operations.everything import everything
from hie.fhir.operations.lastn import lastn
from hie.fhir.operations.match import match
from hie.fhir.operations.meta import meta, meta_add, meta_delete
from hie.fhir.operations.process_message import process_message
from hie.fhir.operations.summary import summary
from hie.fhir.operations.terminology.routes import TERMINOLOGY_ROUTES
from hie.fhir.operations.validate.operation import validate
from hie.fhir.routing import Route, Table
from hie.fhir.search_parameters.routes import REINDEX_ROUTES
from hie.fhir.subscriptions.routes import SUBSCRIPTION_ROUTES


async def capabilities(call: Call) -> Answer:
    """`GET [base]/metadata`, open to everybody: what it says is read from ROUTES."""
    return await state(call, ROUTES)


PROCESS_MESSAGE = "http://hl7.org/fhir/OperationDefinition/MessageHeader-process-message"
IPS_SUMMARY = "http://hl7.org/fhir/uv/ips/OperationDefinition/summary"
COMPARTMENTS = ("Patient", "Encounter", "Practitioner", "RelatedPerson", "Device")
ROUTES = (
    Route("GET", "metadata", capabilities),
    Route("POST", "", bundle),
    Route("GET", "", search_system),
    Route("POST", "_search", search_system_by_post),
    Route("GET", "_history", history),
    Route("GET", "T", search),
    Route("POST", "T/_search", search_by_post),
    Route("POST", "T", create),
    Route("PUT", "T?", conditional_update),
    Route("PATCH", "T?", conditional_patch),
    Route("DELETE", "T?", conditional_delete),
    Route("GET", "T/_history", history),
    Route("POST", "T/$validate", validate),
    *(Route(method, "T/I/$validate", validate) for method in ("GET", "POST")),
    Route("GET", "T/I", read),
    Route("PUT", "T/I", update),
    Route("PATCH", "T/I", patch),
    Route("DELETE", "T/I", delete),
    Route("GET", "T/I/_history", history),
    Route("GET", "T/I/_history/*", vread),
    *(
        Route(method, f"{address}/$everything", everything)
        for address in ("Patient/I", "Patient", "Person/I", "Encounter/I")
        for method in ("GET", "POST")
    ),
    Route("GET", "Observation/$lastn", lastn),
    Route("POST", "Observation/$lastn", lastn),
    *(
        Route(method, f"{address}$meta", meta)
        for address in ("", "T/", "T/I/", "T/I/_history/*/")
        for method in ("GET", "POST")
    ),
    *(Route(method, f"{address}$graphql", graphql) for address in ("", "T/I/") for method in ("GET", "POST")),
    Route("POST", "T/I/$meta-add", meta_add),
    Route("POST", "T/I/$meta-delete", meta_delete),
    *(
        Route(method, f"{address}/$document", document)
        for address in ("Composition/I", "Composition")
        for method in ("GET", "POST")
    ),
    *(
        Route(method, f"{address}/$summary", summary, IPS_SUMMARY)
        for address in ("Patient/I", "Patient", "Person/I")
        for method in ("GET", "POST")
    ),
    Route("POST", "Patient/$match", match),
    Route("POST", "$process-message", process_message, PROCESS_MESSAGE),
    *TERMINOLOGY_ROUTES,
    *SUBSCRIPTION_ROUTES,
    *REINDEX_ROUTES,
    *BULK_ROUTES,
    *(Route("GET", f"{name}/I/T", search_compartment) for name in COMPARTMENTS),
)
_table = Table(ROUTES)
find, route, methods = _table.find, _table.route, _table.methods


async def dispatch(call: Call) -> Answer:
    """Find the interaction and run it; the answer says which type and id it was about."""
    answer = await find(call.method, call.path, bool(call.query))(call)
    return replace(
        answer,
        resource_type=answer.resource_type or _named(call.path, 0),
        resource_id=answer.resource_id or _named(call.path, 1),
    )


def _named(path: tuple[str, ...], position: int) -> str:
    return path[position] if len(path) > position and path[position][0] not in "_$" else ""
