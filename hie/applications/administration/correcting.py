"""
Corrections: a message is sent again in other words, under the same control id, as an entry of its own; the old stays.

Who, when and why is kept beside both. A dead letter is closed by its correction (hie.exchange.editing): a replay of it
would undo that. One that was stored stays so, and the new one follows it. https://www.enterpriseintegrationpatterns.com/patterns/messaging/InvalidMessageChannel.html
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

from adapters.errors import AdapterError, Unsupported
from adapters.facts import Translation
from adapters.hl7v2 import acceptance, charset, parser, to_fhir
from adapters.hl7v2.message import Message
from adapters.hl7v2.site import Site
from hie.applications.administration.services import Services
from hie.errors import Unprocessable
from hie.exchange.database import exchange_database
from hie.exchange.editing import Editing, in_place_of
from hie.exchange.inbound import InboundMessage
from hie.exchange.lane_count import lane_count


@dataclass(frozen=True, slots=True)
class Correction:
    """`new` took the place of `old`; both are ids of the journal."""

    new: str
    old: str
    by: str
    at: datetime
    reason: str


@dataclass(frozen=True, slots=True)
class Tried:
    """What the corrected text would be: its bytes, and what it means."""

    raw: bytes
    message: Message
    translation: Translation


class Corrections:
    """Collection `corrections`, one document a new entry."""

    def __init__(self, services: Services) -> None:
        self._services = services
        self._database = exchange_database(services.client, services.settings.database_prefix)
        self._collection = self._database["corrections"]

    async def about(self, message: str) -> list[Correction]:
        """Those that a message took part in, the oldest first."""
        found = self._collection.find({"$or": [{"_id": message}, {"old": message}]}).sort("_id", 1)
        return [Correction(one["_id"], one["old"], one["by"], one["at"], one["reason"]) async for one in found]

    def tried(self, old: InboundMessage, text: str, site: Site) -> Tried:
        """The text as the exchange would take it; raises AdapterError as the intake would refuse it."""
        raw = written(text, site)
        header = parser.read_header(raw)
        if header.processing_id in ("T", "D") and self._services.settings.mode == "production":
            raise Unsupported("Test and debugging messages are not taken here.", location="MSH^1^11", condition="202")
        if header.sender not in (old.sender, "|"):
            raise Unsupported("A correction is of the same sender.", location="MSH^1^3", condition="207")
        acceptance.check(header, site)
        message = parser.parse(raw, site=site)
        translation = to_fhir.translate(message, site=site, received=old.received, reference=old.id)
        return Tried(raw, message, translation)

    async def send(self, old: InboundMessage, tried: Tried, site: Site, *, by: str, reason: str) -> str:
        """Keep the corrected text as a new entry, and set the old one aside; returns the new id. May be repeated."""
        if tried.raw == old.raw:
            raise Unprocessable("The text is what it was: replay it instead.")
        if old.state == "dead":
            return await Editing(self._services.journal, self._services.directory).replace(
                old.id, tried.raw, by=by, why=reason
            )
        at = self._services.clock()
        kept = await self._services.journal.append(await self._entry(old, tried.raw, site, at), b"")
        said = {"old": old.id, "by": by, "at": at, "reason": reason}
        await self._collection.update_one({"_id": kept.id}, {"$setOnInsert": said}, upsert=True)
        return kept.id

    async def _entry(self, old: InboundMessage, raw: bytes, site: Site, at: datetime) -> InboundMessage:
        lanes = await lane_count(self._database) or self._services.settings.lanes
        remark = f"Corrected by an administrator: in place of {old.id}."
        entry = in_place_of(old, raw, parser.read_header(raw), lanes, remark)
        return replace(entry, id=self._services.journal.next_id(), received=at, site=site.id)


def editable(text: str) -> str:
    """A message for a text field: a segment a line."""
    return "\n".join(text.replace("\r\n", "\r").replace("\n", "\r").strip("\r").split("\r"))


def written(text: str, site: Site) -> bytes:
    """The text as bytes in the character set that it names itself, else in the site's."""
    listed = text.replace("\r\n", "\n").replace("\r", "\n").split("\n")
    lines = "\r".join(line for line in listed if line.strip()) + "\r"
    declared = charset.declared(lines.encode("utf-8", "replace"))
    for codec in dict.fromkeys(filter(None, (charset.codec_of(declared), charset.codec_of(site.charset), "utf-8"))):
        try:
            raw = lines.encode(codec)
            if charset.decode(raw, default=site.charset).text == lines:
                return raw
        except (UnicodeEncodeError, AdapterError):
            continue
    raise Unsupported("The text cannot be written in its character set.", location="MSH^1^18", condition="102")


def summary(translation: Translation) -> Sequence[tuple[str, int]]:
    """How many resources of each type; no word of them."""
    counts: dict[str, int] = {}
    for fact in translation.facts:
        counts[fact.type] = counts.get(fact.type, 0) + 1
    return sorted(counts.items())


def unmapped_of(translation: Translation) -> Sequence[Mapping[str, Any]]:
    """What would be kept and not translated."""
    return [{"location": one.location, "system": one.system, "code": one.code} for one in translation.unmapped]
