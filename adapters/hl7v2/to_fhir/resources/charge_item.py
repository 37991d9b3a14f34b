"""
FT1 to ChargeItem: what was charged, and what was credited.

HL7 v2 chapter 6.5.1, table 0017; https://hl7.org/fhir/R4/chargeitem.html
"""

from __future__ import annotations

from decimal import Decimal

from adapters.facts import Json, Reconcile, resource_id
from adapters.hl7v2.message import Segment, Value
from adapters.hl7v2.to_fhir.codes import field_concept, field_concepts
from adapters.hl7v2.to_fhir.draft import Draft, prune, reference
from adapters.hl7v2.to_fhir.identifiers import cx, ei
from adapters.hl7v2.to_fhir.quantities import decimal
from adapters.hl7v2.to_fhir.reconcile.charges import TYPE, charged, credited
from adapters.hl7v2.to_fhir.reconcile.moments import stamp
from adapters.hl7v2.to_fhir.resources.patient import Subject
from adapters.hl7v2.to_fhir.resources.people import practitioners
from adapters.hl7v2.to_fhir.tables import look_up, v2_system
from adapters.hl7v2.to_fhir.text import clean

_PERFORMERS = ((20, "performing"), (21, "ordering"))


def charge(draft: Draft, ft1: Segment, patient: Subject, visit: Json, account: Json, services: list[Json]) -> Json:
    """Assert the charge or credit of an FT1; {} for payments and adjustments, which are counted as unmapped."""
    sent = ft1.text(6).strip()
    kind = look_up("0017", sent) if sent else "charge"
    if not kind:
        draft.lost(ft1, 6, sent, v2_system("0017"), ft1.text(6, 2))
        return {}
    credit = kind == "credit"
    number = _number(draft, ft1)
    resource = {
        "resourceType": "ChargeItem",
        "id": _identity(draft, ft1, patient, number),
        "identifier": [number],
        "status": "billable",
        "extension": [{"url": TYPE, "valueCoding": {"system": v2_system("0017"), "code": "CD" if credit else "CG"}}],
        "subject": patient.reference,
        "context": visit,
        "account": [account],
        **_what(draft, ft1),
        **_amount(ft1, credit),
        **_who(draft, ft1),
        "occurrencePeriod": _occurrence(draft, ft1),
        "enteredDate": draft.date_time(ft1, 5),
        "partOf": _credited(draft, ft1, patient, number) if credit else [],
        "service": [*services, *_order(draft, ft1)],
    }
    return _add(draft, stamp(resource, draft.moment), credited if credit else charged)


def _add(draft: Draft, resource: Json, rule: Reconcile) -> Json:
    """A charge and its credit may be in one message: the second says something of the first."""
    fact = draft.facts.get(f"ChargeItem/{resource['id']}")
    if fact is None:
        return draft.add(resource, rule)
    fact.resource.update(rule(fact.resource, prune(resource)) or {})
    return reference("ChargeItem", fact.id)


def _number(draft: Draft, ft1: Segment, field: int = 2) -> Json:
    return prune(cx(ft1[field], draft.site, draft.times, fallback=f"{draft.authority}:transaction"))  # type: ignore[no-any-return]


def _identity(draft: Draft, ft1: Segment, patient: Subject, number: Json) -> str:
    """FT1-2; without it the message's own number, so that at least a replay changes nothing."""
    if number:
        return resource_id(number["system"], "ChargeItem", number["value"], patient.id)
    return resource_id(patient.id, "ChargeItem", draft.message.control_id, str(ft1.number))


def _what(draft: Draft, ft1: Segment) -> Json:
    """FT1-7; the procedure FT1-25 and the drug FT1-29 beside it. ChargeItem.code is required."""
    code = field_concept(draft, ft1, 7) or field_concept(draft, ft1, 25)
    procedure, drug = field_concept(draft, ft1, 25).get("coding", []), field_concept(draft, ft1, 29)
    text = clean(ft1.text(8)) or clean(ft1.text(9))
    more = [coding for coding in procedure if coding not in code.get("coding", ())]
    return {
        "code": {"coding": [*code.get("coding", []), *more], "text": code.get("text") or text}
        if code or text
        else {"text": "not named by the sender"},
        "productCodeableConcept": drug,
        "reason": field_concepts(draft, ft1, 19),
    }


def _amount(ft1: Segment, credit: bool) -> Json:
    """FT1-11 is the whole, FT1-12 the price of one; a credit counts against the charges, however it is signed."""
    quantity, whole, unit = decimal(ft1.text(10)), money(ft1[11]), money(ft1[12])
    if not whole and unit:
        whole = {**unit, "value": unit["value"] * (quantity if quantity is not None else Decimal(1))}
    price = {**whole, "value": -abs(whole["value"])} if whole and credit else whole
    return {"quantity": {"value": quantity} if quantity is not None else {}, "priceOverride": price}


def money(value: Value) -> Json:
    """A CP (price in component 1: amount and currency) or a bare number as Money, {} when it is none."""
    amount, currency = decimal(value.sub(1, 1)), value.sub(1, 2).strip().upper()
    if amount is None:
        return {}
    return {"value": amount} | ({"currency": currency} if len(currency) == 3 and currency.isalpha() else {})


def _who(draft: Draft, ft1: Segment) -> Json:
    entered = practitioners(draft, ft1, 24)
    department = ft1.text(13, 2) or ft1.text(13)
    return {
        "performer": [
            {"function": {"text": function}, "actor": actor}
            for field, function in _PERFORMERS
            for actor in practitioners(draft, ft1, field)
        ],
        "enterer": entered[0] if entered else {},
        "costCenter": {"display": department} if department else {},
    }


def _occurrence(draft: Draft, ft1: Segment) -> Json:
    """FT1-4 is a point in time or, since version 2.5, a range."""
    start = draft.date_time(ft1, 4)
    return {"start": start, "end": draft.times.date_time(ft1.text(4, 2)) or start} if start else {}


def _credited(draft: Draft, ft1: Segment, patient: Subject, own: Json) -> list[Json]:
    """FT1-31: the transaction that this one takes back."""
    number = _number(draft, ft1, 31)
    if not number or number == own:
        return []
    target = resource_id(number["system"], "ChargeItem", number["value"], patient.id)
    return [reference("ChargeItem", target)]


def _order(draft: Draft, ft1: Segment) -> list[Json]:
    """FT1-23: the order that was carried out, by its number."""
    number = prune(ei(ft1[23], draft.site, kind="FILL"))
    return [{"identifier": number}] if number else []
