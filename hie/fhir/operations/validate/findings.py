"""
Everything that is found about a resource: structure, bindings, invariants, profiles, extensions; the rules in one list.

The engine of invariants keeps state of its own: one validation at a time, beside the loop that answers others.
https://hl7.org/fhir/R4/validation.html
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextvars import copy_context

from hie.fhir.operations.validate.definitions import known_for
from records import validation
from records.errors import Issue
from records.resource_store import ResourceStore
from records.stored import Json
from records.validation import profiles
from records.validation.profiles import Known

_beside = ThreadPoolExecutor(1, thread_name_prefix="validate")


async def findings(store: ResourceStore, resource: Json, canonicals: Sequence[str]) -> list[Issue]:
    """All issues of a resource by itself, and against these profiles; each is told once."""
    named = [*canonicals, *(one for _, one in profiles.claims(resource)), *profiles.extensions_used(resource)]
    known = await known_for(store, named)
    return await _by_itself(lambda: _all(resource, canonicals, known))


async def broken_claims(store: ResourceStore, resource: Json) -> list[Issue]:
    """By what a resource does not conform to the profiles that it claims; one that is not known is broken, too."""
    claimed = [one for _, one in profiles.claims(resource)]
    if not claimed:
        return []
    known = await known_for(store, claimed)
    found = await _by_itself(lambda: profiles.check_claims(resource, known, unknown="error"))
    return [one for one in found if one.severity in ("error", "fatal")]


async def _by_itself(work: Callable[[], list[Issue]]) -> list[Issue]:
    return await asyncio.get_running_loop().run_in_executor(_beside, copy_context().run, work)


def _all(resource: Json, canonicals: Sequence[str], known: Known) -> list[Issue]:
    found = validation.validate(resource)
    if any(one.expression == "" for one in found):
        # No resource of R4 at all: there is nothing to walk along.
        return found
    found += profiles.check_bindings(resource, known.vocabulary)
    found += profiles.check_invariants(resource)
    for one in canonicals:
        found += profiles.check_profile(resource, one, known)
    found += profiles.check_claims(resource, known, but=canonicals)
    found += profiles.check_extensions(resource, known)
    return list(dict.fromkeys(found))
