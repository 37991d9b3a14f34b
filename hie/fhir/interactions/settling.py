"""
The resources of a transaction as they are stored: references by name and by condition settled, patches applied, valid.

https://hl7.org/fhir/R4/http.html#trules
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from hie.fhir.call import Call, split_url
from hie.fhir.patching import patched
from hie.fhir.patching.entries import patch_of
from hie.fhir.planning import Plan
from hie.fhir.references import Names, conditions_in, rewrite, select, settle
from hie.fhir.targets import located
from hie.fhir.writing import file_all, permit
from records import validation
from records.errors import Invalid, Issue
from records.stored import Json, Stored, Write


@dataclass(frozen=True, slots=True)
class Draft:
    """What an entry brings, in the names of the server: a resource, or a patch of some `kind`."""

    plan: Plan
    text: bytes
    kind: str = ""


async def settled(call: Call, plans: Sequence[Plan]) -> dict[str, Stored]:
    """
    Write what is planned; the new versions by reference.

    A reference by condition may select what this transaction writes: such resources are written after the others.
    """
    assert call.session is not None
    names, known = names_of(plans), conditions_of(plans)
    drafts = [_draft(plan, names) for plan in plans if plan.interaction]
    kinds = {draft.plan.type for draft in drafts}
    waiting = [_waits(draft.text, kinds, known) for draft in drafts]
    rows: dict[str, Stored] = {}
    for late in (False, True):
        writes = []
        for draft, waits in zip(drafts, waiting, strict=True):
            if waits != late:
                continue
            with located(draft.plan.entry):
                writes.append(await _write(call, draft, known))
        rows |= {row.reference: row for row in await file_all(call, writes)}
    return rows


def names_of(plans: Iterable[Plan]) -> Names:
    """What the entries are called, and what each became."""
    full = {plan.entry.full_url: plan.reference for plan in plans if plan.entry.full_url}
    short = {name: "/".join(name.rsplit("/", 2)[-2:]) for name in full if not name.startswith("urn:")}
    times = Counter(short.values())
    return Names(full, {short[name]: full[name] for name in short if times[short[name]] == 1})


def conditions_of(plans: Iterable[Plan]) -> dict[str, str]:
    """References by condition that are another entry's own condition, to the letter."""
    found = {}
    for plan in plans:
        if plan.target.condition:
            query = plan.entry.headers.get("if-none-exist") or plan.entry.url
            found[f"{plan.type}?{query.partition('?')[2] or query}"] = plan.reference
    return found


def _waits(text: bytes, kinds: set[str], known: Mapping[str, str]) -> bool:
    return any(one not in known and split_url(one)[0][0] in kinds for one in conditions_in(text))


def _draft(plan: Plan, names: Names) -> Draft:
    resolve = names.within(plan.entry.full_url)
    if plan.entry.method != "PATCH":
        return Draft(plan, rewrite(plan.entry.resource, resolve))
    with located(plan.entry):
        kind, patch = patch_of(plan.entry.resource)
    return Draft(plan, rewrite(patch, resolve), kind)


async def _write(call: Call, draft: Draft, known: dict[str, str]) -> Write:
    for condition in conditions_in(draft.text) - known.keys():
        known[condition] = await select(call, condition)
    plan, text = draft.plan, settle(draft.text, known)
    assert plan.interaction is not None
    if draft.kind:
        assert plan.existing is not None
        resource = patched(plan.existing.resource(), draft.kind, text)
        _check(plan, resource)
        return Write("update", plan.type, plan.id, resource, if_version=plan.if_version)
    resource = validation.parse(text)
    if resource.get("resourceType") != plan.type:
        raise Invalid(f"The entry's resource must be a {plan.type}.", status=400)
    _check(plan, resource)
    return Write(plan.interaction, plan.type, plan.id, resource, text, if_version=plan.if_version)


def _check(plan: Plan, resource: Json) -> None:
    if issues := validation.validate(resource):
        where = f"Bundle.entry[{plan.entry.number}].resource"
        raise Invalid(
            "The transaction holds resources that are not valid; nothing was stored.",
            issues=[Issue(f"{where}: {one.expression}", one.text, one.code, one.severity) for one in issues],
        )
    permit(resource, plan.visibility)
