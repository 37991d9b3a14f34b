"""Messages in, resources, messages out, and resources again: what the tests of from_fhir compare."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from hl7apy.parser import parse_message

from adapters.facts import Json
from adapters.hl7v2.from_fhir.receiver import Receiver
from adapters.hl7v2.from_fhir.writing import Envelope
from adapters.hl7v2.message import Message
from adapters.hl7v2.parser import parse
from adapters.hl7v2.site import Site
from adapters.hl7v2.to_fhir import translate

SITE = Site("site-a", name="淄博市第一医院", authority="urn:hie:authority:A")
NOW = datetime(2026, 1, 1, 4, 0, 0, tzinfo=UTC)
ENVELOPE = Envelope("C1", NOW)
RECEIVER = Receiver("HIS", "H02")
# hl7apy finds the structure by MSH-9.3, which came with 2.3.1.
VERSIONS = ("2.3.1", "2.4", "2.5", "2.5.1", "2.6", "2.7", "2.8")
# What says how and when a resource came, not what it says.
_OURS = ("Provenance",)


def _said(value: Any) -> Any:
    """Without the moment: a message without EVN is as of the time it was made."""
    if isinstance(value, list):
        return [one for one in value if not (isinstance(one, dict) and one.get("url") == "urn:hie:as-of")]
    return value


@dataclass(frozen=True, slots=True)
class Facts:
    """The resources of a message, by reference."""

    resources: dict[str, Json]

    def one(self, kind: str) -> Json:
        found = self.all(kind)
        assert len(found) == 1, f"{len(found)} {kind}"
        return found[0]

    def all(self, kind: str) -> list[Json]:
        return [one for one in self.resources.values() if one["resourceType"] == kind]


def read(raw: bytes) -> Message:
    return parse(raw, site=SITE)


def facts(raw: bytes) -> Facts:
    """What a message means."""
    translation = translate(read(raw), site=SITE, received=NOW, reference="01J0")
    listed = [fact.resource for fact in translation.facts if fact.type not in _OURS]
    return Facts({f"{one['resourceType']}/{one['id']}": one for one in listed})


def header(kind: str, charset: str = "UNICODE UTF-8") -> str:
    return f"MSH|^~\\&|HIS|H01|HIE|ZB|20261124080000+0800||{kind}|1|P|2.5.1|||||CHN|{charset}"


def message(*lines: str) -> bytes:
    return ("\r".join(lines) + "\r").encode()


def check(raw: bytes, codec: str = "utf-8") -> Message:
    """A built message has no finding of our own grammar, and hl7apy finds nothing wrong with it either."""
    built = read(raw)
    assert built.findings == (), built.findings
    if built.code == "ORM" or (built.version == "2.7" and built.all("TQ1")):
        # hl7apy cannot: it wants every member of a choice (its issue 151), and its TQ1 of 2.7 has no components.
        return built
    oracle = parse_message(raw.decode(codec))
    assert oracle.validate() is True
    return built


def differences(one: Facts, other: Facts, *, but: tuple[str, ...] = ()) -> list[str]:
    """Where two sets of facts differ: resources, then elements."""
    found = [f"{name} is only in one" for name in one.resources.keys() ^ other.resources.keys()]
    for name in one.resources.keys() & other.resources.keys():
        mine, theirs = one.resources[name], other.resources[name]
        found += [
            f"{name}.{key}: {mine.get(key)} / {theirs.get(key)}"
            for key in sorted(mine.keys() | theirs.keys())
            if key not in but and _said(mine.get(key)) != _said(theirs.get(key))
        ]  # fmt: skip
    return found
