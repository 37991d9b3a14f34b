"""
ORC-1 and ORC-5: what a message does with the status of its order, and the event that it is in the order's history.

HL7 v2 chapter 4.5.1.1, tables 0119 and 0038; https://hl7.org/fhir/R4/request.html
"""

from __future__ import annotations

from dataclasses import dataclass

from adapters.facts import Json, create_only, resource_id
from adapters.hl7v2.message import Segment
from adapters.hl7v2.to_fhir.codes import field_concept
from adapters.hl7v2.to_fhir.draft import Draft, reference
from adapters.hl7v2.to_fhir.resources.people import practitioner, site_organization
from adapters.hl7v2.to_fhir.tables import data, look_up, v2_system

_RULES = data("order_controls.json")
_CONTROLS: dict[str, list[str]] = _RULES["controls"]
_EVENTS = frozenset(_RULES["events"])
STATUS_REASON = "http://hl7.org/fhir/StructureDefinition/request-statusReason"
_AGENT = "http://terminology.hl7.org/CodeSystem/provenance-participant-type"


@dataclass(frozen=True, slots=True)
class Control:
    """The code, what it does (`effect`), and the status of the order that it speaks of."""

    code: str
    effect: str
    status: str


def control(draft: Draft, orc: Segment) -> Control:
    """
    What ORC-1 and ORC-5 say together.

    A control code that ends, holds or releases the order outranks its status; otherwise the status is the better word.
    """
    code = orc.text(1).strip().upper()
    effect, status = _CONTROLS.get(code, ("none", "active" if code == "" and orc.fields else "unknown"))
    if code and code not in _CONTROLS:
        draft.lost(orc, 1, code, v2_system("0119"))
    if code == "DE":
        draft.remark("ORC-1 DE: the other side reports errors in the order")
    told = _order_status(draft, orc)
    if told and not (effect in ("ask", "done", "refuse") or (effect == "release" and told == "on-hold")):
        return Control(code, "set", told)
    return Control(code, effect, status)


def _order_status(draft: Draft, orc: Segment) -> str:
    sent = orc.text(5).strip().upper()
    told = look_up("0038", sent)
    if sent and not told:
        draft.lost(orc, 5, sent, v2_system("0038"))
    return told


def status_reason(draft: Draft, orc: Segment, said: Control) -> Json:
    """ORC-16 where it explains an end, a hold or a refusal."""
    return field_concept(draft, orc, 16, table="0949") if said.effect in ("ask", "done", "refuse") else {}


def event(draft: Draft, orc: Segment, said: Control, order: Json) -> list[Json]:
    """Assert what was done to the order, by whom and when: it stays in its history, applied or not."""
    if said.code not in _EVENTS:
        return []
    target = order["reference"]
    who = practitioner(draft, orc[10]) or practitioner(draft, orc[12]) or site_organization(draft)
    resource = {
        "resourceType": "Provenance",
        "id": resource_id("urn:hie:message", "Provenance", draft.journal, target, said.code),
        "target": [reference(*target.split("/"))],
        "occurredDateTime": draft.times.date_time(orc.text(9)) or draft.moment.isoformat(),
        "recorded": draft.received.isoformat(),
        "activity": {"coding": [{"system": v2_system("0119"), "code": said.code}]},
        "reason": [reason] if (reason := field_concept(draft, orc, 16, table="0949")) else [],
        "agent": [{"type": {"coding": [{"system": _AGENT, "code": "performer"}]}, "who": who}],
    }
    draft.conditional.add(f"Provenance/{resource['id']}")
    return [draft.add(resource, create_only)]
