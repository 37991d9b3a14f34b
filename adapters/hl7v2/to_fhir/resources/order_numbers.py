"""
Placer and filler numbers: by which names an order, its report and its results are known.

HL7 v2 chapter 4.5.1 (ORC-2, ORC-3, OBR-2, OBR-3)
"""

from __future__ import annotations

from dataclasses import dataclass

from adapters.facts import Json, resource_id
from adapters.hl7v2.message import Segment
from adapters.hl7v2.to_fhir.draft import Draft, prune, reference
from adapters.hl7v2.to_fhir.identifiers import ei, unique


@dataclass(frozen=True, slots=True)
class Numbers:
    """
    The numbers of one order of one patient.

    Ids include the patient: laboratories reuse sample numbers, and a reused number must never move a result
    from one record into another.
    """

    patient: str
    placer: Json
    filler: Json
    control: str

    @property
    def identifiers(self) -> list[Json]:
        """As FHIR identifiers, typed PLAC and FILL."""
        return unique([number for number in (self.placer, self.filler) if number])

    def order_id(self, resource_type: str, *more: str) -> str:
        """Known by the placer's number, else the filler's."""
        return self._id(self.placer or self.filler, resource_type, *more)

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
    return Numbers(patient, prune(placer), prune(filler), fallback or draft.message.control_id)


def parent_result(draft: Draft, obr: Segment, patient: str) -> str:
    """The id of the Observation that OBR-26 and OBR-29 name as parent (culture, susceptibilities), "" if none."""
    link, pair = obr[26], obr[29]
    if not link or not pair:
        return ""
    placer, filler = (prune(ei(pair.part(n), draft.site)) for n in (1, 2))
    parent = Numbers(patient, placer, filler, "")
    if not (placer or filler):
        return ""
    code = link.sub(1, 1) or link.sub(1, 2)
    return parent.result_id("Observation", code, link[2])
