"""
HumanName to XPN and XCN.

https://build.fhir.org/ig/HL7/v2-to-fhir/ConceptMap-datatype-xpn-to-humanname.html, read backwards
"""

from __future__ import annotations

from adapters.facts import Json
from adapters.hl7v2.from_fhir.codes import table_code
from adapters.hl7v2.from_fhir.identifiers import hd, type_code
from adapters.hl7v2.from_fhir.receiver import Receiver
from adapters.hl7v2.from_fhir.shapes import in_table
from adapters.hl7v2.from_fhir.times import dtm
from adapters.hl7v2.from_fhir.writing import Repetition

Resources = dict[str, Json]
_REPRESENTATION = "http://hl7.org/fhir/StructureDefinition/iso21090-EN-representation"


def xpn(name: Json) -> Repetition:
    """A HumanName as XPN, "" when empty; a name of one word stands where the family name does."""
    parts = _parts(name)
    if not any(parts):
        return ""
    period = name.get("period", {})
    spans = (dtm(period.get("start", "")), dtm(period.get("end", "")))
    return (*parts, table_code("0200", name.get("use", "")), _representation(name), "", "", "", *spans)


def _parts(name: Json) -> tuple[str, str, str, str, str, str]:
    """Family, given, further given, suffix, prefix, degree."""
    given, suffix = [str(one) for one in name.get("given", ())], [str(one) for one in name.get("suffix", ())]
    family = str(name.get("family", ""))
    if not family and not given:
        family = str(name.get("text", ""))
    prefix, first, more = " ".join(name.get("prefix", ())), given[0] if given else "", " ".join(given[1:])
    return family, first, more, suffix[0] if suffix else "", prefix, " ".join(suffix[1:])


def _representation(name: Json) -> str:
    code = next((e.get("valueCode", "") for e in name.get("extension", ()) if e.get("url") == _REPRESENTATION), "")
    return table_code("representation", code)


def xcn(reference: Json, resources: Resources, receiver: Receiver) -> Repetition:
    """A reference to a Practitioner as XCN: number and name where the resource is known, else what is displayed."""
    target = resources.get(str(reference.get("reference", "")), {})
    if target.get("resourceType") != "Practitioner":
        display = str(reference.get("display", ""))
        return ("", display) if display else ""
    number: Json = next(iter(target.get("identifier", ())), {})
    name = _parts(next(iter(target.get("name", ())), {"text": reference.get("display", "")}))
    authority = hd(str(number.get("system", "")), receiver) if number else ""
    kind = type_code(number)
    known = kind if in_table(receiver.grammar, "HL70203", kind) else ""
    return (str(number.get("value", "")), *name, "", authority, "", "", "", known)


def xcns(references: list[Json], resources: Resources, receiver: Receiver) -> list[Repetition]:
    """Several; those who are no persons are left out."""
    places = ("Organization/", "Location/")
    persons = [one for one in references if not str(one.get("reference", "")).startswith(places)]
    return [found for one in persons if (found := xcn(one, resources, receiver))]
