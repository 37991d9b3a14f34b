"""
composite: several values of one element at once, never one value of this component and one of that.

The key of a composite is the key of its last part behind the forms of the parts before it, so that the last part may
be a range. https://hl7.org/fhir/R4/search.html#combining
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from types import ModuleType

from records.definitions import SearchParameter
from records.errors import UnknownParameter
from records.search import date, number, quantity, reference, string, token, uri
from records.search.extract import Finder, Value, finder
from records.search.key import EXACT, NUMBER, TEXT, Condition, either
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
    part, rest = parts[0], parts[1:]
    for found in part.find(node):
        if not rest:
            yield from SIMPLE[part.type].keys(name, found)
            continue
        for form in _forms(part.type, found):
            yield from keys(f"{name}{form}$", rest, node)


def _forms(kind: str, found: Value) -> Iterator[str]:
    match kind:
        case "token":
            yield from token.forms(found)
        case "reference":
            yield from (EXACT + one for one in reference.targets(found))
        case "number":
            yield from (NUMBER + number.encode(one) for one in number.numbers(found))
        case "string":
            yield from (TEXT + normal(one) for one in string.texts(found))
        case "uri":
            yield EXACT + str(found.value)


def query(parameter: SearchParameter, value: str, allowed: Sequence[str]) -> Condition:
    """The condition of one alternative, `code$value`; `allowed` are types that a reference in it may be of."""
    parts = parameter.components
    given = split(value, "$")
    if len(given) != len(parts):
        raise UnknownParameter(f"{parameter.code} needs {len(parts)} parts with $ between them.")
    names = [parameter.code]
    for component, part in zip(parts[:-1], given[:-1], strict=True):
        names = [f"{name}{form}$" for name in names for form in _asked(component.type, part, allowed)]
    last = parts[-1].type
    if last == "reference":
        return either(reference.query(name, "", given[-1], allowed) for name in names)
    return either(SIMPLE[last].query(name, "", given[-1]) for name in names)


def _asked(kind: str, part: str, allowed: Sequence[str]) -> list[str]:
    match kind:
        case "token":
            return [token.form(part)]
        case "reference":
            wanted = plain(part)
            return [EXACT + one for one in ([wanted] if "/" in wanted else [f"{kind}/{wanted}" for kind in allowed])]
        case "number":
            return [NUMBER + number.encode(number.asked(part).value)]
        case "string":
            return [TEXT + normal(plain(part))]
        case _:
            return [EXACT + plain(part)]
