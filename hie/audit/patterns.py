"""
How each interaction is written down: type, subtype, action, profile, and the roles of client, server and user.

A query flows from client to server, a read from server to client; DICOM and IHE name the roles after that.
https://profiles.ihe.net/ITI/BALP/content.html
"""

from __future__ import annotations

from dataclasses import dataclass

from records.stored import Json

DCM = "http://dicom.nema.org/resources/ontology/DCM"
REST = "http://terminology.hl7.org/CodeSystem/audit-event-type"
INTERACTION = "http://hl7.org/fhir/restful-interaction"
NOTIFICATION = "http://hl7.org/fhir/subscription-notification-type"
PARTICIPATION = "http://terminology.hl7.org/CodeSystem/v3-ParticipationType"
PROFILE = "https://profiles.ihe.net/ITI/BALP/StructureDefinition/IHE.BasicAudit."


def coding(system: str, code: str, display: str = "") -> Json:
    """A Coding."""
    found = {"system": system, "code": code}
    return found | {"display": display} if display else found


def _concept(system: str, code: str, display: str) -> Json:
    return {"coding": [coding(system, code, display)]}


SOURCE = _concept(DCM, "110153", "Source Role ID")
DESTINATION = _concept(DCM, "110152", "Destination Role ID")
APPLICATION = _concept(DCM, "110150", "Application")
CUSTODIAN = _concept("http://terminology.hl7.org/CodeSystem/provenance-participant-type", "custodian", "Custodian")
RECIPIENT = _concept(PARTICIPATION, "IRCP", "information recipient")
AUTHOR = _concept(PARTICIPATION, "AUT", "author (originator)")


@dataclass(frozen=True, slots=True)
class Pattern:
    """One row of the table below; `queries` says that the request, not one resource, is what is recorded."""

    type: Json
    subtype: Json
    action: str
    client: Json
    server: Json
    user: Json
    name: str = ""
    queries: bool = False

    @property
    def profile(self) -> str:
        """The BALP profile without a patient, or an empty string."""
        return PROFILE + self.name if self.name else ""

    @property
    def patient_profile(self) -> str:
        """The BALP profile with a patient."""
        return f"{PROFILE}Patient{self.name}" if self.name else ""

    def subtype_for(self, resource_type: str, resource_id: str) -> Json:
        """The subtype; a history says of what it was."""
        if self.subtype["code"] != "history":
            return self.subtype
        level = "instance" if resource_id else "type" if resource_type else "system"
        return coding(INTERACTION, f"history-{level}")


def _rest(
    code: str, action: str, client: Json, server: Json, user: Json, name: str = "", *, queries: bool = False
) -> Pattern:
    kind = coding(REST, "rest", "Restful Operation")
    return Pattern(kind, coding(INTERACTION, code), action, client, server, user, name, queries)


def _transfer(code: str, display: str, action: str, client: Json, server: Json, user: Json) -> Pattern:
    kind = coding(DCM, code, display)
    return Pattern(kind, coding(INTERACTION, "operation"), action, client, server, user, queries=True)


def _sign(code: str, display: str) -> Pattern:
    kind = coding(DCM, "110114", "User Authentication")
    return Pattern(kind, coding(DCM, code, display), "E", APPLICATION, CUSTODIAN, AUTHOR)


PATTERNS = {
    "read": _rest("read", "R", DESTINATION, SOURCE, RECIPIENT, "Read"),
    "vread": _rest("vread", "R", DESTINATION, SOURCE, RECIPIENT, "Read"),
    "history": _rest("history", "R", DESTINATION, SOURCE, RECIPIENT, queries=True),
    "search": _rest("search-type", "E", SOURCE, DESTINATION, RECIPIENT, "Query", queries=True),
    "create": _rest("create", "C", SOURCE, DESTINATION, AUTHOR, "Create"),
    "update": _rest("update", "U", SOURCE, DESTINATION, AUTHOR, "Update"),
    "patch": _rest("patch", "U", SOURCE, DESTINATION, AUTHOR, "Update"),
    "delete": _rest("delete", "D", APPLICATION, CUSTODIAN, AUTHOR, "Delete"),
    "transaction": _rest("transaction", "E", SOURCE, DESTINATION, AUTHOR, queries=True),
    "batch": _rest("batch", "E", SOURCE, DESTINATION, AUTHOR, queries=True),
    "operation": _rest("operation", "E", SOURCE, DESTINATION, RECIPIENT, queries=True),
    "summary": _rest("operation", "E", SOURCE, DESTINATION, RECIPIENT, queries=True),
    "match": _rest("operation", "E", SOURCE, DESTINATION, RECIPIENT, queries=True),
    "everything": _rest("operation", "E", SOURCE, DESTINATION, RECIPIENT, queries=True),
    "notification": Pattern(
        coding(DCM, "110106", "Export"), coding(NOTIFICATION, "event-notification", "Event Notification"), "R",
        DESTINATION, SOURCE, RECIPIENT,
    ),
    "export": _transfer("110106", "Export", "R", DESTINATION, SOURCE, RECIPIENT),
    "import": _transfer("110107", "Import", "C", SOURCE, DESTINATION, AUTHOR),
    "sign-in": _sign("110122", "Login"),
    "sign-out": _sign("110123", "Logout"),
}
