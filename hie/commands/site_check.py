"""
`hie site check`: what sample messages of a site would become, before its first real one; nothing is stored.

The sender's registered profile is taken where the exchange runs and knows it, else the provisional one.
"""

from __future__ import annotations

import asyncio
import json
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from pymongo import AsyncMongoClient
from pymongo.errors import PyMongoError

from adapters.errors import AdapterError
from adapters.facts import Translation
from adapters.hl7v2 import parser, to_fhir
from adapters.hl7v2.site import Site
from hie.commands.sending import messages_in
from hie.directory.senders import provisional
from hie.directory.sites import Directory
from hie.settings import Settings
from records import validation
from records.resource_store import ResourceStore

SHOWN = 12
Say = Callable[[str], None]


@dataclass(frozen=True, slots=True)
class Checked:
    """One message: what it would become, or why it would not be taken (`refused`)."""

    file: str
    number: int
    sender: str = ""
    type: str = ""
    translated: bool = False
    refused: str = ""
    resources: tuple[str, ...] = ()
    unmapped: tuple[str, ...] = ()
    remarks: tuple[str, ...] = ()
    invalid: tuple[str, ...] = ()


@dataclass(slots=True)
class Summary:
    """All messages of one type."""

    messages: int = 0
    refused: Counter[str] = field(default_factory=Counter)
    kept: int = 0
    resources: Counter[str] = field(default_factory=Counter)
    unmapped: Counter[str] = field(default_factory=Counter)
    remarks: Counter[str] = field(default_factory=Counter)
    invalid: Counter[str] = field(default_factory=Counter)

    def add(self, one: Checked) -> None:
        """Count one message."""
        self.messages += 1
        self.refused.update([one.refused] if one.refused else [])
        self.kept += not one.refused and not one.translated
        for counter, found in (
            (self.resources, one.resources), (self.unmapped, one.unmapped),
            (self.remarks, one.remarks), (self.invalid, one.invalid),
        ):  # fmt: skip
            counter.update(found)


def check_files(settings: Settings, files: Sequence[Path], sender: str, say: Say, *, as_json: bool = False) -> int:
    """Check every message of every file; returns 1 where one would be refused or would not be valid FHIR."""
    profiles = Profiles(settings, sender, asyncio.run(registered(settings)))
    checked = [
        check(message, profiles, file.name, number)
        for file in files
        for number, message in enumerate(messages_in(file.read_bytes()), 1)
    ]
    if as_json:
        say(json.dumps([asdict(one) for one in checked], ensure_ascii=False, indent=2))
    else:
        for line in report(checked):
            say(line)
    return int(any(one.refused or one.invalid for one in checked))


async def registered(settings: Settings) -> Mapping[str, Site]:
    """The profiles of the running exchange; none where it does not run."""
    async with AsyncMongoClient[dict[str, Any]](
        settings.database_uri, tz_aware=True, serverSelectionTimeoutMS=1000
    ) as client:
        prefix = settings.database_prefix
        directory = Directory(client, prefix, ResourceStore(client, prefix), settings)
        try:
            return await directory.registered()
        except PyMongoError:
            return {}


@dataclass(frozen=True, slots=True)
class Profiles:
    """Whose profile a message is read with; `sender` MSH-3|MSH-4 stands in for the one that the message names."""

    settings: Settings
    sender: str
    known: Mapping[str, Site]

    def of(self, sender: str) -> Site:
        """The registered profile, or the provisional one."""
        sender = self.sender or sender
        settings = self.settings
        return self.known.get(sender) or provisional(
            sender, charset=settings.default_charset, zone=settings.default_zone
        )


def check(raw: bytes, profiles: Profiles, file: str, number: int) -> Checked:
    """Parse, translate and validate one message."""
    sender = kind = ""
    try:
        header = parser.read_header(raw)
        sender, kind = header.sender, header.type
        site = profiles.of(sender)
        message = parser.parse(raw, site=site)
        translation = to_fhir.translate(message, site=site, received=datetime.now(UTC), reference="check")
    except AdapterError as error:
        return Checked(
            file, number, sender, kind, refused=f"{error.acknowledgement} {error.text} {error.location}".strip()
        )
    findings = tuple(f"{finding.location}: {finding.text}" for finding in message.findings)
    return Checked(
        file, number, sender, message.type, translation.translated,
        resources=tuple(fact.type for fact in translation.facts),
        unmapped=tuple(_unmapped(translation)),
        remarks=(*findings, *translation.remarks),
        invalid=tuple(_invalid(translation)),
    )  # fmt: skip


def _unmapped(translation: Translation) -> Iterator[str]:
    for one in translation.unmapped:
        code = f" {one.system}|{one.code}" if one.code or one.system else ""
        yield f"{one.kind} {one.location}{code}"


def _invalid(translation: Translation) -> Iterator[str]:
    for fact in translation.facts:
        # What the store would get from the first message about it; None: it only changes what is there already.
        first = fact.reconcile(None, fact.resource)
        for issue in validation.validate(first) if first is not None else ():
            if issue.severity in ("error", "fatal"):
                yield f"{issue.expression or fact.type}: {issue.text}"


def report(checked: Sequence[Checked]) -> Iterator[str]:
    """Lines for reading, by message type."""
    by_type: dict[str, Summary] = {}
    for one in checked:
        by_type.setdefault(one.type or "not readable", Summary()).add(one)
    for kind, found in sorted(by_type.items()):
        yield f"{kind}: {found.messages} message{'s' if found.messages > 1 else ''}"
        if found.kept:
            yield f"  kept, not translated: {found.kept}"
        for title, counted in (
            ("would be refused", found.refused), ("would become", found.resources), ("not valid FHIR", found.invalid),
            ("not mapped", found.unmapped), ("remarks", found.remarks),
        ):  # fmt: skip
            yield from _lines(title, counted)
    refused = sum(bool(one.refused) for one in checked)
    yield f"{len(checked)} messages: {len(checked) - refused} would be taken, {refused} refused. Nothing was stored."


def _lines(title: str, counted: Counter[str]) -> Iterator[str]:
    if not counted:
        return
    yield f"  {title}:"
    for text, count in counted.most_common(SHOWN):
        yield f"    {count:>5}  {text}"
    if len(counted) > SHOWN:
        yield f"           ... and {len(counted) - SHOWN} more"
