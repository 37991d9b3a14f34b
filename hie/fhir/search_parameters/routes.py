"""
Where reindexing is asked for and told of.

https://hapifhir.io/hapi-fhir/docs/server_jpa/search.html
"""

from __future__ import annotations

from hie.fhir.operations.reindex import (
    reindex,
    reindex_cancel,
    reindex_jobs,
    reindex_parameter,
    reindex_pause,
    reindex_resume,
    reindex_status,
)
from hie.fhir.routing import Route

DEFINITION = "urn:hie:operation:reindex"
REINDEX_ROUTES = (
    Route("POST", "$reindex", reindex, DEFINITION),
    Route("GET", "$reindex", reindex_jobs, DEFINITION),
    Route("GET", "$reindex/I", reindex_status, DEFINITION),
    Route("DELETE", "$reindex/I", reindex_cancel, DEFINITION),
    Route("POST", "$reindex/I/$pause", reindex_pause, DEFINITION),
    Route("POST", "$reindex/I/$resume", reindex_resume, DEFINITION),
    Route("POST", "SearchParameter/I/$reindex", reindex_parameter, DEFINITION),
)
