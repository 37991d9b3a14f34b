"""
Which message a change is: code and trigger, from what the resource is now and what it was before. Pure.

HL7 v2 chapters 3, 4, 7, 9, 10
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from adapters.hl7v2.from_fhir.families import adt, mdm, orders, oru, siu, vxu
from records.stored import Json

# Types that feeds hear of, and the codes of the messages that they become.
TYPES: Mapping[str, tuple[str, ...]] = {
    "Patient": ("ADT",),
    "Encounter": ("ADT",),
    "DiagnosticReport": ("ORU",),
    "ServiceRequest": ("OML", "ORM"),
    "DocumentReference": ("MDM",),
    "Appointment": ("SIU",),
    "Immunization": ("VXU",),
}


@dataclass(frozen=True, slots=True)
class Kind:
    """`ADT^A01`."""

    code: str
    trigger: str


Wants = Callable[[str, str], bool]


def kind_of(current: Json, previous: Json | None, wants: Wants) -> Kind | None:
    """The message of a change that the receiver wants; None where there is none."""
    found = (one for one in _kinds(current, previous) if one.trigger and wants(one.code, one.trigger))
    return next(found, None)


def _kinds(current: Json, previous: Json | None) -> tuple[Kind, ...]:
    """What the change could be said by, the best word first."""
    match current["resourceType"]:
        case "Patient":
            return (Kind("ADT", adt.patient_event(current, previous)),)
        case "Encounter":
            return _of_visit(adt.visit_event(current, previous))
        case "Person":
            # IHE PIX: a changed set of identifiers is told by A31.
            return (Kind("ADT", "A31"),) if _relinked(current, previous) else ()
        case "DiagnosticReport":
            return (Kind("ORU", oru.event(current, previous)),)
        case "ServiceRequest":
            news = orders.is_news(current, previous)
            return (Kind("OML", "O21"), Kind("ORM", "O01")) if news else ()
        case "DocumentReference":
            # Who does not take edits is told the document anew.
            event = mdm.event(current, previous)
            return (Kind("MDM", event), Kind("MDM", "T02" if event == "T08" else ""))
        case "Appointment":
            return (Kind("SIU", siu.event(current, previous)),)
        case "Immunization":
            return (Kind("VXU", vxu.event(current, previous)),)
    return ()


def _relinked(current: Json, previous: Json | None) -> bool:
    """Whether the set of records has changed; a first record alone, and a person left empty, are no news to anybody."""
    now, before = links_of(current), links_of(previous or {})
    return bool(now) and now != before and (len(now) > 1 or bool(before))


def _of_visit(event: str) -> tuple[Kind, ...]:
    """Who does not take the events of movements is told by A08 what the visit is now."""
    return tuple(Kind("ADT", one) for one in (event, "A08" if event in ("A02", "A06", "A07", "A21", "A22") else ""))


def links_of(person: Json) -> frozenset[str]:
    """The source Patients of a Person, by reference."""
    return frozenset(str(one["target"].get("reference", "")) for one in person.get("link", ()))
