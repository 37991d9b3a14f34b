"""
$validate: would this resource be taken? Nothing is stored.

https://hl7.org/fhir/R4/resource-operation-validate.html
"""

from __future__ import annotations

from hie.fhir.call import Answer, Call
from hie.fhir.outcome import informational, outcome
from hie.fhir.unasked import form_alone
from records import validation
from records.errors import Invalid
from records.stored import Json, encode


async def validate(call: Call) -> Answer:
    """`POST [base]/[type]/$validate` with the resource, or Parameters that hold it as `resource`."""
    resource_type = call.path[0]
    await call.visibility(resource_type, "validate")
    form_alone(call)
    resource = _subject(validation.parse(call.body))
    if resource.get("resourceType") != resource_type:
        raise Invalid(f"The resource to validate must be a {resource_type}.", status=400)
    issues = validation.validate(resource)
    body = outcome(issues) if issues else informational("The resource is valid.")
    return Answer(200, body, interaction="operation")


def _subject(body: Json) -> Json:
    if body.get("resourceType") != "Parameters":
        return body
    for parameter in body.get("parameter", []):
        if parameter.get("name") == "resource" and "resource" in parameter:
            # Parsed again as a document of its own, so that its locations read as the sender's.
            return validation.parse(encode(parameter["resource"]))
    raise Invalid("Parameters must hold the resource under the name `resource`.", status=400)
