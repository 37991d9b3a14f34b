"""
What each writing entry of a transaction will do, and to which resource, before anything is done.

https://hl7.org/fhir/R4/http.html#trules
"""

from __future__ import annotations

import uuid
from collections.abc import Sequence
from dataclasses import dataclass, replace

from hie.fhir.call import Call, Params, parse_query, split_url
from hie.fhir.conditions import condition, expected, matches
from hie.fhir.submission import Entry
from hie.fhir.writing import standing
from records.definitions import definitions
from records.errors import Invalid, PreconditionFailed
from records.stored import Interaction, Stored, Visibility


@dataclass(frozen=True, slots=True)
class Plan:
    """
    One entry's fate: `interaction` None means that nothing has to be written (the condition was met already).

    `names` are the references by which other entries speak of it.
    """

    entry: Entry
    type: str
    id: str
    interaction: Interaction | None
    visibility: Visibility
    existing: Stored | None = None
    if_version: int | None = None
    unless_exists: Params = ()

    @property
    def target(self) -> str:
        return f"{self.type}/{self.id}"

    @property
    def names(self) -> tuple[str, ...]:
        full = self.entry.full_url
        if not full or full.startswith("urn:"):
            return (full,) if full else ()
        return full, "/".join(full.rsplit("/", 2)[-2:])


async def plan_entry(call: Call, entry: Entry) -> Plan:
    """Decide id and interaction; Invalid where the entry's address makes no sense."""
    path, query = split_url(entry.url)
    if not path or len(path) > 2 or path[0] not in definitions().resource_types:
        raise Invalid(f"Bundle.entry[{entry.number}].request.url is no resource of this server.", status=400)
    match entry.method, len(path), bool(query):
        case "POST", 1, False:
            return await _post(call, entry, path[0])
        case "PUT" | "DELETE", 2, False:
            return await _by_id(call, entry, path[0], path[1])
        case "PUT" | "DELETE", 1, True:
            return await _by_condition(call, entry, path[0], query)
    raise Invalid(f"Bundle.entry[{entry.number}] asks for {entry.method}, which is not taken there.", status=400)


def same_conditions(plans: Sequence[Plan]) -> list[Plan]:
    """Entries that create under one condition make one resource: the later ones stand for the first."""
    first: dict[tuple[str, Params], Plan] = {}
    for plan in plans:
        if plan.unless_exists:
            first.setdefault((plan.type, plan.unless_exists), plan)
    return [
        replace(plan, id=leader.id, interaction=None, unless_exists=())
        if (leader := first.get((plan.type, plan.unless_exists))) is not None and leader is not plan
        else plan
        for plan in plans
    ]


async def _post(call: Call, entry: Entry, resource_type: str) -> Plan:
    visibility = await call.visibility(resource_type, "create")
    condition = entry.headers.get("if-none-exist")
    new_id = str(uuid.uuid4())
    if condition is None:
        return Plan(entry, resource_type, new_id, "create", visibility)
    asked = parse_query(condition.partition("?")[2] or condition)
    if found := await _single(call, resource_type, asked, visibility):
        return Plan(entry, resource_type, found.id, None, visibility, existing=found)
    return Plan(entry, resource_type, new_id, "create", visibility, unless_exists=asked)


async def _by_id(call: Call, entry: Entry, resource_type: str, resource_id: str) -> Plan:
    interaction: Interaction = "update" if entry.method == "PUT" else "delete"
    visibility = await call.visibility(resource_type, interaction)
    current = await standing(call, resource_type, resource_id, visibility)
    asked = expected(entry.headers.get("if-match"), current)
    if interaction == "delete" and current is None:
        return Plan(entry, resource_type, resource_id, None, visibility)
    return Plan(entry, resource_type, resource_id, interaction, visibility, current, asked)


async def _by_condition(call: Call, entry: Entry, resource_type: str, query: Params) -> Plan:
    interaction: Interaction = "update" if entry.method == "PUT" else "delete"
    visibility = await call.visibility(resource_type, interaction)
    found = await _single(call, resource_type, query, visibility)
    if found is None and interaction == "delete":
        return Plan(entry, resource_type, str(uuid.uuid4()), None, visibility)
    if found is None:
        new_id = str(uuid.uuid4())
        return Plan(entry, resource_type, new_id, "create", visibility, unless_exists=condition(query))
    return Plan(entry, resource_type, found.id, interaction, visibility, found, found.version)


async def _single(call: Call, resource_type: str, asked: Params, visibility: Visibility) -> Stored | None:
    found = await matches(call, resource_type, asked, visibility)
    if len(found) > 1:
        raise PreconditionFailed("Several resources match a condition of the transaction.")
    return found[0] if found else None
