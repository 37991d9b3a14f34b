"""
What of a Patient is compared with others: taken once from the resource, kept beside the link.

https://hl7.org/fhir/R4/patient.html
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass
from typing import Any

from hie.identity import id_number, names
from records.stored import Json

_NOT_DIGITS = re.compile(r"\D")
_ADDRESS_NOISE = re.compile(r"[\s,，。.\-—()（）#]")
# An account or visit number is nobody's name.
_PASSING_TYPES = frozenset({"AN", "VN", "ANON"})
_FULL_ADDRESS = 8
_MOTHER = "urn:hie:mother-identity"


@dataclass(frozen=True, slots=True)
class Demographics:
    """
    One source record, normalised. "" and () mean absent.

    `ids` are valid resident identity numbers, `doubtful_ids` what was sent as one and is none. `cards` are other
    identifiers as `system|value`. `birth` is an ISO date.
    """

    names: tuple[str, ...] = ()
    birth: str = ""
    gender: str = ""
    ids: tuple[str, ...] = ()
    doubtful_ids: tuple[str, ...] = ()
    phones: tuple[str, ...] = ()
    address: str = ""
    cards: tuple[str, ...] = ()
    mother: str = ""
    birth_order: str = ""
    unidentified: bool = False
    newborn: bool = False

    @property
    def name(self) -> str:
        """The first name."""
        return self.names[0] if self.names else ""

    def document(self) -> dict[str, Any]:
        """For the database."""
        return {name: list(v) if isinstance(v, tuple) else v for name, v in asdict(self).items() if v}


def from_document(document: Mapping[str, Any]) -> Demographics:
    """Back from the database."""
    fields: dict[str, Any] = {name: tuple(v) if isinstance(v, list) else v for name, v in document.items()}
    return Demographics(**fields)


def of(patient: Json) -> Demographics:
    """Take them from a Patient resource."""
    raw = [text for name in patient.get("name", ()) if (text := _text(name)) and name.get("use") != "old"]
    numbers = [str(i["value"]) for i in patient.get("identifier", ()) if _is_id(i)]
    valid = [number.value for text in numbers if (number := id_number.parse(text))]
    newborn = any(map(names.is_newborn, raw))
    mother = _mother(patient)
    return Demographics(
        names=_unique(map(names.normalise, raw)),
        birth=_birth(patient),
        gender=patient.get("gender", "") if patient.get("gender") in ("male", "female") else "",
        # A newborn is registered with its mother's number: that names the mother.
        ids=() if newborn else _unique(valid),
        doubtful_ids=() if newborn else _unique(n for n in map(id_number.normalise, numbers) if not id_number.parse(n)),
        phones=_unique(_phone(t) for t in patient.get("telecom", ()) if t.get("system") in (None, "phone", "sms")),
        address=_address(patient),
        cards=_unique(map(_card, patient.get("identifier", ()))),
        mother=mother or (valid[0] if newborn and valid else ""),
        birth_order=str(patient.get("multipleBirthInteger", "")),
        unidentified=_unidentified(patient, raw),
        newborn=newborn,
    )


def _text(name: Json) -> str:
    if name.get("text"):
        return str(name["text"])
    family, given = str(name.get("family", "")), [str(part) for part in name.get("given", ())]
    return "".join([family, *given]) if names.is_han(family) else " ".join([family, *given]).strip()


def _is_id(identifier: Json) -> bool:
    return identifier.get("system") == id_number.SYSTEM and bool(identifier.get("value"))


def _birth(patient: Json) -> str:
    birth = str(patient.get("birthDate", ""))
    return birth if len(birth) == 10 else ""


def _phone(telecom: Json) -> str:
    digits = _NOT_DIGITS.sub("", str(telecom.get("value", "")))
    digits = digits.removeprefix("0086") if digits.startswith("0086") else digits
    digits = digits[2:] if len(digits) == 13 and digits.startswith("86") else digits
    return digits if len(digits) >= 7 and len(set(digits)) > 1 else ""


def _address(patient: Json) -> str:
    for address in patient.get("address", ()):
        text = address.get("text") or "".join(
            [address.get("state", ""), address.get("city", ""), address.get("district", ""), *address.get("line", ())]
        )
        plain = _ADDRESS_NOISE.sub("", names.normalise(str(text)))
        if len(plain) >= _FULL_ADDRESS and any(character.isdigit() for character in plain):
            return plain
    return ""


def _card(identifier: Json) -> str:
    kinds = {coding.get("code") for coding in identifier.get("type", {}).get("coding", ())}
    system, value = identifier.get("system"), identifier.get("value")
    if not system or not value or system == id_number.SYSTEM or kinds & _PASSING_TYPES:
        return ""
    return f"{system}|{value}"


def _mother(patient: Json) -> str:
    for extension in patient.get("extension", ()):
        if extension.get("url") == _MOTHER:
            number = id_number.parse(str(extension.get("valueIdentifier", {}).get("value", "")))
            return number.value if number else ""
    return ""


def _unidentified(patient: Json, raw: list[str]) -> bool:
    if any(tag.get("code") == "NO-MATCH" for tag in patient.get("meta", {}).get("tag", ())):
        return True
    return any(map(names.is_unidentified, raw)) or not (raw or patient.get("identifier"))


def _unique(values: Iterable[str]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(value for value in values if value))
