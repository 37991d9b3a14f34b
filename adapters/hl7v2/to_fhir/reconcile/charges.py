"""
Charges and credits: a credit with the number of a charge takes that charge back, whichever of the two comes first.

HL7 v2 table 0017 (CG, CD); https://hl7.org/fhir/R4/valueset-chargeitem-status.html
"""

from __future__ import annotations

from adapters.facts import Json
from adapters.hl7v2.to_fhir.reconcile.moments import AS_OF, as_of, extension_value, fill, is_older, overlay, stamp

TYPE = "urn:hie:transaction-type"
CREDITED = "urn:hie:credited-as-of"


def charged(current: Json | None, incoming: Json) -> Json | None:
    """A charge: new, corrected, or late and already taken back."""
    if current is None:
        return incoming
    if is_credit(current):
        return incoming if _is_newer(current, incoming) else _taken_back(incoming, current)
    if is_older(current, incoming) or (as_of(current, CREDITED) and not _is_newer(current, incoming)):
        return fill(current, incoming)
    return overlay(current, incoming)


def credited(current: Json | None, incoming: Json) -> Json | None:
    """A credit: of its own, or of the charge with the same number, of which a rest may stay charged."""
    if current is None:
        return incoming
    if is_credit(current):
        return fill(current, incoming) if is_older(current, incoming) else overlay(current, incoming)
    if is_older(current, incoming) or as_of(current, CREDITED) == as_of(incoming):
        return None
    return _taken_back(current, incoming)


def is_credit(item: Json) -> bool:
    """True for what stands for a credit alone."""
    return any(e.get("url") == TYPE and e["valueCoding"].get("code") == "CD" for e in item.get("extension", ()))


def _is_newer(current: Json, incoming: Json) -> bool:
    """Said later than what is stored: a charge and its credit of the same second are one transaction."""
    return is_older(incoming, current)


def _taken_back(charge: Json, credit: Json) -> Json:
    """The charge after a credit: nothing of it is left, or a rest."""
    moment = extension_value(credit, AS_OF)
    marked = stamp(stamp(charge, moment), moment, CREDITED)
    price, back = charge.get("priceOverride", {}), credit.get("priceOverride", {})
    rest = price["value"] + back["value"] if price and back else 0
    if rest > 0:
        return {**marked, "priceOverride": {**price, "value": rest}}
    return {**marked, "status": "aborted"}
