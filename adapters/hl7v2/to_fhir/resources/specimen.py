"""
SPM, and OBR-15 of older versions, to Specimen.

https://build.fhir.org/ig/HL7/v2-to-fhir/ConceptMap-segment-spm-to-specimen.html
"""

from __future__ import annotations

from adapters.facts import Json
from adapters.hl7v2.message import Segment, Value
from adapters.hl7v2.to_fhir.codes import concept, field_concept
from adapters.hl7v2.to_fhir.draft import Draft, prune
from adapters.hl7v2.to_fhir.identifiers import ei
from adapters.hl7v2.to_fhir.reconcile.encounter import ordered
from adapters.hl7v2.to_fhir.reconcile.moments import latest, stamp
from adapters.hl7v2.to_fhir.resources.order_numbers import Numbers
from adapters.hl7v2.to_fhir.resources.patient import Subject
from adapters.hl7v2.to_fhir.sections import Order


def specimens(draft: Draft, order: Order, obr: Segment, patient: Subject, numbers: Numbers) -> list[Json]:
    """Assert the specimens of an order; returns references."""
    listed = [_from_spm(draft, spm, patient, numbers) for spm in order.all("SPM")]
    if listed or not obr[15]:
        return listed
    return [found] if (found := _from_obr(draft, obr, patient, numbers)) else []


def _from_spm(draft: Draft, spm: Segment, patient: Subject, numbers: Numbers) -> Json:
    pair = spm[2]
    placer, filler = (prune(ei(pair.part(n), draft.site)) for n in (1, 2))
    own = filler or placer
    # A specimen number is reused by machines; the order keeps it apart.
    key = (own["system"], own["value"]) if own else (spm.text(1),)
    resource = {
        "resourceType": "Specimen",
        "id": numbers.result_id("Specimen", *key),
        "identifier": [placer] if placer else [],
        "accessionIdentifier": filler,
        "type": field_concept(draft, spm, 4, table="0487"),
        "subject": patient.reference,
        "receivedTime": draft.date_time(spm, 18),
        "collection": {
            "collectedPeriod" if spm.text(17, 2) else "collectedDateTime": _collected(draft, spm),
            "method": field_concept(draft, spm, 7, table="0488"),
            "bodySite": field_concept(draft, spm, 8),
        },
        "condition": [condition] if (condition := field_concept(draft, spm, 24, table="0493")) else [],
        "note": [{"text": text}] if (text := spm.text(14)) else [],
    }
    return draft.add(stamp(resource, draft.moment), latest)


def _collected(draft: Draft, spm: Segment) -> Json | str:
    start, end = draft.date_time(spm, 17), draft.times.date_time(spm.text(17, 2))
    return ordered({k: v for k, v in (("start", start), ("end", end)) if v}) if spm.text(17, 2) else start


def _from_obr(draft: Draft, obr: Segment, patient: Subject, numbers: Numbers) -> Json:
    """OBR-15 (SPS): component 1 is the specimen as a code, component 4 the body site."""
    kind = concept(draft, obr[15].part(1), "OBR-15", table="0070")
    if not kind:
        return {}
    resource = {
        "resourceType": "Specimen",
        "id": numbers.result_id("Specimen", "OBR-15", obr.text(4)),
        "type": kind,
        "subject": patient.reference,
        "receivedTime": draft.date_time(obr, 14),
        "collection": {"collectedDateTime": draft.date_time(obr, 7), "bodySite": _site(draft, obr[15])},
    }
    return draft.add(stamp(resource, draft.moment), latest)


def _site(draft: Draft, value: Value) -> Json:
    return concept(draft, value.part(4), "OBR-15", table="0163")
