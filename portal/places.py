"""Which facility an entry comes from: every source keeps its own Patient, and that names the facility."""

from __future__ import annotations

from collections.abc import Iterable

from portal.concepts import Json, facility_of, patient_of
from portal.fhir import Fhir


def names(patients: Iterable[Json]) -> dict[str, str]:
    """Facility names by `Patient/id`."""
    return {
        f"Patient/{one['id']}": str((one.get("managingOrganization") or {}).get("display", "")) for one in patients
    }


async def places(fhir: Fhir) -> dict[str, str]:
    """The facilities that keep a record of this visitor."""
    return names((await fhir.all("Patient", ("_count", "100"))).matches)


def place_of(resource: Json, known: dict[str, str]) -> str:
    """The facility of an entry."""
    return facility_of(resource) or known.get(patient_of(resource), "")
