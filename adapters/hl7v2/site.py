"""
What has to be known of a sender to understand it: its profile.

IHE calls the sender a source; HL7 names it in MSH-3 (application) and MSH-4 (facility).
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field

from adapters.hl7v2.mapping.model import Row
from adapters.hl7v2.mapping.scope import Reference

VISIT_BY = ("PV1-19", "PV1-50", "PID-18", "PV1-44")


@dataclass(frozen=True, slots=True)
class FieldMove:
    """
    What stands in one field belongs into another.

    With a `pattern` its groups go to `to`, one after the other; without, the whole value goes to the only place.
    `append`: as a further repetition, typed (CX-5) and with an assigning authority (CX-4.1); else only where nothing
    is. `keep`: it stays where it was, too.
    """

    source: Reference
    to: tuple[Reference, ...]
    pattern: re.Pattern[str] | None = None
    append: bool = False
    type: str = ""
    authority: str = ""
    keep: bool = False


@dataclass(frozen=True, slots=True)
class FieldDefault:
    """What a field (or a component of each repetition) is where its segment comes without."""

    at: Reference
    text: str


@dataclass(frozen=True, slots=True)
class ZField:
    """A field of a segment that no standard knows, and the element of a resource that it goes to."""

    segment: str
    resource_type: str
    rows: tuple[Row, ...]


@dataclass(frozen=True, slots=True)
class Limits:
    """What one site may ask of the exchange; 0: no limit of its own."""

    messages_per_second: float = 0.0
    connections: int = 0
    message_bytes: int = 0


@dataclass(frozen=True, slots=True)
class Site:
    """
    One sending site.

    `id` is stable and goes into resource ids and meta.source ("site-zbyy"). `authority` is the identifier system
    (URI) given to identifiers that name none. `authorities` maps HD namespace ids (CX-4.1) to URIs.
    `code_maps` maps an HL7 table or local system name to {local code: (system, code, display)}. `snapshot`: each
    message says everything, so what is empty is gone. `visit_by` are the fields that name a visit, the best first.

    `events` maps a local type ("ADT^ZA1", or "ADT" without event) to the one that is meant. `accepts` are the types
    that are taken ("ADT^*"), all where it is empty; `ignores` those that are answered and not translated.
    `processing` narrows the processing ids (MSH-11) that are taken. `version` counts the changes of the profile.
    """

    id: str
    name: str = ""
    authority: str = ""
    charset: str = "UTF-8"
    zone: str = "Asia/Shanghai"
    authorities: Mapping[str, str] = field(default_factory=dict)
    code_maps: Mapping[str, Mapping[str, tuple[str, str, str]]] = field(default_factory=dict)
    provisional: bool = False
    snapshot: bool = False
    visit_by: tuple[str, ...] = VISIT_BY
    organization: str = ""  # id of the Organization resource in the directory
    moves: tuple[FieldMove, ...] = ()
    defaults: tuple[FieldDefault, ...] = ()
    z_fields: tuple[ZField, ...] = ()
    events: Mapping[str, str] = field(default_factory=dict)
    accepts: tuple[str, ...] = ()
    ignores: tuple[str, ...] = ()
    processing: tuple[str, ...] = ()
    limits: Limits = field(default_factory=Limits)
    version: int = 0

    def event(self, code: str, trigger: str) -> tuple[str, str]:
        """The type and event that are meant by those sent."""
        meant = self.events.get(f"{code}^{trigger}" if trigger else code)
        if meant is None:
            return code, trigger
        kind, _, event = meant.partition("^")
        return kind, event or trigger

    def accepts_type(self, code: str, trigger: str) -> bool:
        """Whether messages of the type that is meant are taken."""
        return not self.accepts or _listed(self.accepts, *self.event(code, trigger))

    def ignores_type(self, code: str, trigger: str) -> bool:
        """Whether messages of that type are kept without being translated."""
        return _listed(self.ignores, *self.event(code, trigger))


def _listed(types: tuple[str, ...], code: str, trigger: str) -> bool:
    return any(one in types for one in (f"{code}^{trigger}", f"{code}^*", code, "*"))
