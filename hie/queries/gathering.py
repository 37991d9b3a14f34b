"""
What the resources of an answer point at, as far as the asker may see it.
"""

from __future__ import annotations

from collections.abc import Sequence

from hie.errors import Refused
from hie.feeds.gathering import references
from hie.queries.asking import Question
from hie.queries.patients import Patients
from records.stored import Json

TYPES = frozenset({"Practitioner", "Location", "Observation", "Specimen", "ServiceRequest", "Encounter", "Binary"})


async def around(patients: Patients, question: Question, resources: Sequence[Json], hops: int = 2) -> dict[str, Json]:
    """By reference; what a result points at in its turn is there, too."""
    found: dict[str, Json] = {}
    reached = list(resources)
    for _ in range(hops):
        wanted = {name for one in reached for name in references(one)} - found.keys()
        reached = []
        for kind in TYPES & {name.partition("/")[0] for name in wanted}:
            try:
                visibility = await patients.gate.visibility(question.caller, kind, "search")
            except Refused:
                continue
            names = sorted(name for name in wanted if name.startswith(f"{kind}/"))
            rows = await patients.store.read_many(names, visibility=visibility)
            fresh = {name: row.resource() for name, row in rows.items() if not row.deleted}
            found |= fresh
            reached += list(fresh.values())
    return found
