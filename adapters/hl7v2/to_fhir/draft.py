"""
What one message says so far: facts, what stayed unmapped, remarks; the translators fill it, nobody else sees it.

https://build.fhir.org/ig/HL7/v2-to-fhir/mapping_guidelines.html
"""

from __future__ import annotations

from datetime import datetime
from decimal import Decimal
from typing import Any

from adapters.facts import (
    Fact,
    Json,
    Known,
    Merge,
    Move,
    Recognize,
    Reconcile,
    Renumbered,
    Translation,
    Unlink,
    Unmapped,
    create_only,
    replace,
)
from adapters.hl7v2.message import Message, Segment
from adapters.hl7v2.site import Site
from adapters.hl7v2.to_fhir.reconcile.moments import ahead, settled
from adapters.hl7v2.to_fhir.text import clean
from adapters.hl7v2.to_fhir.times import Times

# Falsy and yet something said: false, 0, 0.0.
_NUMBERS = (bool, int, Decimal)


def prune(value: Any) -> Any:
    """The same value without empty texts, lists and objects, which FHIR forbids; NUL is never stored."""
    kind = type(value)
    if kind is str:
        return clean(value)
    if kind is dict:
        return _pruned(value)
    return _listed(value) if kind is list else value


def _listed(value: list[Any]) -> list[Any]:
    return [kept for inner in value if (kept := prune(inner)) or isinstance(kept, _NUMBERS)]


def _pruned(value: Json) -> Json:
    """Most of what a translator lists is empty: that is passed over before anything else is asked."""
    kept: Json = {}
    for key, inner in value.items():
        if not inner:
            if isinstance(inner, _NUMBERS):
                kept[key] = inner
            continue
        kind = type(inner)
        if kind is str:
            said: Any = inner.strip() if "\x00" not in inner else clean(inner)
        elif kind is dict:
            said = _pruned(inner)
        elif kind is list:
            said = _listed(inner)
        else:
            said = inner
        if said:
            kept[key] = said
    return kept


def _join_lists(resource: Json, more: Json) -> None:
    """Laboratories repeat the OBR before every OBX: one report, all its results."""
    for name in ("result", "specimen", "presentedForm", "basedOn"):
        listed = resource.get(name, [])
        if added := [item for item in more.get(name, []) if item not in listed]:
            resource[name] = [*listed, *added]


def reference(resource_type: str, identity: str, display: str = "") -> Json:
    """A relative reference."""
    target = f"{resource_type}/{identity}" if identity else ""
    return {"reference": target, "display": display} if display else {"reference": target}


class Draft:
    """
    The working sheet of one translation.

    `moment` is when the sender made this statement (EVN-2, else MSH-7, else reception); `nulls` are the
    (segment number, field) pairs where the sender wrote `""`.
    """

    def __init__(self, message: Message, site: Site, received: datetime, journal: str) -> None:
        self.message, self.site, self.received, self.journal = message, site, received, journal
        self.times = Times.of(message.header.text(7), site.zone)
        self.nulls: frozenset[tuple[int, int]] = frozenset()
        self.facts: dict[str, Fact] = {}
        self.merges: list[Merge] = []
        self.unlinks: list[Unlink] = []
        self.renumbered: list[Renumbered] = []
        self.moves: list[Move] = []
        self.unmapped: list[Unmapped] = []
        self.remarks: list[str] = []
        self.repeats: dict[str, int] = {}
        self.told: dict[str, tuple[Segment, ...]] = {}  # what facts were made of
        self.filled: set[tuple[str, int]] = set()  # fields that the mapping tables filled in
        self.conditional: set[str] = set()  # facts that only change what is there already
        self.subjects: list[str] = []
        self.moment = self._stated()

    def _stated(self) -> datetime:
        """When this was said: EVN-2, else MSH-7; a clock that runs ahead would silence everything that comes after."""
        for text in (self.message.first("EVN").text(2), self.message.header.text(7)):
            moment = self.times.moment(text)
            if moment is not None and not ahead(moment, self.received):
                return moment
            if moment is not None:
                self.remark("the sender's clock runs ahead: the time of reception counts")
        return self.received

    @property
    def authority(self) -> str:
        """The identifier system for identifiers that name none."""
        return self.site.authority or f"urn:hie:authority:{self.site.id}"

    def add(
        self,
        resource: Json,
        reconcile: Reconcile = replace,
        *,
        moment: datetime | None = None,
        display: str = "",
        known_by: tuple[Known, ...] = (),
        recognize: Recognize | None = None,
        of: tuple[Segment, ...] = (),
    ) -> Json:
        """
        Assert a resource; returns a reference to it. A full statement outranks a create-only one of the same id.

        `of` are the segments that it was made of: what they say beyond it is filled in from the mapping tables.
        """
        resource["meta"] = {"source": f"urn:hie:message:{self.journal}", **resource.get("meta", {})}
        key = f"{resource['resourceType']}/{resource['id']}"
        known = self.facts.get(key)
        if known is None or (known.reconcile is create_only and reconcile is not create_only):
            rule = reconcile if reconcile is create_only else settled(reconcile)
            self.facts[key] = Fact(prune(resource), rule, moment or self.moment, known_by, recognize)
            self.told[key] = of
        elif resource["resourceType"] == "DiagnosticReport":
            _join_lists(known.resource, prune(resource))
        return reference(resource["resourceType"], resource["id"], display)

    def amend(self, target: Json, elements: Json) -> None:
        """Add elements to a fact that was asserted earlier in the same message; an absent-only fact stays as it is."""
        fact = self.facts.get(target.get("reference", ""))
        if fact is not None and fact.reconcile is not create_only:
            fact.resource.update(prune(elements))

    def subject(self, patient_id: str) -> None:
        """Name a Patient that the message is about."""
        if patient_id not in self.subjects:
            self.subjects.append(patient_id)

    def remark(self, text: str) -> None:
        """A data-quality finding, without health data."""
        if text not in self.remarks:
            self.remarks.append(text)

    def lost(self, segment: Segment, field: int, code: str = "", system: str = "", display: str = "") -> None:
        """A field that could not be translated; `code` only for codes, never for free text."""
        kind = "code" if code or system else "field"
        self.unmapped.append(Unmapped(kind, f"{segment.name}-{field}", system, code, display))  # type: ignore[arg-type]

    def code_unmapped(self, where: str, coding: Json) -> None:
        """A code that no shared code system knows."""
        self.unmapped.append(Unmapped("code", where, coding["system"], coding["code"], coding.get("display", "")))

    def date_time(self, segment: Segment, field: int, component: int = 1) -> str:
        """A field as FHIR dateTime; what is unreadable is counted."""
        return self._time(segment, field, component, self.times.date_time)

    def date(self, segment: Segment, field: int) -> str:
        """A field as FHIR date."""
        return self._time(segment, field, 1, self.times.date)

    def _time(self, segment: Segment, field: int, component: int, read: Any) -> str:
        text = segment.text(field, component)
        value: str = read(text) if text else ""
        if text and not value:
            self.lost(segment, field)
        return value

    def finish(self, *, translated: bool = True) -> Translation:
        """Everything said."""
        return Translation(
            tuple(self.facts.values()),
            tuple(self.merges),
            tuple(self.unmapped),
            tuple(self.remarks),
            translated,
            tuple(self.subjects),
            tuple(self.unlinks),
            tuple(self.renumbered),
            tuple(self.moves),
            frozenset(self.conditional & self.facts.keys()),
        )
