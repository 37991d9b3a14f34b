"""
What a message makes of the stores: ids from source and business identifier, references within, what changes nothing.

https://hl7.org/fhir/R4/messaging.html#process
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from adapters.facts import resource_id
from hie.exchange.steps.reconcile import content
from hie.fhir.operations.messaging.reading import Message, Part, names
from hie.fhir.references import rewrite
from records import validation
from records.errors import Invalid, Issue
from records.stored import Interaction, Json, Stored, Write

_TARGET = re.compile(r"[A-Z][A-Za-z]+/[A-Za-z0-9\-.]{1,64}(?:/_history/\S+)?")


@dataclass(frozen=True, slots=True)
class Planned:
    """One resource of a message under the id that it has here; `owned` says that the message speaks for it."""

    part: Part
    id: str
    text: bytes
    resource: Json
    owned: bool

    @property
    def type(self) -> str:
        return str(self.resource["resourceType"])

    @property
    def reference(self) -> str:
        return f"{self.type}/{self.id}"


def plan(message: Message, base: str) -> list[Planned]:
    """Every resource with its id and its references; Invalid where two are one, or a reference leads nowhere."""
    ids = {part.number: identity(message, part) for part in message.parts}
    kinds = {part.number: str(part.resource["resourceType"]) for part in message.parts}
    _check_distinct(message.parts, [f"{kinds[part.number]}/{ids[part.number]}" for part in message.parts])
    known: dict[str, str] = {}
    for part in message.parts:
        for name in names(part):
            known.setdefault(name, f"{kinds[part.number]}/{ids[part.number]}")
    found = [_planned(message, part, ids[part.number], known) for part in message.parts]
    _check_references(found, frozenset(known.values()), base)
    return found


def identity(message: Message, part: Part) -> str:
    """From the source and the first business identifier; without one from the resource's address at the source."""
    resource, source = part.resource, message.header.endpoint
    kind = str(resource["resourceType"])
    listed = resource.get("identifier", ())
    for one in (listed,) if isinstance(listed, dict) else listed:
        if one.get("value"):
            return resource_id(source, kind, str(one.get("system", "")), str(one["value"]))
    if part.full_url and not part.full_url.startswith("urn:"):
        return resource_id(source, kind, part.full_url)
    if resource.get("id"):
        return resource_id(source, kind, f"{kind}/{resource['id']}")
    # Nothing names it beyond this message: a message that comes again still changes nothing.
    return resource_id(source, kind, message.header.id, part.full_url or str(part.number))


def _planned(message: Message, part: Part, to: str, known: Mapping[str, str]) -> Planned:
    text = rewrite(part.text, known.get)
    resource = {**validation.parse(text), "id": to}
    return Planned(part, to, text, resource, str(resource["resourceType"]) in message.event.owns)


def _check_distinct(parts: Sequence[Part], targets: Sequence[str]) -> None:
    seen: dict[str, Part] = {}
    for part, name in zip(parts, targets, strict=True):
        if name in seen:
            text = f"This is the same resource as {seen[name].where}."
            raise Invalid("The message holds one resource twice.", issues=[Issue(part.where, text, "duplicate")])
        seen[name] = part


def _check_references(planned: Sequence[Planned], known: frozenset[str], base: str) -> None:
    wrong = [
        Issue(one.part.where, "A reference is to nothing in the message; name it by its identifier, or absolutely.")
        for one in planned
        if not all(_leads(literal, known, base) for literal in _literals(one.resource))
    ]
    if wrong:
        raise Invalid("The message does not stand by itself.", issues=wrong)


def _leads(literal: str, known: frozenset[str], base: str) -> bool:
    """Within the message, contained, or absolute: a bare `Type/id` would be taken for one of ours."""
    plain = literal.partition("#")[0]
    if not plain or plain in known:
        return True
    if literal.startswith("urn:"):
        return False
    ours = literal.removeprefix(f"{base}/")
    return "://" in literal and (ours == literal or _TARGET.fullmatch(ours) is not None)


def _literals(value: Any) -> Iterator[str]:
    if isinstance(value, dict):
        if isinstance(value.get("reference"), str):
            yield value["reference"]
        for inner in value.values():
            yield from _literals(inner)
    elif isinstance(value, list):
        for inner in value:
            yield from _literals(inner)


def decide(planned: Planned, stored: Stored | None, source: str) -> Write | None:
    """The write that a resource asks for; None where it is there already, or is another's to change."""
    current = stored.resource() if stored is not None and not stored.deleted else None
    if current is not None and (not planned.owned or content(planned.resource) == content(current)):
        return None
    interaction: Interaction = "create" if stored is None else "update"
    version = stored.version if stored is not None else 0
    return Write(
        interaction, planned.type, planned.id, planned.resource, planned.text, if_version=version, source=source
    )
