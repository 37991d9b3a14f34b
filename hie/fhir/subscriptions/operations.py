"""
The operations on Subscriptions: their status, their events again, a token for a socket, the topics that there are.

http://hl7.org/fhir/uv/subscriptions-backport/artifacts.html#operations
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from typing import Any, cast

from hie.fhir.bundles import join, link
from hie.fhir.call import Answer, Call
from hie.fhir.operations.parameters import parameters, taken
from hie.fhir.outcome import informational
from hie.fhir.subscriptions.disclosing import Disclosure
from hie.fhir.subscriptions.notices import Subject, notification, status
from hie.fhir.subscriptions.registry import Entry
from hie.fhir.subscriptions.sockets import socket_url
from hie.fhir.subscriptions.subscribers import may_manage
from hie.fhir.subscriptions.terms import CONTENTS, MOST_EVENTS, Content, Terms
from hie.fhir.subscriptions.tokens import issue
from hie.fhir.subscriptions.topics import to_basic, topics
from records.errors import Invalid, NotFound, RecordError, UnknownParameter
from records.stored import Json, encode

SPAN = ("eventsSinceNumber", "eventsUntilNumber")
INSTANTS = ("eventsSinceInstant", "eventsUntilInstant")


async def subscription_status(call: Call) -> Answer:
    """`GET|POST [base]/Subscription/[id]/$status` and `[base]/Subscription/$status?id=...&status=...`."""
    asked = taken("status", parameters(call), ("id", "status"), ("id", "status"))
    entries = [await _own(call)] if len(call.path) == 3 else [one async for one in _chosen(call, asked)]
    found = [_shown(call, one) for one in entries]
    rows = (
        b'{"fullUrl":"urn:uuid:' + one["id"].encode() + b'","resource":' + encode(one)
        + b',"search":{"mode":"match"}}'
        for one in found
    )  # fmt: skip
    links = [("self", link(call.base, "/".join(call.path), tuple(asked.items())))]
    body = join("searchset", links, len(found), rows, call.services.clock())
    return Answer(200, body, interaction="operation", resource_type="Subscription")


async def _chosen(call: Call, asked: Mapping[str, str]) -> AsyncIterator[Entry]:
    await call.visibility("Subscription", "read")
    query: dict[str, Any] = {"state": {"$ne": "deleted"}}
    if "id" in asked:
        query["_id"] = {"$in": asked["id"].split(",")}
    if "status" in asked:
        query["state"] = {"$in": [one for one in asked["status"].split(",") if one != "deleted"]}
    async for one in call.services.subscriptions.found(query):
        if may_manage(call.caller, one.caller):
            yield one


def _shown(call: Call, entry: Entry) -> Json:
    return status(_subject(call, entry, _terms(entry)), "query-status")


def _subject(call: Call, entry: Entry, terms: Terms | None) -> Subject:
    return Subject(call.base, entry.id, entry.state, terms, entry.number, entry.reason)


def _terms(entry: Entry) -> Terms | None:
    try:
        return entry.terms
    except RecordError:
        return None


async def _own(call: Call) -> Entry:
    """The Subscription of the address, where the caller may see it; NotFound for another's."""
    await call.visibility("Subscription", "read")
    entry = await call.services.subscriptions.find(call.path[1])
    if entry is None or not may_manage(call.caller, entry.caller):
        raise NotFound("There is no such Subscription of this caller.")
    return entry


async def subscription_events(call: Call) -> Answer:
    """`GET|POST [base]/Subscription/[id]/$events?eventsSinceNumber=&eventsUntilNumber=&content=`."""
    asked = taken("events", parameters(call), (*SPAN, "content"))
    entry = await _own(call)
    terms = entry.terms
    content = _content(asked, terms)
    events = await call.services.subscriptions.told(entry.queue, *_span("events", asked), MOST_EVENTS)
    services = call.services
    disclosure = Disclosure(services.store, services.gate, services.audit)
    shape = replace(terms, content=content)
    told = [await disclosure.told(call.caller, shape, event) for event in events]
    subject = _subject(call, entry, terms)
    body = notification(subject, "query-event", services.clock(), told, content)
    rows = () if content == "empty" else tuple(row for one in told for row in one.rows)
    return Answer(200, body, {}, rows, interaction="operation", resource_type="Subscription", resource_id=entry.id)


def _content(asked: Mapping[str, str], terms: Terms) -> Content:
    wanted = asked.get("content", terms.content)
    if wanted not in CONTENTS:
        raise UnknownParameter(f"content is one of {', '.join(CONTENTS)}.")
    return cast(Content, wanted)


def _span(operation: str, asked: Mapping[str, str]) -> tuple[int, int | None]:
    since, until = (_whole(operation, name, asked.get(name)) for name in SPAN)
    return since or 0, until


def _whole(operation: str, name: str, value: str | None) -> int | None:
    if value is None:
        return None
    if not value.isascii() or not value.isdigit() or len(value) > 18:
        raise UnknownParameter(f"${operation}: {name} is the number of an event.")
    return int(value)


async def subscription_resend(call: Call) -> Answer:
    """`POST [base]/Subscription/[id]/$resend`: a range of events once more, by number or time."""
    asked = taken("resend", parameters(call), (*SPAN, *INSTANTS))
    if not asked:
        raise Invalid("$resend needs a first or a last event, by number or by time.", status=400)
    since, until = _span("resend", asked)
    chosen: dict[str, Any] = {"n": {"$gte": max(since, 1)} | ({"$lte": until} if until is not None else {})}
    signs = zip(("$gte", "$lte"), INSTANTS, strict=True)
    times = {sign: _instant(asked[name]) for sign, name in signs if name in asked}
    return await _again(call, chosen | ({"at": times} if times else {}))


async def subscription_replay(call: Call) -> Answer:
    """`POST [base]/Subscription/[id]/$replay`: what was set aside because the receiver would not take it."""
    asked = taken("replay", parameters(call), SPAN)
    since, until = _span("replay", asked)
    span = {"$gte": max(since, 1)} | ({"$lte": until} if until is not None else {})
    return await _again(call, {"state": "dead", "n": span})


async def _again(call: Call, chosen: Mapping[str, Any]) -> Answer:
    entry = await _own(call)
    await call.visibility("Subscription", "update")
    count = await call.services.subscriptions.again(entry, chosen)
    body = informational(f"{count} events will be told again.")
    return Answer(200, body, interaction="operation", resource_type="Subscription", resource_id=entry.id)


def _instant(text: str) -> datetime:
    try:
        moment = datetime.fromisoformat(text)
    except ValueError as error:
        raise UnknownParameter("$resend: an instant is written as 2026-01-31T12:00:00Z.") from error
    if moment.tzinfo is None:
        raise UnknownParameter("$resend: an instant has a time zone.")
    return moment


async def binding_token(call: Call) -> Answer:
    """`GET|POST [base]/Subscription/$get-ws-binding-token?id=...`, and for one `Subscription/[id]/...`."""
    asked = taken("get-ws-binding-token", parameters(call), ("id",), ("id",))
    entries = [await _own(call)] if len(call.path) == 3 else [one async for one in _chosen(call, asked)]
    sockets = [one for one in entries if (terms := _terms(one)) is not None and terms.channel == "websocket"]
    missing = {*asked.get("id", "").split(",")} - {""} - {one.id for one in sockets}
    if not sockets or missing:
        raise Invalid("The caller has no such Subscription whose channel is a websocket.", status=400)
    token, expires = await issue(call.services.subscriptions, sockets)
    return _answer(token, expires, sockets, socket_url(call.base))


def _answer(token: str, expires: datetime, sockets: Sequence[Entry], url: str) -> Answer:
    body: Json = {
        "resourceType": "Parameters",
        "parameter": [
            {"name": "token", "valueString": token},
            {"name": "expiration", "valueDateTime": expires.isoformat(timespec="seconds")},
            *({"name": "subscription", "valueString": one.id} for one in sockets),
            {"name": "websocket-url", "valueUrl": url},
        ],
    }
    return Answer(200, encode(body), interaction="operation", resource_type="Subscription")


async def topic_list(call: Call) -> Answer:
    """`GET [base]/Subscription/$topic-list`: the topics as Basic resources, for R4 has no SubscriptionTopic."""
    taken("topic-list", parameters(call), ())
    await call.visibility("Subscription", "read")
    rows = [b'{"resource":' + encode(to_basic(one)) + b',"search":{"mode":"match"}}' for one in topics().values()]
    links = [("self", link(call.base, "Subscription/$topic-list", ()))]
    body = join("searchset", links, len(rows), rows, call.services.clock())
    return Answer(200, body, interaction="operation", resource_type="Subscription")
