"""
What a Subscription asks for, read and checked: triggers, channel, content, limits; pure.

https://hl7.org/fhir/R4/subscription.html, http://hl7.org/fhir/uv/subscriptions-backport/StructureDefinition-backport-subscription.html
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import Any, Literal, cast
from urllib.parse import urlsplit

from hie.fhir.call import Params, parse_query
from hie.fhir.formats import JSON_TYPES, XML_TYPES, Format, bare
from hie.fhir.subscriptions.topics import Topic, Trigger, topics
from records.definitions import definitions
from records.errors import Invalid, UnknownParameter
from records.search.request import read as read_search
from records.stored import Json

Channel = Literal["rest-hook", "websocket"]
Content = Literal["empty", "id-only", "full-resource"]
CONTENTS = ("empty", "id-only", "full-resource")
BACKPORT = "http://hl7.org/fhir/uv/subscriptions-backport/StructureDefinition/backport-"
LONGEST_CRITERIA = 2_000
MOST_HEADERS, LONGEST_HEADERS = 20, 8_000
LONGEST_TIMEOUT, DEFAULT_TIMEOUT = 60, 20
MOST_EVENTS = 500
MASK = "***"
# About the form of an answer: a criterion has none.
FORM = frozenset(
    {"_sort", "_count", "_total", "_include", "_revinclude", "_summary", "_elements", "_format", "_pretty", "_cursor"}
)
# What the connection itself says.
OWN_HEADERS = frozenset(
    {"host", "content-length", "content-type", "transfer-encoding", "connection", "upgrade", "te", "trailer", "expect",
     "keep-alive", "proxy-authorization", "proxy-connection"}
)  # fmt: skip
_HEADER = re.compile(r"^([A-Za-z0-9!#$%&'*+\-.^_`|~]{1,100}):[ \t]*([\x20-\x7e\t]*)$")


@dataclass(frozen=True, slots=True)
class Terms:
    """
    The terms of one Subscription. Without a `topic` it is a search of R4; `spoken` is the format of the payload, empty
    for a bare signal. `heartbeat` and `timeout` are seconds, `most` the events of one notification.
    """

    triggers: tuple[Trigger, ...]
    channel: Channel
    topic: Topic | None = None
    endpoint: str = ""
    spoken: Format | Literal[""] = ""
    content: Content = "empty"
    headers: tuple[tuple[str, str], ...] = ()
    heartbeat: int = 0
    timeout: int = DEFAULT_TIMEOUT
    most: int = 1
    end: datetime | None = None

    @property
    def types(self) -> list[str]:
        """The types that it listens to."""
        return sorted({one.resource for one in self.triggers})


def read_terms(subscription: Json) -> Terms:
    """The terms; Invalid or UnknownParameter where the server cannot honour them."""
    topic, triggers = _triggers(subscription)
    channel = subscription["channel"]
    kind = _channel(channel)
    spoken = _spoken(str(channel.get("payload", "")))
    if kind == "rest-hook":
        _endpoint(str(channel.get("endpoint", "")))
    return Terms(
        triggers,
        kind,
        topic,
        str(channel.get("endpoint", "")) if kind == "rest-hook" else "",
        (spoken or "json") if topic else spoken,
        _content(channel, topic, spoken),
        tuple(_headers(channel.get("header", ()))),
        _number(channel, "heartbeat-period", 0, 0, 86_400 * 7),
        _number(channel, "timeout", DEFAULT_TIMEOUT, 1, LONGEST_TIMEOUT),
        _number(channel, "max-count", 1, 1, MOST_EVENTS),
        _instant(subscription.get("end")),
    )


def _triggers(subscription: Json) -> tuple[Topic | None, tuple[Trigger, ...]]:
    criteria = str(subscription["criteria"])
    filters = list(_extensions(subscription.get("_criteria"), "filter-criteria"))
    if (topic := topics().get(criteria)) is not None:
        return topic, tuple(_filtered(topic.triggers, filters))
    if ":" in criteria.partition("?")[0]:
        raise Invalid("The server knows no such topic; its capability statement lists those that it knows.")
    if filters:
        raise Invalid("Filters belong to a topic; without one the criteria are a search.")
    name, params = _search(criteria)
    return None, (Trigger(name, current=params),)


def _filtered(triggers: Sequence[Trigger], filters: Sequence[Any]) -> Iterator[Trigger]:
    asked: dict[str, Params] = {}
    names = {one.resource for one in triggers}
    for text in filters:
        name, params = _search(str(text), default=triggers[0].resource)
        if name not in names:
            raise Invalid(f"The topic is about {', '.join(sorted(names))}: a filter asks for one of these.")
        asked[name] = (*asked.get(name, ()), *params)
    for trigger in triggers:
        yield replace(trigger, filters=asked.get(trigger.resource, ()))


def _search(text: str, default: str = "") -> tuple[str, Params]:
    """`Observation?code=x`; where there is a default type, also `code=x`."""
    if len(text) > LONGEST_CRITERIA:
        raise Invalid(f"The criteria, and each filter, may have {LONGEST_CRITERIA} characters.")
    name, question, query = text.partition("?")
    if default and not question:
        name, query = default, text
    if name not in definitions().resource_types:
        raise Invalid(f"{name[:64]!r} is no resource type of this server.")
    params = parse_query(query)
    if form := [key for key, _ in params if key.partition(":")[0] in FORM]:
        raise UnknownParameter(f"{form[0][:64]} is about the form of an answer and selects nothing.")
    read_search(name, params)
    return name, params


def _channel(channel: Json) -> Channel:
    if any(_extensions(channel.get("_type"), "channel-type")):
        raise Invalid("Channels other than rest-hook and websocket are not offered.")
    if channel.get("type") not in ("rest-hook", "websocket"):
        raise Invalid("The channel is rest-hook or websocket; email, sms and message are not offered.")
    return cast(Channel, channel["type"])


def _spoken(payload: str) -> Format | Literal[""]:
    if not payload:
        return ""
    if bare(payload) in JSON_TYPES:
        return "json"
    if bare(payload) in XML_TYPES:
        return "xml"
    raise Invalid("The payload is application/fhir+json or application/fhir+xml, or absent.")


def _content(channel: Json, topic: Topic | None, spoken: str) -> Content:
    found = next(_extensions(channel.get("_payload"), "payload-content"), None)
    if topic is None:
        if found is not None:
            raise Invalid("The extension payload-content belongs to a topic.")
        # A socket of R4 is pinged, whatever the payload says.
        return "full-resource" if spoken and channel["type"] == "rest-hook" else "empty"
    if found is not None and found not in CONTENTS:
        raise Invalid(f"The content of a notification is one of {', '.join(CONTENTS)}.")
    return cast(Content, found or "empty")


def _endpoint(address: str) -> None:
    try:
        parts = urlsplit(address)
        port = parts.port
    except ValueError as error:
        raise Invalid("The endpoint is no address.") from error
    if parts.scheme not in ("http", "https") or not parts.hostname or port == 0:
        raise Invalid("The endpoint of a rest-hook begins with http:// or https:// and names a host.")
    if parts.username is not None or parts.password is not None or parts.fragment:
        raise Invalid("The endpoint has no user, password or fragment; credentials go into a header.")
    if not address.isascii() or not address.isprintable() or " " in address:
        raise Invalid("The endpoint is written in the characters that an address may have.")


def _headers(given: Sequence[Any]) -> Iterator[tuple[str, str]]:
    if len(given) > MOST_HEADERS or sum(len(str(one)) for one in given) > LONGEST_HEADERS:
        raise Invalid(f"A Subscription may have {MOST_HEADERS} headers of {LONGEST_HEADERS} characters together.")
    for one in given:
        found = _HEADER.match(str(one))
        if found is None:
            raise Invalid("A header is written as `Name: value`.")
        if found[1].lower() in OWN_HEADERS:
            raise Invalid(f"The header {found[1]} is set by the connection itself.")
        yield found[1], found[2].strip()


def _number(channel: Json, name: str, default: int, least: int, most: int) -> int:
    found = next(_extensions(channel, name), default)
    if type(found) is not int or not least <= found <= most:
        raise Invalid(f"The extension {name} is a number from {least} to {most}.")
    return found


def _extensions(element: Any, name: str) -> Iterator[Any]:
    """The values of a backport extension."""
    for one in (element or {}).get("extension", ()) if isinstance(element, dict | None) else ():
        if one.get("url") == BACKPORT + name:
            yield next((value for key, value in one.items() if key.startswith("value")), None)


def _instant(text: Any) -> datetime | None:
    return datetime.fromisoformat(text).astimezone(UTC) if text else None


def masked(subscription: Json) -> Json:
    """The same with the values of its headers hidden: they are secrets of the receiver, kept beside the resource."""
    channel = subscription["channel"]
    if not channel.get("header"):
        return subscription
    return {**subscription, "channel": {**channel, "header": [f"{_name(one)}: {MASK}" for one in channel["header"]]}}


def unmasked(subscription: Json, known: Sequence[str]) -> Json:
    """The same with values that were hidden put back, as far as they are known."""
    channel = subscription["channel"]
    if not isinstance(channel.get("header"), list):
        return subscription
    kept = {_name(one): one for one in known}
    headers = [kept.get(_name(one), one) if _hidden(one) else one for one in channel["header"]]
    return {**subscription, "channel": {**channel, "header": headers}}


def _name(header: Any) -> str:
    return str(header).partition(":")[0]


def _hidden(header: Any) -> bool:
    return str(header).partition(":")[2].strip() == MASK
