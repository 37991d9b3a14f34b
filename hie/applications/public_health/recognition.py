"""
What a diagnosis or a laboratory result says of notifiable diseases: by code, by agent, by words; denials are heard.

Specification: region-1251 section 6, PUB-02. https://hl7.org/fhir/R4/condition.html
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Literal

from hie.applications.fhir import ZONE, code_in, codings, moment, words
from hie.applications.public_health.rules import CaseClass, Disease
from hie.applications.rule_data import Rules
from records.stored import Json
from terminology.service import LOINC

Basis = Literal["code", "text", "laboratory"]


@dataclass(frozen=True, slots=True)
class Suspicion:
    """What was recognised, how sure it is, from what, and when it was found out."""

    disease: Disease
    case_class: CaseClass
    basis: Basis
    diagnosed: datetime


def recognise(resource: Json, received: datetime, known: Sequence[Disease], rules: Rules) -> Suspicion | None:
    """The disease that a Condition or an Observation reports; None where it reports none."""
    if resource["resourceType"] == "Condition":
        return of_condition(resource, received, known, rules)
    return of_observation(resource, received, known, rules) if resource["resourceType"] == "Observation" else None


def of_condition(condition: Json, received: datetime, known: Sequence[Disease], rules: Rules) -> Suspicion | None:
    """A diagnosis: its ICD-10 code decides; without one that is known, its words."""
    if is_denied(condition, rules) or _has(condition, "clinicalStatus", rules["ended"]):
        return None
    at = when(condition.get("recordedDate") or condition.get("onsetDateTime"), received)
    uncertain = _has(condition, "verificationStatus", rules["uncertain"])
    for system, code in codings(condition.get("code")):
        if system in rules["icd_systems"] and (disease := by_icd10(code, known)):
            return Suspicion(disease, "3" if uncertain else "1", "code", at)
    if any(system in rules["icd_systems"] for system, _ in codings(condition.get("code"))):
        return None
    found = by_text(words(condition.get("code")), known, rules)
    return Suspicion(found[0], "3" if uncertain else found[1], "text", at) if found else None


def of_observation(observation: Json, received: datetime, known: Sequence[Disease], rules: Rules) -> Suspicion | None:
    """A positive result of a test whose agent is one of the list's."""
    if observation.get("status") not in rules["usable"]:
        return None
    disease = by_laboratory(observation, known, rules)
    if disease is None:
        return None
    issued = observation.get("issued") or observation.get("effectiveDateTime")
    return Suspicion(disease, "2", "laboratory", when(issued, received))


def is_denied(condition: Json, rules: Rules) -> bool:
    """A diagnosis that was taken back."""
    return _has(condition, "verificationStatus", rules["denied"])


def by_icd10(code: str, known: Sequence[Disease]) -> Disease | None:
    """The disease whose ICD-10 prefix is the longest that fits: A22.1 is pulmonary anthrax before anthrax."""
    fitting = [(len(prefix), disease) for disease in known for prefix in disease.icd10 if code.startswith(prefix)]
    return max(fitting, key=lambda pair: pair[0])[1] if fitting else None


def by_text(text: str, known: Sequence[Disease], rules: Rules) -> tuple[Disease, CaseClass] | None:
    """A disease named in words, unless it is denied, excluded, or somebody else's."""
    named = [disease for disease in known if disease.name in text]
    if not named or any(word in text for word in rules["text_negations"]):
        return None
    suspected = any(word in text for word in rules["text_suspicions"])
    return max(named, key=lambda disease: len(disease.name)), "3" if suspected else "1"


def by_laboratory(observation: Json, known: Sequence[Disease], rules: Rules) -> Disease | None:
    """By the test's LOINC code, else by the agent that test or result name; only where the result is positive."""
    wanted = _by_loinc(observation, rules) or _by_organism(observation, rules)
    return next((disease for disease in known if disease.code == wanted), None)


def _by_loinc(observation: Json, rules: Rules) -> str:
    code = code_in(observation.get("code"), LOINC)
    wanted = next((row["disease"] for row in rules["laboratory"] if row["code"] == code), "")
    return str(wanted) if wanted and is_positive(observation, rules) else ""


def _by_organism(observation: Json, rules: Rules) -> str:
    """A culture names the agent as its result; a test is named after it and says positive."""
    test, result = words(observation.get("code")), _result(observation)
    if any(word in f"{test} {result}".casefold() for word in rules["organism_excludes"]):
        return ""
    for row in rules["organisms"]:
        isolated = row["text"] in result and not _denies(result, rules)
        if isolated or (row["text"] in test and is_positive(observation, rules)):
            return str(row["disease"])
    return ""


def is_positive(observation: Json, rules: Rules) -> bool:
    """Whether a result says the agent was found; a negation anywhere in the words wins."""
    text = _result(observation)
    if _denies(text, rules):
        return False
    coded = {code for concept in _concepts(observation) for _, code in codings(concept)}
    positive, alone = rules["positive"], set(text.casefold().split())
    said = any(word in text.casefold() for word in positive["texts"]) or bool(alone & set(positive["exact"]))
    return said or bool(coded & set(positive["codes"]))


def when(text: str | None, received: datetime) -> datetime:
    """
    When a diagnosis was made, never after it was received.

    A day without an hour ends at the latest with that day: a limit of hours cannot start at its midnight.
    """
    at = moment(text)
    if at is None:
        return received
    if len(text or "") <= len("2026-11-24"):
        at = at.astimezone(ZONE).replace(hour=0, minute=0) + timedelta(days=1) - timedelta(minutes=1)
    return min(at, received)


def _result(observation: Json) -> str:
    value = str(observation.get("valueString") or words(observation.get("valueCodeableConcept"))).strip()
    return " ".join(part for part in (value, *map(words, observation.get("interpretation", ()))) if part)


def _concepts(observation: Json) -> Iterator[Json]:
    yield observation.get("valueCodeableConcept", {})
    yield from observation.get("interpretation", ())


def _denies(text: str, rules: Rules) -> bool:
    return any(word in text.casefold() for word in rules["positive"]["negations"])


def _has(resource: Json, element: str, codes: Sequence[str]) -> bool:
    return any(code in codes for _, code in codings(resource.get(element)))
