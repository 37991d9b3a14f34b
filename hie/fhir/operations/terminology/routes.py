"""
The addresses of the terminology service; each operation at its type and at an instance, by GET and by POST.

https://hl7.org/fhir/R4/terminology-service.html
"""

from __future__ import annotations

from hie.fhir.operations.terminology.expand import expand
from hie.fhir.operations.terminology.lookup import lookup
from hie.fhir.operations.terminology.subsumes import subsumes
from hie.fhir.operations.terminology.translate import translate_code
from hie.fhir.operations.terminology.validate_code import validate_code
from hie.fhir.routing import Route

OPERATIONS = (
    ("ValueSet", "expand", expand),
    ("ValueSet", "validate-code", validate_code),
    ("CodeSystem", "lookup", lookup),
    ("CodeSystem", "validate-code", validate_code),
    ("CodeSystem", "subsumes", subsumes),
    ("ConceptMap", "translate", translate_code),
)
TERMINOLOGY_ROUTES = tuple(
    Route(method, f"{address}/${name}", handler)
    for kind, name, handler in OPERATIONS
    for address in (kind, f"{kind}/I")
    for method in ("GET", "POST")
)
