"""
ServiceRequest and DiagnosticReport to ORC, TQ1 and OBR: by their placer and filler numbers.

https://build.fhir.org/ig/HL7/v2-to-fhir/ConceptMap-segment-obr-to-diagnosticreport.html, read backwards
"""

from __future__ import annotations

from collections.abc import Iterable

from adapters.facts import Json
from adapters.hl7v2.from_fhir.codes import V2, code_of, concept, concepts, table_code
from adapters.hl7v2.from_fhir.identifiers import ei, of_type
from adapters.hl7v2.from_fhir.names import Resources, xcn
from adapters.hl7v2.from_fhir.receiver import Receiver
from adapters.hl7v2.from_fhir.times import dtm
from adapters.hl7v2.from_fhir.writing import Field, Line, Repetition


def numbers(resource: Json, receiver: Receiver) -> tuple[Repetition, Repetition]:
    """Placer and filler number; what has neither is known by the number that the exchange gave it."""
    listed = resource.get("identifier", [])
    placer, filler = of_type(listed, "PLAC"), of_type(listed, "FILL")
    if not placer and not filler:
        filler = listed[:1] or [{"system": "urn:hie:authority:HIE", "value": resource["id"]}]
    return ei(placer[0], receiver) if placer else "", ei(filler[0], receiver) if filler else ""


def orc(
    control: str, status: str, order: Json, resources: Resources, receiver: Receiver, at: tuple[Repetition, Repetition]
) -> Line:
    """ORC of an order."""
    return Line(
        "ORC",
        {
            1: control,
            2: at[0],
            3: at[1],
            4: ei(order.get("requisition", {}), receiver),
            5: status,
            7: ("", "", "", "", "", _priority(order)),
            9: dtm(order.get("authoredOn", "")),
            12: _requester(order, resources, receiver),
        },
    )


def tq1(order: Json) -> list[Line]:
    """TQ1 with time, priority and instruction, where there is any."""
    when, priority = dtm(order.get("occurrenceDateTime", "")), _priority(order)
    instruction = str(order.get("patientInstruction", ""))
    if not (when or priority or instruction):
        return []
    return [Line("TQ1", {1: "1", 7: when, 9: priority, 11: instruction})]


def _priority(order: Json) -> str:
    return table_code("0485", order.get("priority", ""))


def _requester(order: Json, resources: Resources, receiver: Receiver) -> Repetition:
    requester = order.get("requester", {})
    facility = str(requester.get("reference", "")).startswith("Organization/")
    return "" if facility else xcn(requester, resources, receiver)


def obr_of_order(at: int, order: Json, resources: Resources, receiver: Receiver) -> Line:
    """OBR of an order."""
    placer, filler = numbers(order, receiver)
    return Line(
        "OBR",
        {
            1: str(at),
            2: placer,
            3: filler,
            4: concept(order.get("code")) or ("", "not named"),
            16: _requester(order, resources, receiver),
            24: section(order.get("category", ())),
            27: ("", "", "", dtm(order.get("occurrenceDateTime", "")), "", _priority(order)),
            31: concepts(order.get("reasonCode")),
            44: next(iter(concepts(order.get("orderDetail"))), ""),
        },
    )


def obr_of_report(report: Json, order: Json, resources: Resources, receiver: Receiver) -> Line:
    """OBR of a report, with what is known of its order."""
    placer, filler = numbers(report, receiver)
    effective = report.get("effectiveDateTime") or report.get("effectivePeriod", {}).get("start", "")
    return Line(
        "OBR",
        {
            1: "1",
            2: placer,
            3: filler,
            4: concept(report.get("code")) or ("", "not named"),
            7: dtm(effective),
            15: _specimen(report, resources, receiver),
            16: _requester(order, resources, receiver),
            22: dtm(report.get("issued", "")),
            24: section(report.get("category", ())),
            25: table_code("0123", report.get("status", ""), "F"),
            31: concepts(order.get("reasonCode")),
            32: _interpreter(report, resources, receiver),
        },
    )


def section(categories: Iterable[Json]) -> str:
    """Table 0074: the department as sent, else by FHIR's category."""
    for one in categories:
        sent = code_of(one, f"{V2}0074")
        if sent:
            return table_code("0074", sent, sent)
    return ""


def _specimen(report: Json, resources: Resources, receiver: Receiver) -> Field:
    """OBR-15 in versions without SPM: the kind of specimen and the body site."""
    if receiver.since("2.5"):
        return ""
    found = [resources[one["reference"]] for one in report.get("specimen", ()) if one.get("reference") in resources]
    kind = concept(found[0].get("type")) if found else ""
    if not kind:
        return ""
    parts = kind if isinstance(kind, tuple) else (kind,)
    return (tuple(str(part) for part in parts[:3]),)


def _interpreter(report: Json, resources: Resources, receiver: Receiver) -> Field:
    """OBR-32 is an NDL: the person is a CNN in its first component."""
    found: Json = next(iter(report.get("resultsInterpreter", ())), {})
    person = xcn(found, resources, receiver)
    if not isinstance(person, tuple):
        return ""
    names = tuple(str(part) for part in person[:7])
    authority = person[8] if len(person) > 8 else ""
    number: tuple[str, ...] = (authority,) if isinstance(authority, str) else authority
    return ((*names, "", *number),)
