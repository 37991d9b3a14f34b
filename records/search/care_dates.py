"""
Care dates: by which dates a resource belongs to a time of care, as the search keys tell them.

A resource that tells no such date belongs to every time. A condition or an allergy lasts from its onset until it
abates. https://hl7.org/fhir/R4/patient-operation-everything.html
"""

from __future__ import annotations

from collections.abc import Sequence

from records.search.key import END, START, Condition, between, both, either, negated

_DATE = ("date",)
# Search parameters of the dates on which care took place (not of when something was written down, where both are told).
CARE: dict[str, tuple[str, ...]] = {
    "Account": ("period",), "AdverseEvent": _DATE, "Appointment": _DATE, "AuditEvent": _DATE, "Basic": ("created",),
    "CarePlan": _DATE, "CareTeam": _DATE, "ChargeItem": ("occurrence",), "Claim": ("created",),
    "ClaimResponse": ("created",), "ClinicalImpression": _DATE, "Communication": ("sent", "received"),
    "CommunicationRequest": ("occurrence", "authored"), "Composition": ("period", "date"),
    "CoverageEligibilityRequest": ("created",), "CoverageEligibilityResponse": ("created",),
    "DetectedIssue": ("identified",), "DeviceRequest": ("event-date", "authored-on"), "DiagnosticReport": _DATE,
    "DocumentManifest": ("created",), "DocumentReference": ("period", "date"), "Encounter": _DATE,
    "EpisodeOfCare": _DATE, "ExplanationOfBenefit": ("created",), "FamilyMemberHistory": _DATE, "Flag": _DATE,
    "ImagingStudy": ("started",), "Immunization": _DATE, "ImmunizationEvaluation": _DATE,
    "ImmunizationRecommendation": _DATE, "Invoice": _DATE, "List": _DATE, "MeasureReport": ("period",),
    "Media": ("created",), "MedicationAdministration": ("effective-time",),
    "MedicationDispense": ("whenhandedover", "whenprepared"), "MedicationRequest": ("date", "authoredon"),
    "MedicationStatement": ("effective",), "NutritionOrder": ("datetime",), "Observation": _DATE, "Procedure": _DATE,
    "Provenance": ("when", "recorded"), "QuestionnaireResponse": ("authored",), "RequestGroup": ("authored",),
    "ResearchSubject": _DATE, "RiskAssessment": _DATE, "Schedule": _DATE,
    "ServiceRequest": ("occurrence", "authored"), "Specimen": ("collected",), "SupplyRequest": _DATE,
    "VisionPrescription": ("datewritten",),
}  # fmt: skip
# What lasts: (from when, until when); without an end it lasts still.
LASTING: dict[str, tuple[tuple[str, ...], tuple[str, ...]]] = {
    "AllergyIntolerance": (("onset", "date"), ()),
    "Condition": (("onset-date", "recorded-date"), ("abatement-date",)),
    "Goal": (("start-date",), ()),
}


def between_days(kind: str, start: str, end: str) -> Condition:
    """Care of that type from the first to the last moment (texts as `span` makes them, empty: open)."""
    begins, ends = LASTING.get(kind, (CARE.get(kind, ()), CARE.get(kind, ())))
    return both([_not_over(ends, start) if start else {}, _begun(begins, end) if end else {}])


def _not_over(codes: Sequence[str], start: str) -> Condition:
    return _or_untold(codes, [between(code + END, start, None) for code in codes])


def _begun(codes: Sequence[str], end: str) -> Condition:
    return _or_untold(codes, [between(code + START, None, end) for code in codes])


def _or_untold(codes: Sequence[str], told: Sequence[Condition]) -> Condition:
    if not codes:
        return {}
    untold = [negated(between(code + START, None, None)) for code in codes]
    return either([*told, both(untold)])
