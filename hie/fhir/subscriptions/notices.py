"""
What is sent: the status of a Subscription as Parameters, and the notification bundle that begins with it; pure.

http://hl7.org/fhir/uv/subscriptions-backport/notifications.html
"""

from __future__ import annotations

import uuid
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Literal

from hie.fhir.bundles import history_entry
from hie.fhir.subscriptions.terms import Content, Terms
from records.documents import instant
from records.stored import Json, Stored, encode

Kind = Literal["handshake", "heartbeat", "event-notification", "query-status", "query-event"]
STATUS_PROFILE = "http://hl7.org/fhir/uv/subscriptions-backport/StructureDefinition/backport-subscription-status-r4"
BUNDLE_PROFILE = (
    "http://hl7.org/fhir/uv/subscriptions-backport/StructureDefinition/backport-subscription-notification-r4"
)


@dataclass(frozen=True, slots=True)
class Told:
    """One event of a notification: `row` is None where its subscriber may no longer see what it is about."""

    number: int
    at: datetime
    row: Stored | None = None
    context: tuple[Stored, ...] = ()

    @property
    def rows(self) -> tuple[Stored, ...]:
        """All that it shows."""
        return (self.row, *self.context) if self.row is not None else ()


@dataclass(frozen=True, slots=True)
class Subject:
    """The Subscription that a notification is about; `number` counts the events since it began."""

    base: str
    id: str
    status: str
    terms: Terms | None
    number: int
    error: str = ""

    @property
    def url(self) -> str:
        """Its address."""
        return f"{self.base}/Subscription/{self.id}"


def status(subject: Subject, kind: Kind, told: Sequence[Told] = (), content: Content = "empty") -> Json:
    """The status as Parameters, as R4 has no SubscriptionStatus."""
    parameters: list[Json] = [{"name": "subscription", "valueReference": {"reference": subject.url}}]
    topic = subject.terms.topic if subject.terms else None
    if topic is not None and (content != "empty" or kind != "event-notification"):
        parameters.append({"name": "topic", "valueCanonical": topic.url})
    parameters += [
        {"name": "status", "valueCode": subject.status},
        {"name": "type", "valueCode": kind},
        {"name": "events-since-subscription-start", "valueString": str(subject.number)},
        *({"name": "notification-event", "part": list(_event(subject.base, one, content))} for one in told),
    ]
    if subject.error:
        parameters.append({"name": "error", "valueCodeableConcept": {"text": subject.error}})
    return {
        "resourceType": "Parameters",
        "id": str(uuid.uuid4()),
        "meta": {"profile": [STATUS_PROFILE]},
        "parameter": parameters,
    }


def _event(base: str, told: Told, content: Content) -> Iterator[Json]:
    yield {"name": "event-number", "valueString": str(told.number)}
    yield {"name": "timestamp", "valueInstant": instant(told.at)}
    if content == "empty" or told.row is None:
        return
    yield {"name": "focus", "valueReference": {"reference": f"{base}/{told.row.reference}"}}
    for row in told.context:
        yield {"name": "additional-context", "valueReference": {"reference": f"{base}/{row.reference}"}}


def notification(
    subject: Subject, kind: Kind, now: datetime, told: Sequence[Told] = (), content: Content = "empty"
) -> bytes:
    """A notification bundle; resources are joined as they are stored."""
    entries = [_first(subject, status(subject, kind, told, content))]
    if content == "full-resource":
        entries += _resources(subject.base, told)
    head: Json = {
        "resourceType": "Bundle",
        "id": str(uuid.uuid4()),
        "meta": {"profile": [BUNDLE_PROFILE]},
        "type": "history",
        "timestamp": instant(now),
    }
    return encode(head)[:-1] + b',"entry":[' + b",".join(entries) + b"]}"


def _first(subject: Subject, parameters: Json) -> bytes:
    return encode(
        {
            "fullUrl": f"urn:uuid:{parameters['id']}",
            "resource": parameters,
            "request": {"method": "GET", "url": f"{subject.url}/$status"},
            "response": {"status": "200"},
        }
    )


def _resources(base: str, told: Iterable[Told]) -> list[bytes]:
    """Each version once, though several events may show it."""
    rows = {(row.reference, row.version): row for one in told for row in one.rows}
    return [history_entry(base, row) for row in rows.values()]
