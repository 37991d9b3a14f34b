"""
Who is in a Group: its Patients, all source Patients of its Persons, and the members of the Groups inside it.

https://hl7.org/fhir/R4/group.html
"""

from __future__ import annotations

from dataclasses import replace

from hie.fhir.call import Call
from records.errors import NotFound, TooCostly
from records.stored import Visibility

MOST_MEMBERS = 100_000
MOST_GROUPS = 100


async def members(call: Call, group_id: str) -> frozenset[str]:
    """Source Patient ids; NotFound where the group is not open to the caller, TooCostly where it is too large."""
    # One member who refuses the caller hides the Group from reading; the export goes on without that member.
    visibility = replace(await call.visibility("Group", "export"), denied=frozenset())
    found: set[str] = set()
    waiting, seen = [group_id], {group_id}
    while waiting:
        for reference in await _references(call, waiting.pop(), visibility, first=len(seen) == 1):
            kind, _, identity = reference.partition("/")
            if kind == "Group" and identity not in seen:
                seen.add(identity)
                waiting.append(identity)
            found.update(await sources(call, reference))
        if len(found) > MOST_MEMBERS or len(seen) > MOST_GROUPS:
            raise TooCostly(f"A group may have {MOST_MEMBERS} members and {MOST_GROUPS} groups inside.", status=422)
    return frozenset(found)


async def _references(call: Call, group_id: str, visibility: Visibility, *, first: bool) -> list[str]:
    try:
        group = (await call.services.store.read("Group", group_id, visibility=visibility)).resource()
    except NotFound:
        if first:
            raise
        return []
    present = [one for one in group.get("member", ()) if one.get("inactive") is not True]
    found = [str(one.get("entity", {}).get("reference", "")) for one in present]
    return [one.removeprefix(f"{call.base}/") for one in found]


async def sources(call: Call, reference: str) -> tuple[str, ...]:
    """The source Patients that a reference means; () where it is about something else."""
    kind, _, identity = reference.partition("/")
    if kind == "Patient" and identity:
        return (identity,)
    return await call.services.registry.expand(identity) if kind == "Person" and identity else ()
