"""
What every write passes through: strict parsing, validation, the caller's limits, then filing.

https://hl7.org/fhir/R4/http.html#create
"""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import suppress

from pymongo.asynchronous.client_session import AsyncClientSession

from hie.errors import Refused
from hie.exchange.group_commit import Alone
from hie.fhir.call import Call
from hie.fhir.company import Decide, Intent
from hie.fhir.conditions import in_one
from hie.fhir.operations.validate.enforcing import Claims
from hie.fhir.search_parameters.rights import DEFINITIONS, allow
from hie.fhir.subscriptions.accepting import TYPE as SUBSCRIPTION
from hie.fhir.subscriptions.accepting import accept
from records import search, validation
from records.errors import Gone, Invalid, NotFound
from records.stored import EVERYTHING, Json, Stored, Visibility, Write

# What changes more than the stores when it is written.
APART = frozenset({SUBSCRIPTION, *DEFINITIONS})


def read_body(call: Call, resource_type: str) -> Json:
    """The body as a valid resource of that type; NotUnderstood or Invalid otherwise."""
    resource = validation.parse(call.body)
    if resource.get("resourceType") != resource_type:
        raise Invalid(f"The body must be a {resource_type}.", status=400)
    validation.check(resource)
    return resource


def source_of(call: Call) -> str:
    """What meta.source says of a resource written over FHIR: the client, and the request."""
    return f"urn:hie:client:{call.caller.client or 'unknown'}#{call.request_id}"


def permit(resource: Json, visibility: Visibility) -> None:
    """Refuse a write into a record that the caller may not even see."""
    if visibility.patients is None and not visibility.denied:
        return
    patients = frozenset(search.index(resource).patients)
    foreign = visibility.patients is not None and not patients <= visibility.patients
    unowned = visibility.patients is not None and not patients
    if foreign or unowned or patients & visibility.denied:
        raise Refused("This record is not open to the caller.")


async def standing(call: Call, resource_type: str, resource_id: str, visibility: Visibility) -> Stored | None:
    """
    What a write under this id would replace; None where there is nothing, or only what was deleted.

    NotFound for what the caller may not see: it may not overwrite it either, and hears the same words.
    """
    store = call.services.store
    try:
        return await store.read(resource_type, resource_id, visibility=visibility, session=call.session)
    except Gone:
        return None
    except NotFound:
        try:
            await store.read(resource_type, resource_id, visibility=EVERYTHING, session=call.session)
        except (Gone, NotFound):
            return None
        raise


async def file_all(call: Call, writes: Sequence[Write]) -> list[Stored]:
    """Identity, store and events of all writes in one transaction: that of the call, else one of their own."""
    if not writes:
        return []
    allow(call.caller, writes)
    await _claims(call)(writes)
    accepted = await accept(call, writes)

    async def file(session: AsyncClientSession) -> list[Stored]:
        rows = await call.services.filing.file(accepted.writes, session=session, source=source_of(call))
        await accepted.keep(rows, session)
        return rows

    return await (call.services.store.in_transaction(file) if call.session is None else file(call.session))


def _claims(call: Call) -> Claims:
    return Claims.of(call.services.store, call.services.settings)


async def file_one(call: Call, write: Write) -> Stored:
    """The same for a single write."""
    return (await file_all(call, [write]))[0]


async def write_one(
    call: Call, resource_type: str, resource_id: str, visibility: Visibility, decide: Decide, *, hides: bool = False
) -> Stored | None:
    """
    One write that is decided on what stands under its id ("" for what is new): in company where it can be.

    What the caller may not see is NotFound, or counts as absent where `hides` says so; None where nothing was written.
    """
    intent = Intent(resource_type, resource_id, visibility, source_of(call), decide, hides)
    if call.session is None and resource_type not in APART and not _claims(call).enforced:
        with suppress(Alone):
            return await call.services.company.write(intent)
    return await in_one(call, lambda inner: _alone(inner, intent))


async def _alone(call: Call, intent: Intent) -> Stored | None:
    current = None
    try:
        current = await standing(call, intent.type, intent.id, intent.visibility) if intent.id else None
    except NotFound:
        if not intent.hides:
            raise
    write = intent.decide(current)
    return await file_one(call, write) if write is not None else None
