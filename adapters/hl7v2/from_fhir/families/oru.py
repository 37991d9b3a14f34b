"""
DiagnosticReport with its Observations to ORU^R01.

HL7 v2 chapter 7
"""

from __future__ import annotations

from adapters.facts import Json
from adapters.hl7v2.from_fhir.attachments import told as attached
from adapters.hl7v2.from_fhir.names import Resources
from adapters.hl7v2.from_fhir.receiver import Receiver
from adapters.hl7v2.from_fhir.segments.obr import numbers, obr_of_report, orc
from adapters.hl7v2.from_fhir.segments.obx import notes, observations, obx, specimens
from adapters.hl7v2.from_fhir.segments.pid import pid
from adapters.hl7v2.from_fhir.segments.pv1 import account_of, pv1
from adapters.hl7v2.from_fhir.writing import Envelope, Line, write

_IMPRESSIONS = frozenset({"19005-8", "IMP"})


def event(current: Json, previous: Json | None) -> str:
    """R01 for every report that says something new."""
    return "R01" if previous is None or said(current) != said(previous) else ""


def said(resource: Json) -> Json:
    """Without what only says how the exchange keeps it."""
    kept = [e for e in resource.get("extension", ()) if not str(e.get("url", "")).endswith("as-of")]
    return {k: v for k, v in resource.items() if k not in ("meta", "text", "extension")} | {"extension": kept}


def report(receiver: Receiver, envelope: Envelope, patient: Json, found: Json, resources: Resources) -> bytes:
    """ORU^R01 of one report."""
    visit = resources.get(str(found.get("encounter", {}).get("reference", "")))
    lines = [pid(patient, receiver, account=account_of(visit))]
    lines += [pv1(visit, resources, receiver)] if visit else []
    return write(receiver, envelope, "ORU", "R01", [*lines, *body(found, resources, receiver)])


def body(found: Json, resources: Resources, receiver: Receiver) -> list[Line]:
    """ORC, OBR, NTE, OBX, SPM of one report; also what answers a query for results."""
    order = _known(found.get("basedOn", ()), resources)
    results = _all(found.get("result", ()), resources)
    samples = _all(found.get("specimen", ()), resources)
    lines = [
        orc("RE", "", order[0] if order else {}, resources, receiver, numbers(found, receiver)),
        obr_of_report(found, order[0] if order else {}, resources, receiver),
        *notes([{"text": _conclusion(found, results)}]),
        *observations(results, resources, receiver),
    ]
    at = sum(line.name == "OBX" for line in lines)
    lines += _forms(found, at, resources, receiver)
    return [*lines, *specimens(samples, receiver)]


def _known(references: object, resources: Resources) -> list[Json]:
    return _all(references, resources)


def _all(references: object, resources: Resources) -> list[Json]:
    names = [str(one.get("reference", "")) for one in references]  # type: ignore[attr-defined]
    return [resources[name] for name in names if name in resources]


def _conclusion(found: Json, results: list[Json]) -> str:
    """What the department noted; an impression that is a result of its own is not told twice."""
    text = str(found.get("conclusion", ""))
    for one in results:
        codes = {str(c.get("code", "")) for c in one.get("code", {}).get("coding", ())}
        if codes & _IMPRESSIONS:
            text = text.replace(str(one.get("valueString", "")), "", 1)
    return text.strip("\n")


def _forms(found: Json, at: int, resources: Resources, receiver: Receiver) -> list[Line]:
    """The report as a document: OBX of type ED or RP under the code of the report."""
    lines: list[Line] = []
    for form in found.get("presentedForm", ()):
        value = attached(form, resources)
        if value.value:
            title = form.get("title") or found.get("code", {}).get("text") or "report"
            name = {"code": {"text": str(title)}, "status": found.get("status", "")}
            lines.append(obx(at + len(lines) + 1, name, value, "", resources, receiver))
    return lines
