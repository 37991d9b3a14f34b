"""
The Composition: whose summary, by whom, and its sections, each with codes, words, and entries or the reason for none.

http://hl7.org/fhir/uv/ips/StructureDefinition/Composition-uv-ips
"""

from __future__ import annotations

import uuid
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from hie.fhir.operations.summary import narrative
from hie.fhir.operations.summary.gathering import Item
from hie.fhir.operations.summary.rules import Rules, Section
from hie.fhir.operations.summary.words import Words
from records.stored import Json

LOINC = "http://loinc.org"
EMPTY = "http://terminology.hl7.org/CodeSystem/list-empty-reason"
CONFIDENTIALITY = "http://terminology.hl7.org/CodeSystem/v3-Confidentiality"
ACT_CODE = "http://terminology.hl7.org/CodeSystem/v3-ActCode"
_LEVELS = ("U", "L", "M", "N", "R", "V")


@dataclass(frozen=True, slots=True)
class Own:
    """A resource that the exchange says itself, under an address of its own."""

    address: str
    resource: Json


@dataclass(frozen=True, slots=True)
class Draft:
    """Everything that a summary is made of."""

    rules: Rules
    base: str
    at: datetime
    language: str
    words: Words
    subject: Item
    sections: Mapping[str, Sequence[Item]]
    supporting: Sequence[Item]

    def items(self) -> list[Item]:
        """Every stored resource once: the subject, then section by section, then what those point at."""
        listed = [self.subject, *(item for items in self.sections.values() for item in items), *self.supporting]
        return list({item.reference: item for item in listed}.values())


def own(identity: uuid.UUID, resource: Json) -> Own:
    """With the id that its address says."""
    return Own(f"urn:uuid:{identity}", {"resourceType": resource["resourceType"], "id": str(identity)} | resource)


def exchange(draft: Draft) -> tuple[Own, Own]:
    """The software that composed the summary, and the organization that answers for it."""
    kept = {"system": "urn:ietf:rfc:3986", "value": draft.base}
    body: Json = {"resourceType": "Organization", "identifier": [kept], "active": True, "name": draft.words["exchange"]}
    organization = own(uuid.uuid5(uuid.NAMESPACE_URL, f"{draft.base}#organization"), body)
    software: Json = {
        "resourceType": "Device",
        "identifier": [{"system": "urn:ietf:rfc:3986", "value": f"{draft.base}/Patient/$summary"}],
        "deviceName": [{"name": draft.words["exchange"], "type": "user-friendly-name"}],
        "version": [{"value": draft.rules.version}],
        "owner": {"reference": organization.address},
    }
    return own(uuid.uuid5(uuid.NAMESPACE_URL, f"{draft.base}#device"), software), organization


def composition(draft: Draft, identity: uuid.UUID, author: Own, custodian: Own) -> Own:
    """The first entry."""
    words, rules = draft.words, draft.rules
    known = {item.reference: item.resource for item in draft.items()}
    patient = draft.subject.resource
    told = [(words["of"], narrative.name_of(patient)), (words["born"], str(patient.get("birthDate", ""))),
            (words["made"], _instant(draft.at))]  # fmt: skip
    by = narrative.heading(told) + narrative.heading([(words["title"], words["by"])])
    resource: Json = {
        "resourceType": "Composition",
        "meta": {"profile": [rules["composition_profile"]]},
        "language": draft.language,
        "text": narrative.narrative(draft.language, by),
        "identifier": {"system": "urn:ietf:rfc:3986", "value": f"urn:uuid:{identity}"},
        "status": "final",
        "type": _concept(rules["type"]["code"], rules["type"]["display"]),
        "subject": {"reference": f"{draft.base}/{draft.subject.reference}"},
        "date": _instant(draft.at),
        "author": [{"reference": author.address, "display": words["exchange"]}],
        "title": words["title"],
        "confidentiality": confidentiality(draft.items()),
        "custodian": {"reference": custodian.address, "display": words["exchange"]},
        "section": [
            _section(draft, one, draft.sections[one.key], known)
            for one in rules.sections
            if draft.sections[one.key] or one.use != "optional"
        ],
    }
    return own(identity, resource)


def _section(draft: Draft, section: Section, items: Sequence[Item], known: Mapping[str, Json]) -> Json:
    words = draft.words
    body = narrative.table(items, known, words) if items else narrative.empty(words)
    shown: Json = {
        "title": words[section.key],
        "code": _concept(section.code, section.display),
        "text": narrative.narrative(draft.language, body),
    }
    if items:
        return shown | {"entry": [{"reference": f"{draft.base}/{item.reference}"} for item in items]}
    # The same whether nothing was recorded or nothing may be shown: the exchange cannot tell "none known".
    reason = {"system": EMPTY, "code": "unavailable", "display": "Unavailable"}
    return shown | {"emptyReason": {"coding": [reason], "text": words["nothing"]}}


def _concept(code: str, display: str) -> Json:
    return {"coding": [{"system": LOINC, "code": code, "display": display}]}


def confidentiality(items: Iterable[Item]) -> str:
    """The highest level of what is inside; a label of a sensitive matter alone means restricted."""
    found = ["N"]
    for item in items:
        for one in item.resource.get("meta", {}).get("security", ()):
            if one.get("system") == CONFIDENTIALITY and one.get("code") in _LEVELS:
                found.append(one["code"])
            elif one.get("system") == ACT_CODE:
                found.append("R")
    return max(found, key=_LEVELS.index)


def _instant(at: datetime) -> str:
    return at.isoformat(timespec="milliseconds").replace("+00:00", "Z")
