"""
Queries by person: `subject=Person/<id>` means every source Patient of that human. The one place where this happens.

https://profiles.ihe.net/ITI/PIXm/
"""

from __future__ import annotations

from hie.fhir.call import Call, Params
from records.definitions import definitions

PERSON = "Person/"


async def expand(call: Call, resource_type: str, params: Params) -> dict[tuple[str, str], tuple[str, str]]:
    """Each pair as the store is to be asked, with the pair that the caller wrote; in their order."""
    return {(name, await _value(call, resource_type, name, value)): (name, value) for name, value in params}


async def _value(call: Call, resource_type: str, name: str, value: str) -> str:
    if PERSON not in value or not _about_patients(resource_type, name):
        return value
    found: list[str] = []
    for one in value.split(","):
        found += await _patients(call, one) if one.startswith(PERSON) else [one]
    return ",".join(found)


def _about_patients(resource_type: str, name: str) -> bool:
    parameter = definitions().search_parameters(resource_type).get(name.partition(":")[0].partition(".")[0])
    return parameter is not None and parameter.type == "reference" and "Patient" in parameter.targets


async def _patients(call: Call, person: str) -> list[str]:
    known = await call.services.registry.expand(person)
    # A person without records matches nothing: no Patient has a person's id.
    return [f"Patient/{one}" for one in known] or [f"Patient/{person.removeprefix(PERSON)}"]
