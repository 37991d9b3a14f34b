"""
Laws of the frame of care: institutions, appointments, consent, audit, groups, value sets.

https://hl7.org/fhir/R4/organization.html#invs, https://hl7.org/fhir/R4/appointment.html#invs
"""

from __future__ import annotations

from records.stored import Json
from records.validation.laws.asking import Question, any_of, has, not_both
from records.validation.walk import Law


def _no_home(name: str) -> Question:
    return lambda node: all(one.get("use") != "home" for one in node.get(name, ()))


def _dated(node: Json) -> bool:
    dated = has(node, "start") and has(node, "end")
    return dated or node.get("status") in ("proposed", "cancelled", "waitlist")


def _cancelled(node: Json) -> bool:
    # The text of app-4 in R4 says no-show, a code that does not exist: noshow is meant.
    return not has(node, "cancelationReason") or node.get("status") in ("noshow", "cancelled")


def _source(node: Json) -> bool:
    return "system" in node or not (has(node, "concept") or has(node, "filter"))


ORGANISATION: dict[str, tuple[Law, ...]] = {
    "Organization": (
        Law("org-1", "An organization has a name or an identifier.", any_of("identifier", "name")),
        Law("org-2", "No address of an organization is a home.", _no_home("address")),
        Law("org-3", "No telecom of an organization is a home's.", _no_home("telecom")),
    ),
    "Appointment": (
        Law("app-2", "Start and end are there together.", lambda node: has(node, "start") == has(node, "end")),
        Law("app-3", "Only what is proposed, cancelled or waiting has no time.", _dated),
        Law("app-4", "Only what is cancelled or missed has a reason for it.", _cancelled),
    ),
    "Appointment.participant": (Law("app-1", "A participant has a type or an actor.", any_of("type", "actor")),),
    "AppointmentResponse": (
        Law("apr-1", "A participantType or an actor must be there.", any_of("participantType", "actor")),
    ),
    "Consent": (Law("ppc-1", "A consent has a policy or a policyRule.", any_of("policy", "policyRule")),),
    "AuditEvent.entity": (Law("sev-1", "An entity has a name or a query, not both.", not_both("name", "query")),),
    "Group": (
        Law("grp-1", "Only an actual group has members.",
            lambda node: "member" not in node or node.get("actual") is True),
    ),
    "Linkage": (Law("lnk-1", "A linkage has two items at least.", lambda node: len(node["item"]) > 1),),
    "ValueSet.compose.include": (
        Law("vsd-1", "A part of a value set has a system or value sets.", any_of("valueSet", "system")),
        Law("vsd-2", "Concepts and filters need a system.", _source),
        Law("vsd-3", "Either concepts or filters, not both.", not_both("concept", "filter")),
    ),
}  # fmt: skip
