"""
composite: several values of one element at once, never one value of this component and one of that.

The key of a composite is the key of its last part behind the codes of the parts before it, so that the last part may
be a range; the systems of the codes stand at the end, for a search may name them or not.
https://hl7.org/fhir/R4/search.html#combining
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from types import ModuleType

from records.definitions import Component, SearchParameter
from records.errors import UnknownParameter
from records.search import date, number, quantity, reference, string, token, uri
from records.search.extract import Finder, Value, finder
from records.search.key import ANY_SYSTEM, EXACT, NUMBER, TAIL, TEXT, Condition, either, ending, equals
from records.search.quantity import RANGED
from records.search.text import normal
from records.search.values import plain, split
from records.stored import Json

SIMPLE: dict[str, ModuleType] = {
    "string": string, "token": token, "reference": reference, "date": date, "number": number, "quantity": quantity,
    "uri": uri,
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Part:
    """A component: its parameter type, and how it is found in the element that the composite looks at."""

    type: str
    find: Finder


def parts_of(parameter: SearchParameter) -> tuple[Part, ...]:
    """The components of a composite, ready to be found."""
    return tuple(Part(one.type, finder(one.paths)) for one in parameter.components)


def keys(name: str, parts: Sequence[Part], node: Json) -> Iterator[str]:
    """The keys of one element that the composite looks at."""
    last = parts[-1].find(node)
    if not last:
        return
    heads = [(name, "")]
    for part in parts[:-1]:
        forms = [form for found in part.find(node) for form in _forms(part.type, found)]
        heads = [(f"{head}{form}$", tail + end) for head, tail in heads for form, end in forms]
    for found in last:
        for head, tail in heads:
            yield from (key + tail + end for key, end in _last(parts[-1].type, head, found))


def _forms(kind: str, found: Value) -> Iterator[tuple[str, str]]:
    """How a part that is not the last is asked for, and its system, for the end of the key."""
    match kind:
        case "token":
            yield from ((ANY_SYSTEM + code, TAIL + system) for system, code in token.codes(found))
        case "reference":
            yield from ((EXACT + one, "") for one in reference.targets(found))
        case "number":
            yield from ((NUMBER + number.encode(one), "") for one in number.numbers(found))
        case "string":
            yield from ((TEXT + normal(one), "") for one in string.texts(found))
        case "uri":
            yield EXACT + str(found.value), ""


def _last(kind: str, head: str, found: Value) -> Iterator[tuple[str, str]]:
    if kind == "token":
        yield from ((head + form, end) for form, end in _forms(kind, found))
    else:
        yield from ((key, "") for key in SIMPLE[kind].keys(head, found))


def query(parameter: SearchParameter, name: str, value: str, allowed: Sequence[str]) -> Condition:
    """The condition of one alternative, `code$value`; `allowed` are types that a reference in it may be of."""
    parts = parameter.components
    given = split(value, "$")
    if len(given) != len(parts):
        raise UnknownParameter(f"{parameter.code} needs {len(parts)} parts with $ between them.")
    if any(one.type in ("number", "quantity", "date") for one in parts[:-1]):
        return _by_pattern(parts, name, given)
    names, ends = [name], ""
    for component, part in zip(parts[:-1], given[:-1], strict=True):
        ends += _system(component.type, part)
        names = [f"{name}{form}$" for name in names for form in _asked(component.type, part, allowed)]
    last = parts[-1].type
    ends += _system(last, given[-1])
    found = either(_query(parts[-1], name, given[-1], allowed) for name in names)
    return ending(found, ends) if ends else found


def _query(component: Component, name: str, part: str, allowed: Sequence[str]) -> Condition:
    match component.type:
        case "reference":
            return reference.query(name, "", part, allowed)
        case "token":
            return equals([f"{name}{ANY_SYSTEM}{_code(part)}"])
        case "quantity" | "number":
            ranged = any(one in RANGED for path in component.paths for one in path.datatypes)
            compared: Condition = SIMPLE[component.type].query(name, "", part, ranged=ranged)
            return compared
        case _:
            found: Condition = SIMPLE[component.type].query(name, "", part)
            return found


def _by_pattern(parts: Sequence[Component], name: str, given: Sequence[str]) -> Condition:
    """Where a part that is not the last is ordered, each with its prefix: a code, then numbers alone."""
    pattern, ends = re.escape(name), ""
    for at, (component, part) in enumerate(zip(parts, given, strict=True)):
        pattern += re.escape("$") if at else ""
        match component.type:
            case "token":
                ends += _system("token", part)
                pattern += re.escape(ANY_SYSTEM + _code(part))
            case "number":
                pattern += re.escape(NUMBER) + number.pattern(number.asked(plain(part)))
            case _:
                raise UnknownParameter(f"{name} cannot be asked for in this way.")
    return {"k": {"$regex": f"^{pattern}{ends}$"}}


def _system(kind: str, part: str) -> str:
    """What the end of the key must be like for the system of a token."""
    if kind != "token":
        return ""
    system, _ = token.asked(part)
    return TAIL + (f"[^{TAIL}]*" if system is None else re.escape(system))


def _code(part: str) -> str:
    _, code = token.asked(part)
    if not code:
        raise UnknownParameter("In a composite a token needs its code.")
    return code


def _asked(kind: str, part: str, allowed: Sequence[str]) -> list[str]:
    match kind:
        case "token":
            return [ANY_SYSTEM + _code(part)]
        case "reference":
            wanted = plain(part)
            return [EXACT + one for one in ([wanted] if "/" in wanted else [f"{kind}/{wanted}" for kind in allowed])]
        case "string":
            return [TEXT + normal(plain(part))]
        case _:
            return [EXACT + plain(part)]
