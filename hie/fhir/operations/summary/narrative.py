"""
The readable part of each section: one table, a row an entry; everything that came from a source is escaped.

https://hl7.org/fhir/R4/narrative.html
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from html import escape
from typing import Any

from hie.fhir.operations.summary.gathering import Item, moment
from hie.fhir.operations.summary.words import Words
from records.stored import Json

NAMED = (
    "code", "vaccineCode", "medicationCodeableConcept", "medicationReference", "device", "type", "category", "title",
    "description", "summary",
)  # fmt: skip
_NOT_XML = re.compile("[^\t\n\r\u0020-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
Known = Mapping[str, Json]


def narrative(language: str, body: str) -> Json:
    """A Narrative."""
    head = f'<div xmlns="http://www.w3.org/1999/xhtml" xml:lang="{language}" lang="{language}">'
    return {"status": "generated", "div": f"{head}{body}</div>"}


def empty(words: Words) -> str:
    """Says that nothing can be told: neither that there is nothing, nor that something is withheld."""
    return f"<p>{_safe(words['nothing'])}</p>"


def table(items: Sequence[Item], known: Known, words: Words) -> str:
    """What, result, status, when of each item."""
    columns = [("what", "value", "status", "when")]
    rows = [(label(one.resource, known) or words["unnamed"], value(one.resource), status(one.resource),
             moment(one.resource)) for one in items]  # fmt: skip
    shown = [number for number in range(4) if any(row[number] for row in rows)]
    head = "".join(f"<th>{_safe(words[columns[0][number]])}</th>" for number in shown)
    body = "".join("<tr>" + "".join(f"<td>{_safe(row[n])}</td>" for n in shown) + "</tr>" for row in rows)
    return f"<table><thead><tr>{head}</tr></thead><tbody>{body}</tbody></table>"


def heading(lines: Iterable[tuple[str, str]]) -> str:
    """Name and value, line by line."""
    return "".join(f"<p>{_safe(name)}: {_safe(text)}</p>" for name, text in lines if text)


def label(resource: Json, known: Known) -> str:
    """What a resource is about."""
    for name in NAMED:
        if text := _text(resource.get(name), known):
            return text
    return ""


def _text(value: Any, known: Known) -> str:
    if isinstance(value, str):
        return value
    if isinstance(value, list):
        return "; ".join(text for one in value if (text := _text(one, known)))
    if not isinstance(value, dict):
        return ""
    if "reference" in value:
        return str(value.get("display", "")) or label(known.get(str(value["reference"]), {}), known)
    return concept(value) or str(value.get("display", ""))


def concept(value: Json) -> str:
    """A CodeableConcept in words: its text, else a display, else a code."""
    codings = value.get("coding", ())
    shown = next((str(one["display"]) for one in codings if one.get("display")), "")
    return str(value.get("text", "")) or shown or next((str(one["code"]) for one in codings if one.get("code")), "")


def value(resource: Json) -> str:
    """The result, or the dose."""
    parts = [text for one in (resource, *resource.get("component", ())) if (text := _result(one, resource))]
    doses = (str(one["text"]) for name in ("dosage", "dosageInstruction") for one in resource.get(name, ())
             if isinstance(one, dict) and one.get("text"))  # fmt: skip
    return "; ".join([*parts, *doses]) or str(resource.get("conclusion", ""))


def _result(one: Json, resource: Json) -> str:
    found = next((show(one[name]) for name, show in _VALUES.items() if name in one), "")
    return f"{concept(one.get('code', {}))} {found}".strip() if found and one is not resource else found


def _quantity(found: Json) -> str:
    amount = "" if found.get("value") is None else str(found["value"])
    return f"{found.get('comparator', '')}{amount} {found.get('unit') or found.get('code') or ''}".strip()


def _range(found: Json) -> str:
    return f"{_quantity(found.get('low', {}))} - {_quantity(found.get('high', {}))}".strip(" -")


def _ratio(found: Json) -> str:
    return f"{_quantity(found.get('numerator', {}))} / {_quantity(found.get('denominator', {}))}"


_VALUES: Mapping[str, Callable[[Any], str]] = {
    "valueQuantity": _quantity, "valueCodeableConcept": concept, "valueString": str, "valueInteger": str,
    "valueBoolean": lambda found: "true" if found else "false", "valueRange": _range, "valueRatio": _ratio,
    "valueDateTime": str, "valueTime": str,
    "valuePeriod": lambda found: f"{found.get('start', '')} - {found.get('end', '')}".strip(" -"),
}  # fmt: skip


def status(resource: Json) -> str:
    """The clinical status, else that of the record; how critical an allergy is."""
    clinical = concept(resource.get("clinicalStatus", {})) or str(resource.get("status", ""))
    return ", ".join(part for part in (clinical, str(resource.get("criticality", ""))) if part)


def name_of(patient: Json) -> str:
    """The first name of a Patient, as its source wrote it."""
    for name in patient.get("name", ()):
        if name.get("text"):
            return str(name["text"])
        parts = [str(name.get("family", "")), *map(str, name.get("given", ()))]
        joint = "" if any("\u3400" <= letter <= "\u9fff" for letter in parts[0]) else " "
        if any(parts):
            return joint.join(part for part in parts if part)
    return ""


def _safe(text: str) -> str:
    return escape(_NOT_XML.sub(" ", text))
