"""
Invariants of R4 that the engine answers wrongly, or cannot answer, as plain questions; each with the reason.

https://hl7.org/fhir/R4/conformance-rules.html#constraints
"""

from __future__ import annotations

from collections.abc import Callable, Mapping

from records.validation.laws.asking import has
from records.validation.profiles.items import Item
from records.validation.profiles.references import kind_of_reference, resolved

HUNDRED = 100


def _exists_is_boolean(item: Item) -> bool:
    """que-7: `answer is Boolean` is meant of FHIR's boolean; the engine compares with FHIRPath's own type."""
    return item.content.get("operator") != "exists" or has(item.content, "answerBoolean")


def _on_behalf_of_practitioner(item: Item) -> bool:
    """ctm-1: `resolve().iif(empty(), ...)` has an argument less than the engine takes."""
    if not has(item.content, "onBehalfOf"):
        return True
    member = item.content.get("member")
    if not isinstance(member, dict):
        return True
    target = resolved(member, item)
    return (target.type if target is not None else kind_of_reference(member)) in ("Practitioner", None)


def _probable(item: Item) -> bool:
    """ras-2: where there is no probability, `is decimal` of nothing is nothing, and so is the whole rule."""
    found = item.content.get("probabilityDecimal")
    return found is None or bool(found <= HUNDRED)


BY_HAND: Mapping[str, Callable[[Item], bool]] = {
    "que-7": _exists_is_boolean, "ctm-1": _on_behalf_of_practitioner, "ras-2": _probable,
}  # fmt: skip
