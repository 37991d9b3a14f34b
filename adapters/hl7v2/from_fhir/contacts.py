"""
Address to XAD and ContactPoint to XTN.

https://build.fhir.org/ig/HL7/v2-to-fhir/ConceptMap-datatype-xad-to-address.html, read backwards
"""

from __future__ import annotations

from adapters.facts import Json
from adapters.hl7v2.from_fhir.codes import table_code
from adapters.hl7v2.from_fhir.receiver import Receiver
from adapters.hl7v2.from_fhir.times import dtm
from adapters.hl7v2.from_fhir.writing import Repetition


def xad(address: Json) -> Repetition:
    """An Address as XAD, "" when empty."""
    lines = [str(line) for line in address.get("line", ())] or [str(address.get("text", ""))]
    city, state, district = (str(address.get(name, "")) for name in ("city", "state", "district"))
    postal, country = str(address.get("postalCode", "")), str(address.get("country", ""))
    if not any((*lines, city, state, district, postal, country)):
        return ""
    use = table_code("0190", address.get("use", "")) or ("M" if address.get("type") == "postal" else "")
    period = address.get("period", {})
    spans = (dtm(period.get("start", "")), dtm(period.get("end", "")))
    return (lines[0], " ".join(lines[1:]), city, state, postal, country, use, "", district, "", "", "", *spans)


def xtn(point: Json, receiver: Receiver) -> Repetition:
    """A telephone, fax, pager or mail address as XTN; "" for other kinds of contact."""
    value, system = str(point.get("value", "")), str(point.get("system", "phone"))
    if not value:
        return ""
    if system == "email":
        return ("", "NET", "Internet", value)
    kind = "CP" if point.get("use") == "mobile" and system == "phone" else table_code("0202", system)
    if not kind:
        return ""
    # Until 2.4 there is only the first component; later readers look into the twelfth, many still into the first.
    number = value if not receiver.since("2.6") else ""
    rest = ("", "", "", "", "", "", "", "", value) if receiver.since("2.5") else ()
    return (number, table_code("0201", point.get("use", "")), kind, *rest)
