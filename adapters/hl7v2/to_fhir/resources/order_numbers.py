"""
Placer and filler numbers: by which names an order, its report and its results are known.

HL7 v2 chapter 4.5.1 (ORC-2, ORC-3, ORC-4, OBR-2, OBR-3)
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace

from adapters.errors import NotUnderstood
from adapters.facts import Fact, Json, Known, resource_id
from adapters.hl7v2.message import Segment
from adapters.hl7v2.to_fhir.draft import Draft, prune, reference
from adapters.hl7v2.to_fhir.identifiers import ei, type_code, unique
from adapters.hl7v2.to_fhir.sections import Order
from adapters.recognition import named, role_of


@dataclass(frozen=True, slots=True)
class Numbers:
    """
    The numbers of one order of one patient.

    Ids include the patient: laboratories reuse sample numbers, and a reused number must never move a result
    from one record into another. `patient` is "" in a reply that names none.
    """

    patient: str
    placer: Json
    filler: Json
    control: str
    group: Json = field(default_factory=dict)
    service: str = ""  # where several services of a message share one number
    itemless: bool = False  # the message names no service and no drug

    @property
    def identifiers(self) -> list[Json]:
        """As FHIR identifiers, typed PLAC and FILL."""
        return unique([number for number in (self.placer, self.filler) if number])

    @property
    def whole_group(self) -> Json:
        """The group's number where nothing else is said: every order of the group is meant."""
        return self.group if self.itemless and not (self.placer or self.filler) else {}

    @property
    def known_by(self) -> tuple[Known, ...]:
        """Placer's and filler's number; a group's number alone means every order of the group."""
        numbers = [number for number in (self.placer, self.filler) if number] or [self.whole_group]
        return tuple(Known(type_code(n), n["system"], n["value"]) for n in numbers if n)

    def order_id(self, resource_type: str, *more: str) -> str:
        """Known by the placer's number, else the filler's; services that share it are told apart."""
        own = (self.service,) if self.service else ()
        return self._id(self.placer or self.filler or self.whole_group, resource_type, *own, *more)

    def result_id(self, resource_type: str, *more: str) -> str:
        """Known by the filler's number, else the placer's."""
        return self._id(self.filler or self.placer, resource_type, *more)

    def _id(self, number: Json, resource_type: str, *more: str) -> str:
        if number:
            return resource_id(number["system"], resource_type, number["value"], self.patient, *more)
        return resource_id(self.patient, resource_type, self.control, *more)

    @property
    def order(self) -> Json:
        """Reference to the order."""
        return reference("ServiceRequest", self.order_id("ServiceRequest"))


def numbers(draft: Draft, orc: Segment, item: Segment, patient: str, fallback: str = "") -> Numbers:
    """The numbers of an order: of OBR (for one of several under an ORC), else of ORC, else none but `fallback`."""
    at = (2, 3) if item.name == "OBR" else (0, 0)
    placer, filler = (
        ei(item[own] or orc[general], draft.site, kind=kind)
        for own, general, kind in zip(at, (2, 3), ("PLAC", "FILL"), strict=True)
    )
    group = prune(ei(orc[4], draft.site, kind="PGN"))
    control = fallback or draft.message.control_id
    return Numbers(patient, prune(placer), prune(filler), control, group, itemless=not item.fields)


def all_numbers(draft: Draft, orders: Sequence[Order], patient: str) -> list[Numbers]:
    """The numbers of every order of a patient part; OBR that share a number and not the service stay apart."""
    found = [
        numbers(draft, order.first("ORC"), order.first("OBR"), patient, f"{draft.message.control_id}/{at}")
        for at, order in enumerate(orders, start=1)
    ]
    services: dict[str, set[str]] = {}
    for one, order in zip(found, orders, strict=True):
        services.setdefault(one.order_id(""), set()).add(service_of(order.first("OBR")))
    return [
        replace(one, service=service_of(order.first("OBR"))) if len(services[one.order_id("")]) > 1 else one
        for one, order in zip(found, orders, strict=True)
    ]


def service_of(obr: Segment) -> str:
    """The code of OBR-4, else its text."""
    return obr.text(4).strip() or obr.text(4, 2).strip()


def parent_result(draft: Draft, obr: Segment, patient: str) -> str:
    """The id of the Observation that OBR-26 and OBR-29 name as parent (culture, susceptibilities), "" if none."""
    link, parent = obr[26], parent_numbers(draft, obr, patient)
    if not link or parent is None:
        return ""
    code = link.sub(1, 1) or link.sub(1, 2)
    return parent.result_id("Observation", code, link[2])


def parent_numbers(draft: Draft, obr: Segment, patient: str) -> Numbers | None:
    """The numbers of the order that OBR-29 names as parent, None when it names none."""
    pair = obr[29]
    placer, filler = (prune(ei(pair.part(n), draft.site, kind=kind)) for n, kind in ((1, "PLAC"), (2, "FILL")))
    return Numbers(patient, placer, filler, "") if placer or filler else None


def recognize(fact: Fact, candidates: Sequence[Json], *, apart: bool = False) -> list[str]:
    """
    The stored orders that are meant, matched on any number: several for a group, or where no service is named.

    `apart`: the message has several services under the number. Raises NotUnderstood when the numbers belong to
    different orders; a filler number that orders of different services share is that of their specimen.
    """
    same = [one for one in candidates if _of_patient(fact.resource, one)]
    by = {known.role: [one for one in same if named(one, known)] for known in fact.known_by}
    if "PGN" in by:
        return [one["id"] for one in by["PGN"]]
    placed, filled = by.get("PLAC", []), by.get("FILL", [])
    ids = {one["id"] for one in placed}
    if both := [one for one in filled if one["id"] in ids]:
        return _meant(fact.resource, both, apart)
    if "PLAC" in by:
        if any(_has(one, "PLAC") and _same_service(fact.resource, one) for one in filled):
            raise NotUnderstood("the order numbers belong to different orders", location="ORC^1^2", condition="205")
        return _meant(fact.resource, placed or [one for one in filled if not _has(one, "PLAC")], apart)
    return _meant(fact.resource, filled or by.get("RX", []), apart)


def _meant(resource: Json, stored: Sequence[Json], apart: bool) -> list[str]:
    if not _codes(resource):
        return [one["id"] for one in stored]
    exact = [one["id"] for one in stored if _codes(resource) & _codes(one)]
    if exact:
        return exact[:1]
    return [stored[0]["id"]] if len(stored) == 1 and not apart else []


def _of_patient(resource: Json, stored: Json) -> bool:
    """A reply that names no patient is about whoever the order is for."""
    patient = resource.get("subject", {}).get("reference", "")
    return not patient or stored.get("subject", {}).get("reference", "") == patient


def _has(order: Json, role: str) -> bool:
    return any(role_of(one) == role for one in order.get("identifier", ()))


def _codes(resource: Json) -> set[tuple[str, str]]:
    concept = resource.get("code") or resource.get("medicationCodeableConcept") or {}
    return {(c.get("system", ""), c["code"]) for c in concept.get("coding", ()) if c.get("code")}


def _same_service(resource: Json, stored: Json) -> bool:
    """Where either does not name its service, nothing tells them apart."""
    asked, known = _codes(resource), _codes(stored)
    return not asked or not known or bool(asked & known)
