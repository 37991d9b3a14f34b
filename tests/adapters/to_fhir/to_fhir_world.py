"""Builds Message objects and reads sample files for the tests of the translator."""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from adapters.facts import Fact, Translation
from adapters.hl7v2.message import Group, Message, Segment
from adapters.hl7v2.site import Site
from adapters.hl7v2.to_fhir import translate
from adapters.recognition import named, recognized, uncertain

SITE = Site("site-a", name="淄博市第一医院", authority="urn:hie:authority:A")
RECEIVED = datetime(2026, 1, 1, 4, 0, 0, tzinfo=UTC)


def parse(text: str) -> Message:
    """A message by plain splitting; segments one a line, blanks in front of them ignored."""
    lines = [line.strip(" ") for line in re.split(r"[\r\n]+", text.lstrip("\ufeff")) if line.strip()]
    segments = tuple(_segment(line, number) for number, line in enumerate(lines, start=1))
    header = segments[0]
    code, trigger = header.text(9), header.text(9, 2)
    structure = header.text(9, 3) or f"{code}_{trigger}"
    return Message(segments, Group(structure, segments), header.text(12), code, trigger, structure, "utf-8")


def _segment(line: str, number: int) -> Segment:
    parts = line.split("|")
    raw = ["|", *parts[1:]] if parts[0] == "MSH" else parts[1:]
    fields = tuple(_field(text) if not (parts[0] == "MSH" and at < 2) else (((text,),),) for at, text in enumerate(raw))
    return Segment(parts[0], fields, tuple(raw), number)


def _field(text: str) -> tuple[tuple[tuple[str, ...], ...], ...]:
    return tuple(tuple(tuple(c.split("&")) for c in r.split("^")) for r in text.split("~")) if text else ()


def run(text: str, site: Site = SITE, reference: str = "01J0") -> Translation:
    """Parse and translate."""
    return translate(parse(text), site=site, received=RECEIVED, reference=reference)


class Store(dict[str, dict[str, Any]]):
    """What a store does with facts, as plain as can be: read, reconcile, keep."""

    def file(self, text: str, site: Site = SITE, reference: str = "01J0") -> Translation:
        translation = run(text, site, reference)
        for fact in self._recognized(translation.facts):
            key = f"{fact.type}/{fact.id}"
            outcome = self._known(fact.reconcile(self.get(key), fact.resource), translation.conditional)
            if outcome is not None:
                self[key] = outcome
        return translation

    def _recognized(self, facts: tuple[Fact, ...]) -> tuple[Fact, ...]:
        """What the exchange asks its store for."""
        asked = uncertain(facts, self)
        named_so = {
            fact.type: [one for one in self.of(fact.type) if any(named(one, k) for f in asked for k in f.known_by)]
            for fact in asked
        }
        return recognized(facts, asked, named_so)

    def _known(self, outcome: dict[str, Any] | None, conditional: frozenset[str]) -> dict[str, Any] | None:
        """A Provenance names nothing that the message would only have changed, and that is not here."""
        if outcome is None or outcome["resourceType"] != "Provenance":
            return outcome
        here = [one for one in outcome["target"] if one["reference"] not in conditional or one["reference"] in self]
        return {**outcome, "target": here} if here else None

    def of(self, resource_type: str) -> list[dict[str, Any]]:
        return [resource for resource in self.values() if resource["resourceType"] == resource_type]

    def one(self, resource_type: str) -> dict[str, Any]:
        found = self.of(resource_type)
        assert len(found) == 1, f"{len(found)} {resource_type}"
        return found[0]


def samples(folder: Path) -> Iterator[tuple[str, str]]:
    """Every sample message with its file name; comment lines between messages are left out."""
    for path in sorted(folder.rglob("*")):
        if path.suffix not in (".hl7", ".txt", ".out") or path.name == "LICENSE":
            continue
        lines = re.split(r"[\r\n]+", path.read_text(encoding="utf-8", errors="replace").lstrip("\ufeff"))
        message: list[str] = []
        for line in [*(line.strip("\x0b\x1c ") for line in lines), "MSH|"]:
            if line.startswith("MSH|"):
                if message:
                    yield path.name, "\r".join(message)
                message = [line]
            elif message and re.match(r"[A-Z][A-Z0-9]{2}\|", line):
                message.append(line)
