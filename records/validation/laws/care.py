"""
Laws of the clinical record: findings, problems, allergies, plans, documents.

https://hl7.org/fhir/R4/observation.html#invs, https://hl7.org/fhir/R4/condition.html#invs
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from records.stored import Json
from records.validation.laws.asking import any_of, coded, has, has_choice, in_order, needs, not_both
from records.validation.walk import Law

TERMINOLOGY = "http://terminology.hl7.org/CodeSystem/"
ENDED = ("resolved", "remission", "inactive")
WRONG = "entered-in-error"


def _absent_only_without_value(node: Json) -> bool:
    return not has(node, "dataAbsentReason") or not has_choice(node, "value")


def _code_not_repeated(node: Json) -> bool:
    if "component" not in node or not has_choice(node, "value"):
        return True
    own = set(_codings(node["code"]))
    return not any(own & set(_codings(one["code"])) for one in node["component"])


def _codings(concept: Any) -> Iterator[tuple[Any, ...]]:
    return ((one.get("system"), one.get("code")) for one in concept.get("coding", ()) if one.get("code"))


def _abated(node: Json) -> bool:
    return not has_choice(node, "abatement") or coded(
        node.get("clinicalStatus"), f"{TERMINOLOGY}condition-clinical", *ENDED
    )


def _condition_in_error(node: Json) -> bool:
    wrong = coded(node.get("verificationStatus"), f"{TERMINOLOGY}condition-ver-status", WRONG)
    return not wrong or "clinicalStatus" not in node


def _allergy_in_error(node: Json) -> bool:
    return coded(node.get("verificationStatus"), f"{TERMINOLOGY}allergyintolerance-verification", WRONG)


def _estimated_age(node: Json) -> bool:
    return not has(node, "estimatedAge") or has_choice(node, "age")


def _deleted_in_changes(node: Json) -> bool:
    return node["mode"] == "changes" or not any(has(one, "deleted") for one in node.get("entry", ()))


def _dated_while_working(node: Json) -> bool:
    return node["mode"] == "working" or not any(has(one, "date") for one in node.get("entry", ()))


CARE: dict[str, tuple[Law, ...]] = {
    "Patient.contact": (
        Law("pat-1", "A contact has a name, telecom, address or organization.",
            any_of("name", "telecom", "address", "organization")),
    ),
    "Observation": (
        Law("obs-6", "A reason for absence is there only without a value.", _absent_only_without_value),
        Law("obs-7", "A value does not stand beside a component of the same code.", _code_not_repeated),
    ),
    "Observation.referenceRange": (Law("obs-3", "A range has low, high or text.", any_of("low", "high", "text")),),
    "Condition": (
        Law("con-4", "What is abated is inactive, resolved or in remission.", _abated),
        Law("con-5", "What was entered in error has no clinical status.", _condition_in_error),
    ),
    "Condition.stage": (Law("con-1", "A stage has a summary or an assessment.", any_of("summary", "assessment")),),
    "Condition.evidence": (Law("con-2", "Evidence has a code or details.", any_of("code", "detail")),),
    "AllergyIntolerance": (
        Law("ait-1", "A clinical status must be there, unless it was entered in error.",
            lambda node: "clinicalStatus" in node or _allergy_in_error(node)),
        Law("ait-2", "What was entered in error has no clinical status.",
            lambda node: "clinicalStatus" not in node or not _allergy_in_error(node)),
    ),
    "CarePlan.activity": (
        Law("cpl-3", "An activity has a reference or a detail, not both.", not_both("detail", "reference")),
    ),
    "Goal.target": (Law("gol-1", "A detail needs a measure.",
                        lambda node: not has_choice(node, "detail") or "measure" in node),),
    "FamilyMemberHistory": (
        Law("fhs-1", "Either an age or a birth, not both.",
            lambda node: not (has_choice(node, "age") and has_choice(node, "born"))),
        Law("fhs-2", "An estimate of the age needs an age.", _estimated_age),
    ),
    "ServiceRequest": (Law("prr-1", "Details of the order need a code.", needs("orderDetail", "code")),),
    "Composition.section": (
        Law("cmp-1", "A section has a text, entries or sections.", any_of("text", "entry", "section")),
        Law("cmp-2", "Only an empty section says why.", not_both("emptyReason", "entry")),
    ),
    "List": (
        Law("lst-1", "Only an empty list says why.", not_both("emptyReason", "entry")),
        Law("lst-2", "Only a list of changes marks what is deleted.", _deleted_in_changes),
        Law("lst-3", "Only a working list dates its entries.", _dated_while_working),
    ),
    "QuestionnaireResponse.item": (
        Law("qrs-1", "Items are below the item or below its answers, not both.", not_both("answer", "item")),
    ),
    "Task": (
        Law("inv-1", "The last change is not before the task was made.",
            lambda node: in_order(node.get("authoredOn"), node.get("lastModified"))),
    ),
}  # fmt: skip
