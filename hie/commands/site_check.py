"""
`hie site check`: what sample messages of a site would become, before its first real one; nothing is stored.

The sender's registered profile is taken where the exchange runs and knows it, else the provisional one. With a new
profile, what would be otherwise under it (site_diff); with `--fields`, what becomes of each field.
"""

from __future__ import annotations

import asyncio
import json
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from itertools import chain
from pathlib import Path
from typing import Any

from pymongo import AsyncMongoClient
from pymongo.errors import PyMongoError

from adapters.facts import Translation
from adapters.hl7v2.site import Site
from adapters.hl7v2.to_fhir.reporting import Report
from adapters.hl7v2.to_fhir.reporting import report as field_report
from hie.commands.samples import Profiles, Sample, translated, unmapped
from hie.commands.sending import messages_in
from hie.commands.site_diff import Change, changed, shown
from hie.directory.profile import read as read_profile
from hie.directory.sites import Directory
from hie.directory.yaml_lines import Invalid
from hie.settings import Settings
from records import validation
from records.resource_store import ResourceStore

SHOWN = 12
CHANGES = 3  # exit code: all is well, and something would be otherwise
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


def check_files(
    settings: Settings,
    files: Sequence[Path],
    sender: str,
    say: Say,
    *,
    as_json: bool = False,
    profile: Path | None = None,
    fields: bool = False,
) -> int:
    """
    Check every message of every file.

    Returns 1 where one would be refused or would not be valid FHIR; with a new `profile` that is asked of it, and 3
    says that something would be otherwise than now.
    """
    profiles = Profiles(settings, sender, asyncio.run(registered(settings)))
    try:
        new = profiles if profile is None else replace(profiles, new=read_profile(profile.read_text(encoding="utf-8")))
    except Invalid as error:
        for problem in error.problems:
            say(str(problem))
        return 1
    raws = [(f.name, n, raw) for f in files for n, raw in enumerate(messages_in(f.read_bytes()), 1)]
    samples = [translated(raw, new, name, number) for name, number, raw in raws]
    checked = [judged(sample) for sample in samples]
    changes: list[Change] = []
    if profile is not None:
        before = [translated(raw, profiles, name, number) for name, number, raw in raws]
        changes = [changed(old, now) for old, now in zip(before, samples, strict=True)]
    if as_json:
        say(json.dumps(list(_entries(checked, changes, samples)), ensure_ascii=False, indent=2))
    else:
        told = report(checked) if profile is None else chain(shown(changes), wrong(checked))
        for line in chain(told, by_field(samples) if fields else ()):
            say(line)
    if any(one.refused or one.invalid for one in checked):
        return 1
    return CHANGES if any(change.lines for change in changes) else 0


def _entries(
    checked: Sequence[Checked], changes: Sequence[Change], samples: Sequence[Sample]
) -> Iterator[dict[str, Any]]:
    """For scripts: one entry a message, with its fields, and with what a new profile changes."""
    for at, (one, sample) in enumerate(zip(checked, samples, strict=True)):
        entry = asdict(one)
        entry["fields"] = [asdict(line) for line in _report(sample).lines] if sample.message else []
        if changes:
            entry["changes"] = [asdict(line) for line in changes[at].lines]
        yield entry


async def registered(settings: Settings) -> Mapping[str, Site]:
    """The profiles of the running exchange; none where it does not run."""
    async with AsyncMongoClient[dict[str, Any]](
        settings.database_uri, tz_aware=True, serverSelectionTimeoutMS=1000
    ) as client:
        prefix = settings.database_prefix
        directory = Directory(client, prefix, ResourceStore(client, prefix), settings)
        try:
            return await directory.known()
        except PyMongoError:
            return {}


def check(raw: bytes, profiles: Profiles, file: str, number: int) -> Checked:
    """Parse, translate and validate one message."""
    return judged(translated(raw, profiles, file, number))


def judged(sample: Sample) -> Checked:
    """What one message would become, and whether that is valid."""
    if sample.message is None:
        return Checked(sample.file, sample.number, sample.sender, sample.type, refused=sample.refused)
    translation = sample.translation
    findings = tuple(f"{finding.location}: {finding.text}" for finding in sample.message.findings)
    return Checked(
        sample.file, sample.number, sample.sender, sample.type, translation.translated,
        resources=tuple(fact.type for fact in translation.facts),
        unmapped=tuple(unmapped(translation)),
        remarks=(*findings, *translation.remarks),
        invalid=tuple(_invalid(translation)),
    )  # fmt: skip


def _invalid(translation: Translation) -> Iterator[str]:
    for fact in translation.facts:
        # What the store would get from the first message about it; None: it only changes what is there already.
        first = fact.reconcile(None, fact.resource)
        for issue in validation.validate(first) if first is not None else ():
            if issue.severity in ("error", "fatal"):
                yield f"{issue.expression or fact.type}: {issue.text}"


def _report(sample: Sample) -> Report:
    if sample.message is None or sample.site is None:
        raise TypeError("only what was parsed has fields")
    return field_report(sample.message, sample.site, sample.translation)


def by_field(samples: Sequence[Sample]) -> Iterator[str]:
    """A line a field over all messages: where it goes, in how many messages it stands."""
    found: dict[tuple[str, str], Counter[str]] = {}
    for sample in samples:
        for line in _report(sample).lines if sample.message else ():
            to = ", ".join(line.elements) or {"mapped": "read", "envelope": "envelope"}.get(line.state, line.state)
            found.setdefault((line.location, line.name), Counter())[to] += 1
    yield "fields:"
    for (location, name), places in found.items():
        for place, count in places.most_common():
            yield f"    {count:>5}  {location:<8} {name[:40]:<40} {place}"


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


def wrong(checked: Sequence[Checked]) -> Iterator[str]:
    """What the exchange would not take, or not store."""
    yield from _lines("would be refused", Counter(one.refused for one in checked if one.refused))
    yield from _lines("not valid FHIR", Counter(text for one in checked for text in one.invalid))


def _lines(title: str, counted: Counter[str]) -> Iterator[str]:
    if not counted:
        return
    yield f"  {title}:"
    for text, count in counted.most_common(SHOWN):
        yield f"    {count:>5}  {text}"
    if len(counted) > SHOWN:
        yield f"           ... and {len(counted) - SHOWN} more"
