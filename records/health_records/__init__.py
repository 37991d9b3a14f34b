"""
居民电子健康档案, the resident health record: one person, life-long, across all facilities.

WS 365-2011 names its content; OpenHIE calls it the Shared Health Record.
"""

from __future__ import annotations

TYPES = frozenset(
    {
        "Patient", "Person", "RelatedPerson", "Group",
        "Condition", "AllergyIntolerance", "Immunization", "ImmunizationEvaluation", "ImmunizationRecommendation",
        "FamilyMemberHistory", "Flag", "EpisodeOfCare", "CarePlan", "CareTeam", "Goal", "RiskAssessment",
        "Consent", "Coverage", "Questionnaire", "QuestionnaireResponse", "Task", "Appointment",
        "AppointmentResponse", "ClinicalImpression", "DetectedIssue", "AdverseEvent", "NutritionOrder",
    }
)  # fmt: skip
"""The types that are kept in the database `{prefix}_health_records`."""
