"""
Which institutions of the directory a caller speaks for, and what institutions are called.

https://profiles.ihe.net/ITI/mCSD/
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from hie.applications.fhir import reference_id
from hie.applications.work import Reader
from records.search.values import escaped
from records.stored import Json

# The directory writes an institution's level (等级) as text; grass-roots institutions look after people who live near.
PRIMARY = "基层"


async def own(reader: Reader, identifier: str) -> frozenset[str]:
    """References of the institutions with the caller's identifier "system|value"; nothing where it has none."""
    system, _, value = identifier.partition("|")
    if not value:
        return frozenset()
    found = await reader.rows("Organization", ("identifier", f"{system}|{escaped(value)}"))
    return frozenset(row.reference for row in found)


async def names(reader: Reader, references: Iterable[str]) -> Mapping[str, str]:
    """What institutions are called, by reference."""
    ids = sorted({key for one in references if (key := reference_id(one, "Organization"))})
    found = await reader.named("Organization", ids)
    return {f"Organization/{key}": str(resource.get("name", "")) for key, resource in found.items()}


async def active(reader: Reader) -> list[Json]:
    """Every institution that works, by name."""
    found = await reader.all("Organization", ("active", "true"))
    return sorted(found, key=lambda resource: str(resource.get("name", "")))


def is_primary(organization: Json) -> bool:
    """A grass-roots institution: community health centre, township hospital."""
    return any(kind.get("text") == PRIMARY for kind in organization.get("type", ()))
