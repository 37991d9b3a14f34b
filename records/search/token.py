"""
token: a code, with its system or without; `:not`, `:text`, `:of-type`.

Case makes no difference: a code that is found in spite of it does less harm than one that is missed.

https://hl7.org/fhir/R4/search.html#token
"""

from __future__ import annotations

from collections.abc import Collection
from typing import Any

from records.errors import UnknownParameter
from records.search.extract import Value
from records.search.key import (
    ANY_SYSTEM,
    NOTHING,
    OF_TYPE,
    SYSTEM_CODE,
    TEXT,
    Condition,
    begins,
    between,
    either,
    equals,
)
from records.search.text import normal
from records.search.values import plain, split
from records.stored import Json

MODIFIERS = frozenset({"not", "text", "of-type"})
# Of these the value is what is asked for.
VALUED = frozenset({"Identifier", "ContactPoint"})
# A bar may not be used with these: they have no system.
WITHOUT_SYSTEM = frozenset({"boolean", "string", "id", "uri", "url", "canonical", "oid", "markdown", "ContactPoint"})


def codes(found: Value) -> list[tuple[str, str]]:
    """(system, code) of a value; the system is empty where there is none."""
    value: Any = found.value
    if not isinstance(value, dict):
        return [("", str(value).lower())]
    if "coding" in value:
        return [(str(one.get("system", "")), str(one["code"]).lower()) for one in value["coding"] if one.get("code")]
    if found.type == "CodeableConcept":
        return []
    code = value.get("value") if found.type in VALUED else value.get("code")
    return [(str(value.get("system", "")), str(code).lower())] if code else []


def keys(name: str, found: Value) -> list[str]:
    """The keys of one value."""
    made = [name + form for form in forms(found)]
    if not isinstance(found.value, dict):
        return made
    said = _texts(found.value)
    if found.type == "Identifier":
        kind = found.value.get("type", {})
        said += _texts(kind)
        kinds = codes(Value("CodeableConcept", kind))
        value = str(found.value.get("value", "")).lower()
        made += [f"{name}{OF_TYPE}{system}|{code}|{value}" for system, code in kinds]
    return made + [f"{name}{TEXT}{normal(text)}" for text in said]


def forms(found: Value) -> list[str]:
    """
    Every way in which a code may be asked for, without the parameter's name.

    A plain code has no system that could be asked for; of a system alone the second form is the beginning.
    """
    made = [f"{ANY_SYSTEM}{code}" for _, code in codes(found)]
    if isinstance(found.value, dict) and found.type != "ContactPoint":
        made += [f"{SYSTEM_CODE}{system}|{code}" for system, code in codes(found)]
    return made


def _texts(value: Json) -> list[str]:
    said = [value.get("text"), value.get("display"), *(one.get("display") for one in value.get("coding", ()))]
    return [one for one in said if isinstance(one, str)]


def sort_value(found: Value) -> str | None:
    """The code itself."""
    return next((code for _, code in codes(found)), None)


def asked(value: str) -> tuple[str | None, str]:
    """(system, code) that one alternative asks for; the system is None where any will do, the code may be empty."""
    parts = [plain(part) for part in split(value, "|")]
    if len(parts) > 2:
        raise UnknownParameter("A token is code, system|code, |code or system|.")
    return (None, parts[0].lower()) if len(parts) == 1 else (parts[0], parts[1].lower())


def coded(name: str, value: str) -> Condition:
    """The condition of `code`, `system|code`, `|code`, `system|`."""
    system, code = asked(value)
    if not (system or code):
        raise UnknownParameter("A token is empty.")
    if system is None:
        return equals([f"{name}{ANY_SYSTEM}{code}"])
    return equals([f"{name}{SYSTEM_CODE}{system}|{code}"]) if code else begins(f"{name}{SYSTEM_CODE}{system}|")


def implied(name: str, value: str, systems: Collection[str] | None) -> Condition:
    """
    The condition where the element is a plain code: its system is one of `systems` by definition and stands nowhere.

    None: the definitions do not say which.
    """
    system, code = asked(value)
    if system and systems is not None and system not in systems:
        return NOTHING
    if not code:
        return between(name + ANY_SYSTEM, None, None)
    return equals([f"{name}{ANY_SYSTEM}{code}"])


def media(name: str, value: str) -> Condition:
    """`:below` of a MIME type: `text/xml` is above `text/xml; charset=UTF-8`, and `text` above both."""
    top = f"{name}{ANY_SYSTEM}{plain(value).lower().strip()}"
    return either([equals([top]), *(begins(top + one) for one in (";", " ", *(() if "/" in value else "/")))])


def query(name: str, modifier: str, value: str) -> Condition:
    """The condition of one alternative; `:not` is turned round by the caller."""
    match modifier:
        case "" | "not":
            return coded(name, value)
        case "text":
            return begins(f"{name}{TEXT}{normal(plain(value))}")
        case "of-type":
            parts = [plain(part) for part in split(value, "|")]
            if len(parts) != 3 or not all(parts):
                raise UnknownParameter("of-type needs system|code|value.")
            return equals([f"{name}{OF_TYPE}{parts[0]}|{parts[1].lower()}|{parts[2].lower()}"])
        case _:
            raise UnknownParameter(f"The modifier :{modifier[:32]} is not for tokens.")
