"""
token: a code, with its system or without; `:not`, `:text`, `:of-type`.

https://hl7.org/fhir/R4/search.html#token
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from records.errors import UnknownParameter
from records.search.extract import Value
from records.search.key import ANY_SYSTEM, OF_TYPE, SYSTEM_CODE, TEXT, Condition, begins, equals
from records.search.text import normal
from records.search.values import plain, split

MODIFIERS = frozenset({"not", "text", "of-type"})
CODED = frozenset({"Coding", "CodeableConcept", "Identifier", "ContactPoint", "Quantity"})


def codes(found: Value) -> Iterator[tuple[str, str]]:
    """(system, code) of a value; the system is empty where there is none."""
    value: Any = found.value
    if isinstance(value, bool):
        yield "", "true" if value else "false"
    elif not isinstance(value, dict):
        yield "", str(value)
    elif "coding" in value:
        for coding in value["coding"]:
            yield from codes(Value("Coding", coding))
    elif found.type == "CodeableConcept":
        return
    else:
        code = value.get("value") if found.type in ("Identifier", "ContactPoint") else value.get("code")
        if code:
            yield str(value.get("system", "")), str(code)


def keys(name: str, found: Value) -> list[str]:
    """The keys of one value."""
    made = [name + form for form in forms(found)]
    if not isinstance(found.value, dict):
        return made
    made += [f"{name}{TEXT}{normal(text)}" for text in _texts(found)]
    if found.type == "Identifier":
        kinds = codes(Value("CodeableConcept", found.value.get("type", {})))
        made += [f"{name}{OF_TYPE}{system}|{code}|{found.value.get('value', '')}" for system, code in kinds]
    return made


def forms(found: Value) -> Iterator[str]:
    """
    Every way in which a code may be asked for, without the parameter's name.

    A plain code has no system that could be asked for; of a system alone the second form is the beginning.
    """
    coded = isinstance(found.value, dict)
    for system, code in codes(found):
        yield f"{ANY_SYSTEM}{code}"
        if coded:
            yield f"{SYSTEM_CODE}{system}|{code}"


def _texts(found: Value) -> Iterator[str]:
    if isinstance(found.value, dict):
        if isinstance(text := found.value.get("text"), str):
            yield text
        if isinstance(text := found.value.get("display"), str):
            yield text
        for coding in found.value.get("coding", ()):
            yield from _texts(Value("Coding", coding))
        if found.type == "Identifier":
            yield from _texts(Value("CodeableConcept", found.value.get("type", {})))


def sort_value(found: Value) -> str | None:
    """The code itself."""
    return next((code for _, code in codes(found)), None)


def asked(value: str) -> tuple[str | None, str]:
    """(system, code) that one alternative asks for; the system is None where any will do, the code may be empty."""
    parts = [plain(part) for part in split(value, "|")]
    if len(parts) > 2:
        raise UnknownParameter("A token is code, system|code, |code or system|.")
    return (None, parts[0]) if len(parts) == 1 else (parts[0], parts[1])


def coded(name: str, value: str, *, systemless: bool = False) -> Condition:
    """
    The condition of `code`, `system|code`, `|code`, `system|`.

    `systemless`: the element is a plain code, whose system is known by definition and stands nowhere.
    """
    system, code = asked(value)
    if system is None or systemless:
        return equals([f"{name}{ANY_SYSTEM}{code}"])
    return equals([f"{name}{SYSTEM_CODE}{system}|{code}"]) if code else begins(f"{name}{SYSTEM_CODE}{system}|")


def query(name: str, modifier: str, value: str, *, systemless: bool = False) -> Condition:
    """The condition of one alternative; `:not` is turned round by the caller."""
    match modifier:
        case "" | "not":
            return coded(name, value, systemless=systemless)
        case "text":
            return begins(f"{name}{TEXT}{normal(plain(value))}")
        case "of-type":
            parts = [plain(part) for part in split(value, "|")]
            if len(parts) != 3:
                raise UnknownParameter("of-type needs system|code|value.")
            return equals([f"{name}{OF_TYPE}{parts[0]}|{parts[1]}|{parts[2]}"])
        case _:
            raise UnknownParameter(f"The modifier :{modifier} is not for tokens.")
