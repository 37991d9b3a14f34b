"""
What each writing entry of a transaction will do, and to which resource, before anything is done.

https://hl7.org/fhir/R4/http.html#trules
"""

from __future__ import annotations

import uuid
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace

from hie.fhir.call import Call, Params
from hie.fhir.conditions import doomed, expected, refuse_existing, the_one
from hie.fhir.submission import Entry
from hie.fhir.targets import Target, located, named
from hie.fhir.writing import standing
from records.errors import Conflict, Invalid, NotFound
from records.stored import EVERYTHING, Interaction, Stored, Visibility


@dataclass(frozen=True, slots=True)
class Plan:
    """One entry's fate: `interaction` None means that nothing has to be written (the condition was met already)."""

    target: Target
    id: str
    interaction: Interaction | None
    visibility: Visibility
    existing: Stored | None = None
    if_version: int | None = None

    @property
    def entry(self) -> Entry:
        return self.target.entry

    @property
    def type(self) -> str:
        return self.target.type

    @property
    def reference(self) -> str:
        return f"{self.type}/{self.id}"


@dataclass(slots=True)
class Planner:
    """Plans for one transaction: asks once what several entries need."""

    call: Call
    sights: dict[tuple[str, str], Visibility] = field(default_factory=dict)

    async def sight(self, target: Target) -> Visibility:
        """What the caller may do to the type."""
        key = target.type, target.action
        if key not in self.sights:
            self.sights[key] = await self.call.visibility(*key)
        return self.sights[key]

    async def plans(self, targets: Sequence[Target]) -> list[Plan]:
        """The plans in the order of the targets; raises with the place of the entry that cannot be carried out."""
        current = await self._standing([one for one in targets if one.id])
        found = []
        for target in targets:
            with located(target.entry):
                found.append(await self._plan(target, current))
        return same_conditions(found)

    async def removals(self, targets: Sequence[Target]) -> list[Plan]:
        """The plans of deletions: one a resource, and one without a change for an entry that finds nothing."""
        current = await self._standing([one for one in targets if one.id])
        found = list[Plan]()
        for target in targets:
            with located(target.entry):
                visibility = await self.sight(target)
                rows = await self._doomed(target, current, visibility)
                for row in rows or (None,):
                    expected(target.entry.headers.get("if-match"), row)
                found += [Plan(target, row.id, "delete", visibility, row, row.version) for row in rows]
                found += [] if rows else [Plan(target, target.id or str(uuid.uuid4()), None, visibility)]
        return found

    async def _doomed(self, target: Target, known: Mapping[str, Stored], visibility: Visibility) -> Sequence[Stored]:
        if target.id:
            row = known.get(f"{target.type}/{target.id}")
            return (row,) if row else ()
        return await doomed(self.call, target.type, target.condition, visibility)

    async def _plan(self, target: Target, known: Mapping[str, Stored]) -> Plan:
        visibility = await self.sight(target)
        if target.entry.method == "POST":
            return await self._post(target, visibility)
        if target.id:
            current = known.get(f"{target.type}/{target.id}")
        else:
            current = await the_one(self.call, target.type, target.condition, visibility)
        version = _guarded(target.entry, current)
        if target.entry.method == "PUT":
            return await self._put(target, visibility, current, version)
        if current is None:
            raise NotFound("There is no such resource to patch.")
        return Plan(target, current.id, "update", visibility, current, current.version)

    async def _post(self, target: Target, visibility: Visibility) -> Plan:
        if target.condition and (met := await the_one(self.call, target.type, target.condition, visibility)):
            return Plan(target, met.id, None, visibility, met)
        return Plan(target, str(uuid.uuid4()), "create", visibility)

    async def _put(self, target: Target, visibility: Visibility, current: Stored | None, version: int | None) -> Plan:
        if target.id:
            return Plan(target, target.id, "update", visibility, current, version)
        given = named(target.entry)
        if current is not None:
            if given not in (None, current.id):
                raise Invalid("The id in the body is not the id of the resource that matches.", status=400)
            return Plan(target, current.id, "update", visibility, current, current.version)
        if given is not None:
            if await standing(self.call, target.type, given, visibility) is not None:
                raise Conflict("A resource has the id of the body, and does not meet the condition.")
            return Plan(target, given, "update", visibility)
        return Plan(target, str(uuid.uuid4()), "create", visibility)

    async def _standing(self, targets: Sequence[Target]) -> dict[str, Stored]:
        """What is there under the ids; NotFound where the caller may not see it: it may not overwrite it either."""
        wanted: dict[tuple[str, str], list[Target]] = {}
        for target in targets:
            wanted.setdefault((target.type, target.action), []).append(target)
        found: dict[str, Stored] = {}
        for group in wanted.values():
            with located(group[0].entry):
                visibility = await self.sight(group[0])
            references = [f"{one.type}/{one.id}" for one in group]
            seen = await self._read(references, visibility)
            hidden = {} if visibility == EVERYTHING else await self._read(
                [one for one in references if one not in seen], EVERYTHING
            )  # fmt: skip
            if any(not row.deleted for row in hidden.values()) and group[0].action != "delete":
                raise NotFound("There is no such resource.")
            found |= {name: row for name, row in seen.items() if not row.deleted}
        return found

    async def _read(self, references: Sequence[str], visibility: Visibility) -> dict[str, Stored]:
        if not references:
            return {}
        return await self.call.services.store.read_many(references, visibility=visibility, session=self.call.session)


def _guarded(entry: Entry, current: Stored | None) -> int | None:
    refuse_existing(entry.headers.get("if-none-match"), current)
    return expected(entry.headers.get("if-match"), current)


def same_conditions(plans: Sequence[Plan]) -> list[Plan]:
    """
    Entries that create under one condition make one resource: the later ones stand for the first.

    Updates under one condition would overwrite each other: Invalid.
    """
    first: dict[tuple[str, Params], Plan] = {}
    done = []
    for plan in plans:
        key = plan.type, tuple(sorted(plan.target.condition))
        leader = first.setdefault(key, plan) if plan.target.condition else plan
        if leader is plan:
            done.append(plan)
        elif {leader.entry.method, plan.entry.method} == {"POST"}:
            done.append(replace(plan, id=leader.id, interaction=None))
        elif "PUT" in (leader.entry.method, plan.entry.method):
            raise _overlap(leader, plan)
        else:
            done.append(plan)
    return done


def refuse_overlaps(plans: Iterable[Plan]) -> None:
    """Invalid where two entries change the same resource."""
    seen: dict[str, Plan] = {}
    for plan in plans:
        if plan.interaction is not None and seen.setdefault(plan.reference, plan) is not plan:
            raise _overlap(seen[plan.reference], plan)


def _overlap(one: Plan, other: Plan) -> Invalid:
    numbers = sorted((one.entry.number, other.entry.number))
    return Invalid(f"Entries {numbers[0]} and {numbers[1]} of the transaction change the same resource.", status=400)
