"""
XPN, XCN and CNN names to HumanName; a Chinese name is one word, and stays as its bearer writes it.

https://build.fhir.org/ig/HL7/v2-to-fhir/ConceptMap-datatype-xpn-to-humanname.html
"""

from __future__ import annotations

import re

from adapters.facts import Json
from adapters.hl7v2.message import Value
from adapters.hl7v2.to_fhir.tables import data, look_up
from adapters.hl7v2.to_fhir.times import Times

_COMPOUND = frozenset(data("surnames.json")["compound"])
_HAN = re.compile(r"[〇㐀-䶿一-鿿豈-﫿\U00020000-\U0003FFFF]+")
_REPRESENTATION = "http://hl7.org/fhir/StructureDefinition/iso21090-EN-representation"
_REPRESENTATIONS = {"A": "ABC", "I": "IDE", "P": "SYL"}


def is_han(text: str) -> bool:
    """Chinese characters only."""
    return _HAN.fullmatch(text) is not None


def split_han(name: str) -> tuple[str, str]:
    """Surname and given name of a Chinese name written as one word, compound surnames known: 欧阳小明 -> 欧阳, 小明."""
    if len(name) > 2 and name[:2] in _COMPOUND:
        return name[:2], name[2:]
    return (name[:1], name[1:]) if len(name) <= 4 else (name, "")


def human_name(value: Value, times: Times) -> Json:
    """An XPN as HumanName, {} when it names nobody."""
    family, given = value[1].strip(), value[2].strip()
    if not (family or given):
        return {}
    name = _western(value, family, given)
    if is_han(family + given):
        name |= _chinese(family, given)
    use = look_up("0200", value[7])
    period = {"start": times.date_time(value[12]), "end": times.date_time(value[13])}
    return name | {"use": use, "period": period, "extension": _representation(value[8])}


def _western(value: Value, family: str, given: str) -> Json:
    middle = value[3].split()
    return {
        "family": family,
        "given": [part for part in (given, *middle) if part],
        "prefix": [value[5]] if value[5] else [],
        "suffix": [part for part in (value[4], value[6]) if part],
        "text": "" if family and given else family or given,
    }


def _chinese(family: str, given: str) -> Json:
    """The text is the name as sent; family and given only say where it divides."""
    if family and given:
        return {"text": family + given}
    whole = family or given
    surname, rest = split_han(whole)
    return {"text": whole, "family": surname, "given": [rest] if rest else []}


def _representation(code: str) -> list[Json]:
    kind = _REPRESENTATIONS.get(code)
    return [{"url": _REPRESENTATION, "valueCode": kind}] if kind else []


def person_value(value: Value) -> Value:
    """The name inside an XCN (components 2 to 7), seen as an XPN."""
    return Value(value.components[1:7])


def display_name(name: Json) -> str:
    """A HumanName on one line."""
    if not name:
        return ""
    if name.get("text"):
        return str(name["text"])
    return " ".join(
        [*name.get("prefix", ()), *name.get("given", ()), name.get("family", ""), *name.get("suffix", ())]
    ).strip()
