"""
DocumentReference to MDM^T02, T06, T08, T10, T11.

HL7 v2 chapter 9
"""

from __future__ import annotations

from adapters.facts import Json
from adapters.hl7v2.from_fhir.attachments import told as attached
from adapters.hl7v2.from_fhir.codes import V2, code_of, table_code
from adapters.hl7v2.from_fhir.families.oru import said
from adapters.hl7v2.from_fhir.identifiers import ei
from adapters.hl7v2.from_fhir.names import Resources, xcns
from adapters.hl7v2.from_fhir.receiver import Receiver
from adapters.hl7v2.from_fhir.segments.evn import evn, moment
from adapters.hl7v2.from_fhir.segments.obx import obx
from adapters.hl7v2.from_fhir.segments.pid import pid
from adapters.hl7v2.from_fhir.segments.pv1 import account_of, pv1
from adapters.hl7v2.from_fhir.times import dtm
from adapters.hl7v2.from_fhir.values import Told
from adapters.hl7v2.from_fhir.writing import Envelope, Line, write

_CONFIDENTIALITY = {"N": "U", "R": "R", "V": "V"}


def event(current: Json, previous: Json | None) -> str:
    """The trigger of a changed document; "" for one that says nothing new."""
    status, before = current.get("status"), (previous or {}).get("status")
    if status == "entered-in-error":
        return "T11" if before != status else ""
    if status == "superseded":
        # The document that replaces it says so.
        return ""
    if previous is None:
        relation = next((one.get("code", "") for one in current.get("relatesTo", ())), "")
        return {"appends": "T06", "replaces": "T10"}.get(relation, "T02")
    return "T08" if said(current) != said(previous) else ""


def document(
    receiver: Receiver, envelope: Envelope, trigger: str, patient: Json, found: Json, resources: Resources
) -> bytes:
    """MDM of one document, with its content where the event has any."""
    context = found.get("context", {})
    visits = [resources[one["reference"]] for one in context.get("encounter", ()) if one.get("reference") in resources]
    visit = visits[0] if visits else None
    lines = [
        evn(trigger, found),
        pid(patient, receiver, account=account_of(visit)),
        pv1(visit, resources, receiver),
        _txa(trigger, found, resources, receiver),
        *(_contents(found, resources, receiver) if trigger != "T11" else []),
    ]
    return write(receiver, envelope, "MDM", trigger, lines)


def _txa(trigger: str, found: Json, resources: Resources, receiver: Receiver) -> Line:
    number = found.get("masterIdentifier") or next(iter(found.get("identifier", ())), None)
    own = number or {"system": "urn:hie:authority:HIE", "value": found["id"]}
    parent: Json = next((one["target"].get("identifier", {}) for one in found.get("relatesTo", ())), {})
    period = found.get("context", {}).get("period", {})
    return Line(
        "TXA",
        {
            1: "1",
            2: code_of(found.get("type"), f"{V2}0270") or "DS",
            3: "TX" if _is_text(found) else "AP",
            4: dtm(period.get("start", "")),
            6: dtm(found.get("date", "")),
            8: moment(found) if trigger not in ("T02", "T06", "T10") else "",
            9: [*xcns(found.get("author", []), resources, receiver)],
            12: ei(own, receiver),
            13: ei(parent, receiver) if trigger in ("T06", "T10") else "",
            17: table_code("0271", found.get("docStatus", ""), "DO"),
            18: _label(found),
            19: table_code("0273", found.get("status", "")),
            22: next(iter(xcns([found["authenticator"]], resources, receiver)), "") if "authenticator" in found else "",
            25: str(found.get("description", "")),
        },
    )


def _label(found: Json) -> str:
    codes = [c.get("code", "") for one in found.get("securityLabel", ()) for c in one.get("coding", ())]
    return next((_CONFIDENTIALITY[code] for code in codes if code in _CONFIDENTIALITY), "")


def _is_text(found: Json) -> bool:
    kinds = [str(one.get("attachment", {}).get("contentType", "")) for one in found.get("content", ())]
    return all(kind.startswith("text/plain") for kind in kinds)


def _contents(found: Json, resources: Resources, receiver: Receiver) -> list[Line]:
    """An OBX for each attachment; the structure wants one, also where the content is elsewhere."""
    forms = [one.get("attachment", {}) for one in found.get("content", ())]
    shown = [(form, value) for form in forms if (value := attached(form, resources)).value] or [({}, Told("TX"))]
    kind = found.get("type") or {"text": "document"}
    return [
        obx(at, {"code": _name(form, kind, value), "status": "final"}, value, "", resources, receiver)
        for at, (form, value) in enumerate(shown, 1)
    ]


def _name(form: Json, kind: Json, value: Told) -> Json:
    """A file is named by its title, the text of the document by what the document is."""
    return {"text": str(form["title"])} if value.kind != "TX" and form.get("title") else kind
