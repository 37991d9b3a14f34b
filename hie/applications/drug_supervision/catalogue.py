"""
Which drug a dispensing is of: by the regional catalogue, else by its ATC code, else unmapped and shown as that.

https://hl7.org/fhir/R4/medication.html
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from hie.applications.drug_supervision.rules import Drug, number
from hie.applications.fhir import code_in, codings, words
from hie.applications.rule_data import Rules
from records.stored import Json
from terminology.service import ATC, DRUG, Terminology


def identify(dispense: Json, medication: Json, terminology: Terminology, rules: Rules) -> Drug:
    """The drug; `medication` is the Medication it refers to, or empty. What the sender measured wins over the list."""
    concept = dispense.get("medicationCodeableConcept") or medication.get("code") or {}
    route = _route(dispense, words(concept), rules)
    found = _from_catalogue(concept, terminology) or _from_atc(concept, terminology, route) or _unmapped(concept, route)
    return _with_strength(found, medication)


def _from_catalogue(concept: Json, terminology: Terminology) -> Drug | None:
    code = code_in(concept, DRUG)
    known = terminology.lookup(DRUG, code) if code else None
    if known is None:
        return None
    listed = known.properties
    return Drug(
        key=f"{DRUG}|{code}",
        name=words(concept) or known.zh,
        atc=str(listed.get("atc", "")),
        essential=bool(listed.get("essential")),
        level=int(listed.get("antibiotic_level", 0)),
        route=str(listed.get("route", "")),
        strength=number(listed.get("strength")),
        strength_unit=str(listed.get("strength_unit", "")),
        form=str(listed.get("form", "")),
    )


def _from_atc(concept: Json, terminology: Terminology, route: str) -> Drug | None:
    code = code_in(concept, ATC)
    if not code:
        return None
    known = terminology.lookup(ATC, code)
    listed: Mapping[str, Any] = known.properties if known else {}
    essential = bool(listed["essential"]) if "essential" in listed else None
    name = words(concept) or (known.zh if known else code)
    return Drug(f"{ATC}|{code}", name, code, True, essential, int(listed.get("antibiotic_level", 0)), route)


def _unmapped(concept: Json, route: str) -> Drug:
    system, code = next(codings(concept), ("", ""))
    name = words(concept)
    return Drug(f"{system}|{code}" if code else name or "unnamed", name, mapped=False, route=route)


def _route(dispense: Json, name: str, rules: Rules) -> str:
    """O oral, P parenteral, as the DDD index has it; from the instruction, else from the name."""
    for instruction in dispense.get("dosageInstruction", ()):
        for _, code in codings(instruction.get("route")):
            if code in rules["route_codes"]:
                return str(rules["route_codes"][code])
        if found := _named(words(instruction.get("route")) or str(instruction.get("text", "")), rules):
            return found
    return _named(name, rules)


def _named(text: str, rules: Rules) -> str:
    return next((str(route) for word, route in rules["route_words"] if word in text), "")


def _with_strength(drug: Drug, medication: Json) -> Drug:
    """The strength that a Medication of one ingredient states, by item of its form."""
    ingredients = medication.get("ingredient", ())
    strength = ingredients[0].get("strength", {}) if len(ingredients) == 1 else {}
    top, bottom = strength.get("numerator", {}), strength.get("denominator", {})
    value, per = number(top.get("value")), number(bottom.get("value", 1))
    if value is None or not per:
        return drug
    form = bottom.get("unit") or bottom.get("code") or drug.form
    unit = str(top.get("code") or top.get("unit", ""))
    return Drug(
        drug.key, drug.name, drug.atc, drug.mapped, drug.essential, drug.level, drug.route, value / per, unit, str(form)
    )
