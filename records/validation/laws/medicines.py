"""
Laws of medicines and vaccines.

https://hl7.org/fhir/R4/medicationadministration.html#invs, https://hl7.org/fhir/R4/immunization.html#invs
"""

from __future__ import annotations

from records.stored import Json
from records.validation.laws.asking import any_of, has, has_choice, in_order
from records.validation.walk import Law


def _dosed(node: Json) -> bool:
    return has(node, "dose") or has_choice(node, "rate")


MEDICINES: dict[str, tuple[Law, ...]] = {
    "MedicationAdministration.dosage": (Law("mad-1", "A dosage has a dose or a rate.", _dosed),),
    "MedicationDispense": (
        Law("mdd-1", "Nothing is handed over before it was prepared.",
            lambda node: in_order(node.get("whenPrepared"), node.get("whenHandedOver"))),
    ),
    "Immunization.education": (
        Law("imm-1", "Education has a document type or a reference.", any_of("documentType", "reference")),
    ),
    "ImmunizationRecommendation.recommendation": (
        Law("imr-1", "A recommendation names a vaccine or a disease.", any_of("vaccineCode", "targetDisease")),
    ),
}  # fmt: skip
