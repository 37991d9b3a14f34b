"""
Sample messages of a site, and what each means under its profile or under a new one; nothing is stored.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime

from adapters.errors import AdapterError
from adapters.facts import Translation
from adapters.hl7v2 import acceptance, parser, to_fhir
from adapters.hl7v2.message import Message
from adapters.hl7v2.site import Site
from hie.directory.profile import Profile
from hie.directory.senders import provisional
from hie.settings import Settings


@dataclass(frozen=True, slots=True)
class Profiles:
    """
    Whose profile a message is read with; `sender` MSH-3|MSH-4 stands in for the one that the message names.

    `new` is tried in place of the profile in force, for its own sender, or for all where it names none.
    """

    settings: Settings
    sender: str
    known: Mapping[str, Site]
    new: Profile | None = None
    received: datetime = field(default_factory=lambda: datetime.now(UTC))

    def of(self, sender: str) -> Site:
        """The registered profile, or the provisional one; the new one where it is meant."""
        sender = self.sender or sender
        known, new = self.known.get(sender), self.new
        if new is None or (new.sender and new.sender != sender):
            return known or self._plain(sender)
        plain = self._plain(sender)
        if known is not None:
            plain = replace(plain, id=known.id, name=known.name, organization=known.organization, provisional=False)
        return new.applied(plain)

    def _plain(self, sender: str) -> Site:
        settings = self.settings
        return provisional(sender, charset=settings.default_charset, zone=settings.default_zone)


@dataclass(frozen=True, slots=True)
class Sample:
    """A message of a file, and what it means under one profile; `refused` says why it would not be taken."""

    file: str
    number: int
    sender: str = ""
    type: str = ""
    message: Message | None = None
    translation: Translation = field(default_factory=Translation)
    site: Site | None = None
    refused: str = ""


def translated(raw: bytes, profiles: Profiles, file: str, number: int) -> Sample:
    """Parse and translate one message, as intake and pipeline would."""
    sender = kind = ""
    try:
        header = parser.read_header(raw)
        sender, kind = header.sender, header.type
        site = profiles.of(sender)
        acceptance.check(header, site)
        message = parser.parse(raw, site=site)
        translation = to_fhir.translate(message, site=site, received=profiles.received, reference="check")
    except AdapterError as error:
        refused = f"{error.acknowledgement} {error.text} {error.location}".strip()
        return Sample(file, number, sender, kind, refused=refused)
    return Sample(file, number, sender, message.type, message, translation, site)


def unmapped(translation: Translation) -> Iterator[str]:
    """What is kept and not translated, as text."""
    for one in translation.unmapped:
        code = f" {one.system}|{one.code}" if one.code or one.system else ""
        yield f"{one.kind} {one.location}{code}"
