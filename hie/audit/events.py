"""
One access as a FHIR AuditEvent, after IHE's Basic Audit Log Patterns; pure.

https://profiles.ihe.net/ITI/BALP/, https://hl7.org/fhir/R4/auditevent.html
"""

from __future__ import annotations

import base64
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from hie.access.caller import ANONYMOUS, Caller
from hie.audit.patterns import DCM, PATTERNS, Pattern, coding
from records.documents import instant
from records.stored import Json

ROLE = "urn:hie:role"
CLIENT = "urn:hie:client"
DECISION = "urn:hie:decision:"
ACT_REASON = "http://terminology.hl7.org/CodeSystem/v3-ActReason"
ENTITY_TYPE = "http://terminology.hl7.org/CodeSystem/audit-entity-type"
OBJECT_ROLE = "http://terminology.hl7.org/CodeSystem/object-role"
REQUEST_ID = coding("https://profiles.ihe.net/ITI/BALP/CodeSystem/BasicAuditEntityType", "XrequestId")
SYSTEM_ROLE = "system"


@dataclass(frozen=True, slots=True)
class Entry:
    """
    One request and one patient (`patient`: a source Patient id, or empty).

    `interaction` is a FHIR interaction (read, vread, search, history, create, update, delete, patch, operation,
    everything, transaction, batch), or sign-in, sign-out. `status` is the HTTP status of the answer. `query` is the
    request as sent ("Observation?code=..."); it is kept in the trail and nowhere else. `reasons` are the reason
    codes of the decision. `address` is the client's network address. Without `at` the trail's clock is taken.
    """

    interaction: str
    caller: Caller = ANONYMOUS
    resource_type: str = ""
    resource_id: str = ""
    version: int | None = None
    patient: str = ""
    status: int = 200
    query: str = ""
    request_id: str = ""
    address: str = ""
    reasons: tuple[str, ...] = ()
    at: datetime | None = None


@dataclass(frozen=True, slots=True)
class Observer:
    """The server that records: its FHIR base address, its name, and the issuer of the subjects it names."""

    base: str = "urn:hie:exchange"
    site: str = "Regional health information exchange"
    issuer: str = ""


def to_resource(entry: Entry, event_id: str, at: datetime, observer: Observer) -> Json:
    """The AuditEvent of an entry."""
    pattern = PATTERNS.get(entry.interaction, PATTERNS["operation"])
    succeeded = entry.status < 400
    resource: Json = {
        "resourceType": "AuditEvent",
        "id": event_id,
        "meta": _meta(entry, pattern, at, succeeded=succeeded),
        "type": pattern.type,
        "subtype": _subtypes(entry, pattern),
        "action": pattern.action,
        "recorded": instant(entry.at or at),
        "outcome": "0" if succeeded else "4" if entry.status < 500 else "8",
        "agent": _agents(entry, pattern, observer),
        "source": {
            "site": observer.site,
            "observer": {"display": observer.base},
            "type": [coding("http://terminology.hl7.org/CodeSystem/security-source-type", "4")],
        },
    }
    if not succeeded:
        resource["outcomeDesc"] = f"HTTP {entry.status}"
    if entities := list(_entities(entry, pattern)):
        resource["entity"] = entities
    return resource


def _meta(entry: Entry, pattern: Pattern, at: datetime, *, succeeded: bool) -> Json:
    meta: Json = {"versionId": "1", "lastUpdated": instant(at)}
    if succeeded and (profile := pattern.patient_profile if entry.patient else pattern.profile):
        meta["profile"] = [profile]
    return meta


def _subtypes(entry: Entry, pattern: Pattern) -> list[Json]:
    subtypes = [pattern.subtype_for(entry.resource_type, entry.resource_id)]
    if entry.caller.break_glass:
        subtypes.append(coding(DCM, "110127", "Emergency Override Started"))
    return subtypes


def _agents(entry: Entry, pattern: Pattern, observer: Observer) -> list[Json]:
    caller = entry.caller
    human = bool(caller.subject) and caller.role != SYSTEM_ROLE
    agents = [_client(entry, pattern, requestor=not human), _server(pattern, observer)]
    if human:
        agents.append(_user(entry, pattern, observer))
    if caller.organization or caller.organization_name:
        agents.append(_organization(caller))
    return agents


def _client(entry: Entry, pattern: Pattern, *, requestor: bool) -> Json:
    name = entry.caller.client
    agent: Json = {
        "type": pattern.client,
        "who": {"identifier": {"system": CLIENT, "value": name}} if name else {"display": "unknown"},
        "requestor": requestor,
        # IHE wants the network address of both ends, also where the socket did not tell it.
        "network": {"address": entry.address or "unknown", "type": "2" if entry.address else "1"},
    }
    return agent | _decision(entry) if requestor else agent


def _server(pattern: Pattern, observer: Observer) -> Json:
    return {
        "type": pattern.server,
        "who": {"display": observer.base},
        "requestor": False,
        "network": {"address": observer.base, "type": "5"},
    }


def _user(entry: Entry, pattern: Pattern, observer: Observer) -> Json:
    caller = entry.caller
    identifier = {"value": caller.subject} | ({"system": observer.issuer} if observer.issuer else {})
    agent: Json = {
        "type": pattern.user,
        "who": {"identifier": identifier} | ({"display": caller.name} if caller.name else {}),
        "requestor": True,
    }
    if caller.name:
        agent["name"] = caller.name
    if caller.role:
        agent["role"] = [{"coding": [coding(ROLE, caller.role)]}]
    return agent | _decision(entry)


def _decision(entry: Entry) -> Json:
    found: Json = {}
    if entry.reasons:
        found["policy"] = [DECISION + reason for reason in entry.reasons]
    if entry.caller.purpose:
        purpose: Json = {"coding": [coding(ACT_REASON, entry.caller.purpose)]}
        found["purposeOfUse"] = [purpose | ({"text": entry.caller.reason} if entry.caller.reason else {})]
    return found


def _organization(caller: Caller) -> Json:
    system, _, value = caller.organization.partition("|")
    who: Json = {"identifier": {"system": system, "value": value}} if value else {}
    if caller.organization_name:
        who["display"] = caller.organization_name
    provider = coding("http://terminology.hl7.org/CodeSystem/v3-RoleClass", "PROV", "healthcare provider")
    return {"type": {"coding": [provider]}, "who": who or {"display": caller.organization}, "requestor": False}


def _entities(entry: Entry, pattern: Pattern) -> list[Json]:
    entities: list[Json] = []
    if entry.resource_id and not pattern.queries:
        entities.append(resource_entity(entry.resource_type, entry.resource_id, entry.version))
    if entry.query and (pattern.queries or not entry.resource_id):
        entities.append(query_entity(asked(entry.query)))
    if entry.patient:
        entities.append(patient_entity(entry.patient))
    if entry.request_id:
        entities.append(request_entity(entry.request_id))
    return entities


def resource_entity(resource_type: str, resource_id: str, version: int | None = None) -> Json:
    """What was done to."""
    reference = f"{resource_type}/{resource_id}"
    if version is not None:
        reference += f"/_history/{version}"
    role = coding(OBJECT_ROLE, "4", "Domain Resource")
    return {"what": {"reference": reference}, "type": coding(ENTITY_TYPE, "2"), "role": role}


def asked(query: str) -> str:
    """A request as `entity.query` has it."""
    return base64.b64encode(query.encode("utf-8", "replace")).decode("ascii")


def query_entity(query: str) -> Json:
    """The request, in the words of `asked`."""
    return {"type": coding(ENTITY_TYPE, "2"), "role": coding(OBJECT_ROLE, "24", "Query"), "query": query}


def patient_entity(patient: str) -> Json:
    """Whose record it was."""
    role = coding(OBJECT_ROLE, "1", "Patient")
    return {"what": {"reference": f"Patient/{patient}"}, "type": coding(ENTITY_TYPE, "1"), "role": role}


def request_entity(request_id: str) -> Json:
    """The id of the request."""
    return {"what": {"identifier": {"value": request_id}}, "type": REQUEST_ID}


def patient_of(resource: Json) -> str:
    """The source Patient that an AuditEvent is about, or an empty string; the inverse of `to_resource`."""
    for entity in resource.get("entity", ()):
        role: dict[str, Any] = entity.get("role", {})
        if role.get("system") == OBJECT_ROLE and role.get("code") == "1":
            return str(entity["what"]["reference"]).removeprefix("Patient/")
    return ""
