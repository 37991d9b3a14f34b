"""
The addresses of bulk data that the router knows; the two that stream are in `doors`.

https://hl7.org/fhir/uv/bulkdata/
"""

from __future__ import annotations

from hie.fhir.bulk.export import export
from hie.fhir.bulk.importing import import_files
from hie.fhir.bulk.status import cancel, status
from hie.fhir.routing import Route

INSTANTIATES = "http://hl7.org/fhir/uv/bulkdata/CapabilityStatement/bulk-data"
_DEFINITION = "http://hl7.org/fhir/uv/bulkdata/OperationDefinition"
# The drafts of others define no OperationDefinition that fits.
_IMPORT = "urn:hie:operation:import"

BULK_ROUTES = (
    *(Route(method, "$export", export, f"{_DEFINITION}/export") for method in ("GET", "POST")),
    *(Route(method, "Patient/$export", export, f"{_DEFINITION}/patient-export") for method in ("GET", "POST")),
    *(Route(method, "Group/I/$export", export, f"{_DEFINITION}/group-export") for method in ("GET", "POST")),
    Route("POST", "$import", import_files, _IMPORT),
    Route("GET", "_bulk/I", status),
    Route("DELETE", "_bulk/I", cancel),
)
