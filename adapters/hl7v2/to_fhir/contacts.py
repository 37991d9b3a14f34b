"""
XAD to Address and XTN to ContactPoint.

https://build.fhir.org/ig/HL7/v2-to-fhir/ConceptMap-datatype-xad-to-address.html
"""

from __future__ import annotations

from adapters.facts import Json
from adapters.hl7v2.message import Value
from adapters.hl7v2.to_fhir.tables import look_up
from adapters.hl7v2.to_fhir.times import Times


def address(value: Value, times: Times) -> Json:
    """An XAD as Address, {} when empty; one line alone (as Chinese senders write it) is also the text."""
    lines = [
        line for line in (" ".join(filter(None, value.components[0])) if value.components else "", value[2]) if line
    ]
    place = {
        "line": lines,
        "city": value[3],
        "district": value[9],
        "state": value[4],
        "postalCode": value[5],
        "country": value[6],
    }
    if not any(place.values()):
        return {}
    alone = len(lines) == 1 and not any((value[3], value[4], value[9]))
    period = {"start": times.date_time(value[13]), "end": times.date_time(value[14])}
    kind = {"use": look_up("0190", value[7]), "type": look_up("0190-type", value[7])}
    return place | kind | {"text": lines[0] if alone else "", "period": period}


def contact_point(value: Value, use: str = "") -> Json:
    """An XTN as ContactPoint, {} when empty; `use` holds where XTN-2 is silent."""
    mail = value[4] if "@" in value[4] else value[1] if "@" in value[1] else ""
    number = mail or value[12] or _number(value) or value[1]
    if not number:
        return {}
    system = "email" if mail or value[2] == "NET" else look_up("0202", value[3]) or "phone"
    mobile = "mobile" if value[3] == "CP" else ""
    return {"system": system, "value": number, "use": mobile or look_up("0201", value[2]) or use}


def _number(value: Value) -> str:
    """Country, area and local number of the version 2.3 and later components."""
    parts = [f"+{value[5].lstrip('+')}" if value[5] else "", value[6], value[7]]
    extension = f" ext. {value[8]}" if value[8] else ""
    return " ".join(filter(None, parts)) + extension if value[7] else ""
