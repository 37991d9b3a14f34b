"""
SPM with SAC, and OBR-15 of older versions, to Specimen.

https://build.fhir.org/ig/HL7/v2-to-fhir/ConceptMap-segment-spm-to-specimen.html
"""

from __future__ import annotations

from adapters.facts import Json, resource_id
from adapters.hl7v2.message import Segment, Value
from adapters.hl7v2.to_fhir.codes import concept, field_concept, field_concepts
from adapters.hl7v2.to_fhir.draft import Draft, prune
from adapters.hl7v2.to_fhir.identifiers import ei, unique
from adapters.hl7v2.to_fhir.quantities import composite, quantity, unit_of
from adapters.hl7v2.to_fhir.reconcile.encounter import ordered
from adapters.hl7v2.to_fhir.reconcile.moments import latest, stamp
from adapters.hl7v2.to_fhir.resources.observation import Around, observations
from adapters.hl7v2.to_fhir.resources.order_numbers import Numbers
from adapters.hl7v2.to_fhir.resources.patient import Subject
from adapters.hl7v2.to_fhir.resources.people import practitioner
from adapters.hl7v2.to_fhir.sections import Order, Sample, note_text


def specimens(draft: Draft, order: Order, obr: Segment, patient: Subject, numbers: Numbers) -> list[Json]:
    """Assert the specimens of an order; returns references."""
    listed = [specimen(draft, sample, patient, numbers) for sample in order.samples]
    if listed or not obr[15]:
        return listed
    return [found] if (found := _from_obr(draft, obr, patient, numbers)) else []


def specimen(draft: Draft, sample: Sample, patient: Subject, numbers: Numbers) -> Json:
    """Assert the specimen of an SPM with its containers, or of a SAC alone; returns a reference."""
    spm, sac = sample.spm, next(iter(sample.containers), Segment("SAC", ()))
    placer, filler = _numbers(draft, spm, sac)
    condition = field_concept(draft, spm, 24, table="0493")
    notes = [text for text in (spm.text(14), note_text(sample.notes)) if text]
    identity = _identity(filler or placer, spm, patient, numbers)
    if (key := f"Specimen/{identity}") in draft.facts:
        return {"reference": key}
    resource = {
        "resourceType": "Specimen",
        "id": identity,
        "identifier": unique([placer] if placer else []),
        "accessionIdentifier": filler,
        "status": "unsatisfactory" if spm.text(21) else "unavailable" if spm.text(20) == "N" else "",
        "type": field_concept(draft, spm, 4, table="0487") or field_concept(draft, sac, 6, table="0487"),
        "subject": patient.reference,
        "receivedTime": draft.date_time(spm, 18),
        "parent": _parents(draft, spm),
        "collection": {
            "collectedPeriod" if spm.text(17, 2) else "collectedDateTime": _collected(draft, spm),
            "quantity": composite(spm[12]),
            "method": field_concept(draft, spm, 7, table="0488"),
            "bodySite": field_concept(draft, spm, 8),
        },
        "container": [held for one in sample.containers if (held := _container(draft, one))] or _of_spm(draft, spm),
        "condition": [condition] if condition else field_concepts(draft, spm, 21, table="0490"),
        "note": [{"text": text} for text in notes],
    }
    reference = draft.add(stamp(resource, draft.moment), latest, of=(spm,))
    _observed(draft, sample, patient, reference, filler or placer or {"system": identity, "value": spm.text(1)})
    return reference


def _observed(draft: Draft, sample: Sample, patient: Subject, reference: Json, own: Json) -> None:
    """OBX behind SPM: what was seen of the specimen itself, not of its patient's health."""
    if sample.results:
        when = draft.date_time(sample.spm, 17) or draft.moment.isoformat(timespec="seconds")
        around = Around(patient, Numbers(patient.id, {}, own, ""), effective=when, specimen=reference, status="final")
        observations(draft, sample.results, around)


def _numbers(draft: Draft, spm: Segment, sac: Segment) -> tuple[Json, Json]:
    """SPM-2 holds the placer's and the filler's number; a container alone is known by its own (SAC-3, SAC-2)."""
    placer, filler = (prune(ei(spm[2].part(n), draft.site)) for n in (1, 2))
    if placer or filler or spm.fields:
        return placer, filler
    return {}, prune(ei(sac[3] or sac[2] or sac[4], draft.site))


def _identity(own: Json, spm: Segment, patient: Subject, numbers: Numbers) -> str:
    """By its own number: many orders share a specimen. Without one it is of its order."""
    if own:
        return resource_id(own["system"], "Specimen", own["value"], patient.id)
    return numbers.result_id("Specimen", spm.text(1))


def _parents(draft: Draft, spm: Segment) -> list[Json]:
    """SPM-3: the specimens that this one was made from; their numbers, for they may never have been sent."""
    numbers = (prune(ei(value.part(2), draft.site)) or prune(ei(value.part(1), draft.site)) for value in spm.all(3))
    return [{"type": "Specimen", "identifier": number} for number in numbers if number]


def _container(draft: Draft, sac: Segment) -> Json:
    number, additives = prune(ei(sac[3] or sac[2], draft.site)), field_concepts(draft, sac, 27, table="0371")
    held = {
        "identifier": [number] if number else [],
        "specimenQuantity": quantity(sac.text(22), unit_of(sac[24])),
        "additiveCodeableConcept": additives[0] if additives else {},
    }
    return prune(held)  # type: ignore[no-any-return]


def _of_spm(draft: Draft, spm: Segment) -> list[Json]:
    """SPM-6 additives and SPM-27 the kind of tube, where no SAC tells."""
    kind, additives = field_concept(draft, spm, 27), field_concepts(draft, spm, 6, table="0371")
    told = prune({"type": kind, "additiveCodeableConcept": additives[0] if additives else {}})
    return [told] if told else []


def _collected(draft: Draft, spm: Segment) -> Json | str:
    start, end = draft.date_time(spm, 17), draft.times.date_time(spm.text(17, 2))
    return ordered({k: v for k, v in (("start", start), ("end", end)) if v}) if spm.text(17, 2) else start


def _from_obr(draft: Draft, obr: Segment, patient: Subject, numbers: Numbers) -> Json:
    """OBR-15 (SPS): component 1 is the specimen as a code, component 4 the body site; OBR-10 who took it."""
    kind = concept(draft, obr[15].part(1), "OBR-15", table="0070")
    if not kind:
        return {}
    collection = {
        "collector": practitioner(draft, obr[10]),
        "collectedDateTime": draft.date_time(obr, 7),
        "quantity": composite(obr[9]),
        "bodySite": _site(draft, obr[15]),
    }
    resource = {
        "resourceType": "Specimen",
        "id": numbers.result_id("Specimen", "OBR-15", obr.text(4)),
        "type": kind,
        "subject": patient.reference,
        "receivedTime": draft.date_time(obr, 14),
        "collection": collection,
        "note": [{"text": text} for text in (obr[15][3],) if text.strip()],
    }
    return draft.add(stamp(resource, draft.moment), latest)


def _site(draft: Draft, value: Value) -> Json:
    return concept(draft, value.part(4), "OBR-15", table="0163")
