"""
From what was asked to the database's words: every parameter becomes a condition on the flat keys.

Chains and `_has` are answered from the inside out: the inner search runs first, with the caller's own sight.
https://hl7.org/fhir/R4/search.html#chaining, https://hl7.org/fhir/R4/search.html#has
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Protocol

from records.definitions import SearchParameter, definitions
from records.errors import UnknownParameter
from records.search import composite, date, number, quantity, reference, string, token, uri
from records.search.dictionary import NO_DICTIONARY, Dictionary
from records.search.dictionary import condition as by_meaning
from records.search.key import (
    ANY_SYSTEM,
    EXACT,
    IDENTIFIER,
    NOTHING,
    NUMBER,
    OF_TYPE,
    PRESENT,
    START,
    TEXT,
    Condition,
    between,
    both,
    either,
    equals,
    negated,
)
from records.search.request import Filter, read_filter
from records.search.values import plain

# The kinds of key that a value of each type is found by.
FORMS = {
    "string": TEXT, "token": ANY_SYSTEM + TEXT + OF_TYPE, "reference": EXACT + IDENTIFIER, "date": START,
    "number": NUMBER, "quantity": quantity.ANY[0], "uri": EXACT, "composite": ANY_SYSTEM + EXACT + NUMBER + TEXT,
}  # fmt: skip
MEANINGS = frozenset({"in", "not-in", "above", "below"})
SYSTEMLESS = frozenset({"code", "boolean", "string", "id", "uri", "canonical", "oid", "url", "markdown"})


class Finder(Protocol):
    """What an inner search needs of the store; both see only what the caller sees, and raise TooCostly."""

    async def ids(self, resource_type: str, condition: Condition) -> list[str]:
        """Ids of all that match."""
        ...

    async def targets(self, resource_type: str, condition: Condition, prefix: str) -> list[str]:
        """What the keys behind `prefix` of all that match say."""
        ...

    async def listed(self, resource_type: str, lists: Sequence[str]) -> list[str]:
        """Ids of the resources of a type that these List resources name."""
        ...


@dataclass(frozen=True, slots=True)
class Compiler:
    """Compiles the filters of one search; `base` is the server's own address in absolute references."""

    finder: Finder
    base: str = ""
    dictionary: Dictionary = NO_DICTIONARY

    async def all(self, resource_type: str, filters: Sequence[Filter]) -> Condition:
        """Every filter holds."""
        return both([await self.one(resource_type, one) for one in filters])

    async def one(self, resource_type: str, asked: Filter) -> Condition:
        """One filter; its alternatives are joined by or."""
        if asked.name == "_has":
            return await self._has(resource_type, asked)
        if asked.chain:
            return await self._chain(resource_type, asked)
        if asked.modifier == "missing":
            return _missing(asked, definitions().search_parameters(resource_type).get(asked.name))
        if asked.name == "_list":
            return {"_id": {"$in": await self.finder.listed(resource_type, asked.values)}}
        if asked.name == "_id":
            return {"_id": {"$in": [plain(value) for value in asked.values]}}
        if asked.name == "_lastUpdated":
            return either(_updated(value) for value in asked.values)
        parameter = definitions().search_parameters(resource_type)[asked.name]
        found = either([self._value(resource_type, parameter, asked.modifier, value) for value in asked.values])
        return negated(found) if asked.modifier in ("not", "not-in") else found

    def _value(self, resource_type: str, parameter: SearchParameter, modifier: str, value: str) -> Condition:
        name = parameter.code
        match parameter.type:
            case "string":
                return string.query(name, modifier, value)
            case "token" if modifier in MEANINGS:
                return self._by_meaning(name, modifier, plain(value))
            case "token":
                return token.query(name, modifier, value, systemless=_systemless(parameter))
            case "reference":
                return self._reference(parameter, modifier, value)
            case "date":
                return date.query(name, modifier, value)
            case "number":
                return number.query(name, modifier, value)
            case "quantity":
                return quantity.query(name, modifier, value)
            case "uri":
                return uri.query(name, modifier, value)
            case "composite" if not modifier:
                return composite.query(parameter, value, _targets_of_parts(resource_type, parameter))
        raise UnknownParameter(f"{name} is not searched by this server in that way.")

    def _by_meaning(self, name: str, modifier: str, value: str) -> Condition:
        if modifier in ("in", "not-in"):
            found = self.dictionary.members(value)
        else:
            system, _, code = value.rpartition("|")
            found = (self.dictionary.below if modifier == "below" else self.dictionary.above)(system, code)
        if found is None:
            raise UnknownParameter(f"The value set or code system of {name}:{modifier} is not known to this server.")
        return by_meaning(name, found)

    def _reference(self, parameter: SearchParameter, modifier: str, value: str) -> Condition:
        if modifier and modifier != "identifier" and modifier not in definitions().resource_types:
            raise UnknownParameter(f"The modifier :{modifier[:32]} is not for references.")
        return reference.query(parameter.code, modifier, value, parameter.targets, self.base)

    async def _chain(self, resource_type: str, asked: Filter) -> Condition:
        parameter = definitions().search_parameters(resource_type)[asked.name]
        if parameter.type != "reference":
            raise UnknownParameter(f"{asked.name} is no reference: nothing can be chained to it.")
        inner = {kind: one for kind in _chained(parameter, asked) if (one := _try(kind, asked)) is not None}
        if not inner:
            raise UnknownParameter(f"No target of {asked.name} has the search parameter {asked.chain[:64]!r}.")
        keys: list[str] = []
        for kind, one in inner.items():
            found = await self.finder.ids(kind, await self.one(kind, one))
            keys += [f"{asked.name}{EXACT}{kind}/{identity}" for identity in found]
        return equals(keys) if keys else NOTHING

    async def _has(self, resource_type: str, asked: Filter) -> Condition:
        source, code, rest = (*asked.modifier.split(":", 2), "", "")[:3]
        if f"{source}:{code}" not in definitions().reverse_includes(resource_type) or not rest:
            raise UnknownParameter("_has is _has:[type]:[reference parameter]:[parameter].")
        inner = read_filter(source, rest, ",".join(asked.values))
        condition = await self.one(source, inner)
        found = await self.finder.targets(source, condition, f"{code}{EXACT}{resource_type}/")
        return {"_id": {"$in": found}}


def _chained(parameter: SearchParameter, asked: Filter) -> Sequence[str]:
    offered = definitions().resource_types
    if asked.modifier:
        if asked.modifier not in offered:
            raise UnknownParameter(f"{asked.modifier[:64]!r} is no resource type of this server.")
        return (asked.modifier,)
    return [one for one in parameter.targets if one in offered]


def _try(kind: str, asked: Filter) -> Filter | None:
    try:
        return read_filter(kind, asked.chain, ",".join(asked.values))
    except UnknownParameter:
        return None


def _missing(asked: Filter, parameter: SearchParameter | None) -> Condition:
    if asked.values not in (("true",), ("false",)):
        raise UnknownParameter(":missing is true or false.")
    absent = asked.values == ("true",)
    if parameter is None or asked.name in ("_id", "_lastUpdated"):
        return NOTHING if absent else {}
    present = _present(parameter)
    return negated(present) if absent else present


def _present(parameter: SearchParameter) -> Condition:
    """A document with any key of the parameter."""
    ranges = [between(parameter.code + kind, None, None) for kind in FORMS[parameter.type]]
    return either([{"k": parameter.code + PRESENT}, *ranges])


def _systemless(parameter: SearchParameter) -> bool:
    """The system of a plain code is known by definition and stands nowhere in the resource."""
    types = {datatype for path in parameter.paths for datatype in path.datatypes}
    return bool(types) and types <= SYSTEMLESS


def _targets_of_parts(resource_type: str, parameter: SearchParameter) -> Sequence[str]:
    known = definitions().search_parameters(resource_type)
    return [target for one in parameter.components if one.code in known for target in known[one.code].targets]


def _updated(value: str) -> Condition:
    prefix, wanted = date.asked(value)
    start, end = (datetime.fromisoformat(one).replace(tzinfo=UTC) for one in wanted)
    match prefix:
        case "ne":
            return {"$or": [{"t": {"$lt": start}}, {"t": {"$gt": end}}]}
        case "gt" | "sa":
            return {"t": {"$gt": end}}
        case "lt" | "eb":
            return {"t": {"$lt": start}}
        case "ge":
            return {"t": {"$gte": start}}
        case "le":
            return {"t": {"$lte": end}}
        case _:
            return {"t": {"$gte": start, "$lte": end}}
