"""
From what was asked to the database's words: every parameter becomes a condition on the flat keys.

Chains and `_has` are answered from the inside out: the inner search runs first, with the caller's own sight.
https://hl7.org/fhir/R4/search.html#chaining, https://hl7.org/fhir/R4/search.html#has
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Collection, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import partial
from typing import Protocol

from records.definitions import SearchParameter, definitions
from records.errors import UnknownParameter
from records.search import (
    bounds,
    composite,
    date,
    narrative,
    near,
    number,
    quantity,
    reference,
    string,
    token,
    traits,
    uri,
)
from records.search.dictionary import NO_DICTIONARY, Dictionary
from records.search.dictionary import condition as by_meaning
from records.search.filter_grammar import parse
from records.search.filter_terms import Terms
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
    inside_of,
    negated,
)
from records.search.ranges import LOW
from records.search.request import Filter, read_filter
from records.search.values import plain, split

# The kinds of key that a value of each type is found by.
FORMS = {
    "string": TEXT, "token": ANY_SYSTEM + TEXT + OF_TYPE, "reference": EXACT + IDENTIFIER + TEXT, "date": START,
    "number": NUMBER + LOW, "quantity": quantity.ANY[0], "uri": EXACT, "special": near.CELL,
}  # fmt: skip
MEANINGS = frozenset({"in", "not-in", "above", "below"})
Step = Callable[[str, str, Sequence[str]], Awaitable[list[str]]]


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
        told = [await self.one(resource_type, one) for one in filters]
        return both([*told, *bounds.implied(resource_type, filters)])

    async def one(self, resource_type: str, asked: Filter) -> Condition:
        """One filter; its alternatives are joined by or."""
        if asked.name == "_has":
            return await self._has(resource_type, asked)
        if asked.chain:
            return await self._chain(resource_type, asked)
        match asked.name:
            case "_filter":
                return await Terms(self, missing).condition(resource_type, parse(asked.values[0]))
            case "_text":
                return either(narrative.query(plain(value)) for value in asked.values)
            case "_list":
                return {"_id": {"$in": await self.finder.listed(resource_type, _lists(asked.values))}}
            case "_id" | "_lastUpdated":
                return _own_field(asked)
        parameter = definitions().search_parameters(resource_type)[asked.name]
        if parameter.type == "reference" and asked.modifier in ("above", "below"):
            return await self._hierarchy(resource_type, parameter, asked)
        return await self.simple(resource_type, parameter, asked)

    async def simple(
        self, resource_type: str, parameter: SearchParameter, asked: Filter, inside: str = ""
    ) -> Condition:
        """A filter that one look at the keys answers; `inside` stands before the keys of what is contained."""
        name = inside + parameter.code
        if asked.modifier == "missing":
            found = missing(name, parameter, asked.values)
        elif asked.modifier in MEANINGS and parameter.type == "token":
            meant = partial(self.meant, resource_type, parameter, name, asked.modifier)
            found = either([await meant(one) for one in asked.values])
        else:
            value = partial(self.value, resource_type, parameter, name, asked.modifier)
            found = either([value(one) for one in asked.values])
        if asked.modifier in ("not", "not-in"):
            found = negated(found)
        return both([between(inside, None, None), found]) if inside else found

    def value(self, resource_type: str, parameter: SearchParameter, name: str, modifier: str, value: str) -> Condition:
        """One alternative."""
        match parameter.type:
            case "string":
                return string.query(name, modifier, value)
            case "token":
                return self._token(resource_type, parameter, name, modifier, value)
            case "reference":
                return self._reference(parameter, name, modifier, value)
            case "date":
                return date.query(name, modifier, value, repeats=traits.repeats(resource_type, parameter))
            case "number":
                return number.query(name, modifier, value, ranged=traits.ranged(traits.datatypes(parameter)))
            case "quantity":
                return quantity.query(name, modifier, value, ranged=traits.ranged(traits.datatypes(parameter)))
            case "uri":
                return self._uri(resource_type, parameter, name, modifier, value)
            case "special":
                return near.query(name, modifier, value)
            case "composite" if not modifier:
                return composite.query(parameter, name, value, _targets_of_parts(resource_type, parameter))
        raise UnknownParameter(f"{parameter.code} is not searched by this server in that way.")

    def _token(self, resource_type: str, parameter: SearchParameter, name: str, modifier: str, value: str) -> Condition:
        types = traits.datatypes(parameter)
        if types and types <= token.WITHOUT_SYSTEM and modifier in ("", "not") and len(split(value, "|")) > 1:
            raise UnknownParameter(f"{parameter.code} has no system: a bar in its value is written \\|.")
        if types != {"code"} or modifier not in ("", "not"):
            return token.query(name, modifier, value)
        return token.implied(name, value, traits.systems(resource_type, parameter))

    async def meant(
        self, resource_type: str, parameter: SearchParameter, name: str, modifier: str, value: str
    ) -> Condition:
        """One alternative of a token with `:in`, `:not-in`, `:above` or `:below`, as the dictionary understands it."""
        if traits.datatypes(parameter) != {"code"}:
            return await self._by_meaning(name, modifier, plain(value))
        if modifier == "below" and traits.is_media(resource_type, parameter):
            return token.media(name, value)
        return await self._by_meaning(name, modifier, plain(value), traits.systems(resource_type, parameter) or ())

    async def _by_meaning(
        self, name: str, modifier: str, value: str, systems: Collection[str] | None = None
    ) -> Condition:
        if modifier in ("in", "not-in"):
            found = await self.dictionary.members(value)
        else:
            system, _, code = value.rpartition("|")
            found = await (self.dictionary.below if modifier == "below" else self.dictionary.above)(system, code)
        if found is None:
            raise UnknownParameter(f"The value set or code system of {name}:{modifier} is not known to this server.")
        return by_meaning(name, found, systems)

    def _uri(self, resource_type: str, parameter: SearchParameter, name: str, modifier: str, value: str) -> Condition:
        """`url|1.0` of a resource that has a business version asks for both."""
        address, *version = split(value, "|")
        known = definitions().search_parameters(resource_type)
        if parameter.code != "url" or modifier or not version or "version" not in known:
            return uri.query(name, modifier, value)
        asked = token.query(name.removesuffix("url") + "version", "", "|".join(version))
        return both([uri.query(name, "", address), asked])

    def _reference(self, parameter: SearchParameter, name: str, modifier: str, value: str) -> Condition:
        types = traits.datatypes(parameter)
        if modifier in ("identifier", "text"):
            if types and "Reference" not in types:
                raise UnknownParameter(f"The modifier :{modifier} is not for canonical addresses.")
        elif modifier and modifier not in parameter.targets:
            raise UnknownParameter(
                f"The modifier :{modifier[:32]} is not for {parameter.code}: it is one of identifier, text, "
                f"{', '.join(parameter.targets[:12])}."
            )
        return reference.query(name, modifier, value, parameter.targets, self.base)

    async def _hierarchy(self, resource_type: str, parameter: SearchParameter, asked: Filter) -> Condition:
        """`:above` and `:below`: of a canonical by its version, else along the references that say "part of"."""
        name, found = parameter.code, list[Condition]()
        for value in asked.values:
            if "Reference" not in traits.datatypes(parameter):
                if asked.modifier == "above":
                    raise UnknownParameter(f"{name}:above is for references to a hierarchy, not for addresses.")
                found.append(reference.versions(name, value))
                continue
            walk = self._all_below if asked.modifier == "below" else self._all_above
            wanted = await walk(name, reference.asked(value, "", parameter.targets))
            found.append(equals([f"{name}{EXACT}{one}" for one in wanted]))
        return either(found)

    async def _all_below(self, name: str, references: Sequence[str]) -> list[str]:
        return await self._closed(name, references, self._parts)

    async def _all_above(self, name: str, references: Sequence[str]) -> list[str]:
        return await self._closed(name, references, self._wholes)

    async def _parts(self, kind: str, code: str, ids: Sequence[str]) -> list[str]:
        return await self.finder.ids(kind, equals([f"{code}{EXACT}{kind}/{one}" for one in ids]))

    async def _wholes(self, kind: str, code: str, ids: Sequence[str]) -> list[str]:
        return await self.finder.targets(kind, {"_id": {"$in": list(ids)}}, f"{code}{EXACT}{kind}/")

    async def _closed(self, name: str, references: Sequence[str], step: Step) -> list[str]:
        """The references and all that steps lead to from them, type by type; a circle ends by itself."""
        found: list[str] = []
        kinds = _by_type(references)
        if not any(traits.hierarchy(kind) for kind in kinds):
            raise UnknownParameter(f"What {name} points at is in no hierarchy: :above and :below are not for it.")
        for kind, ids in kinds.items():
            code, seen, fresh = traits.hierarchy(kind), dict.fromkeys(ids), ids
            while code and fresh:
                fresh = [one for one in dict.fromkeys(await step(kind, code, fresh)) if one not in seen]
                seen.update(dict.fromkeys(fresh))
            found += [f"{kind}/{one}" for one in seen]
        return found

    async def _chain(self, resource_type: str, asked: Filter) -> Condition:
        parameter = definitions().search_parameters(resource_type)[asked.name]
        if parameter.type != "reference":
            raise UnknownParameter(f"{asked.name} is no reference: nothing can be chained to it.")
        inner = {kind: one for kind in _chained(parameter, asked) if (one := _try(kind, asked)) is not None}
        if not inner:
            raise UnknownParameter(f"No target of {asked.name} has the search parameter {asked.chain[:64]!r}.")
        keys: list[str] = []
        for kind, one in inner.items():
            keys += await self.pointing(asked.name, kind, await self.one(kind, one))
        contained = [await self._contained(asked.name, kind, one) for kind, one in inner.items()]
        return either([*([equals(keys)] if keys else []), *(one for one in contained if one)])

    async def pointing(self, name: str, kind: str, condition: Condition) -> list[str]:
        """The keys of what points at a resource of a type that meets a condition."""
        return [f"{name}{EXACT}{kind}/{identity}" for identity in await self.finder.ids(kind, condition)]

    async def _contained(self, name: str, kind: str, inner: Filter) -> Condition | None:
        """A chain is also evaluated inside of what is contained; a chain or an id leads out of it again."""
        parameter = definitions().search_parameters(kind).get(inner.name)
        if inner.chain or parameter is None or inner.name in ("_id", "_lastUpdated"):
            return None
        if parameter.type == "special" or (parameter.type == "reference" and inner.modifier in ("above", "below")):
            return None
        return await self.simple(kind, parameter, inner, inside_of(name, kind))

    async def _has(self, resource_type: str, asked: Filter) -> Condition:
        source, code, rest = (*asked.modifier.split(":", 2), "", "")[:3]
        if f"{source}:{code}" not in definitions().reverse_includes(resource_type) or not rest:
            raise UnknownParameter("_has is _has:[type]:[reference parameter]:[parameter].")
        inner = read_filter(source, rest, ",".join(asked.values))
        condition = await self.one(source, inner)
        found = await self.finder.targets(source, condition, f"{code}{EXACT}{resource_type}/")
        return {"_id": {"$in": found}}


def _by_type(references: Sequence[str]) -> dict[str, list[str]]:
    found: dict[str, list[str]] = {}
    for one in references:
        kind, _, identity = one.partition("/")
        if kind not in definitions().resource_types or not identity:
            raise UnknownParameter("A hierarchy is of resources of this server: [type]/[id].")
        found.setdefault(kind, []).append(identity)
    return found


def _chained(parameter: SearchParameter, asked: Filter) -> Sequence[str]:
    if not asked.modifier:
        return [one for one in parameter.targets if one in definitions().resource_types]
    if asked.modifier not in parameter.targets:
        raise UnknownParameter(f"{parameter.code} does not point at {asked.modifier[:64]!r}.")
    return (asked.modifier,)


def _try(kind: str, asked: Filter) -> Filter | None:
    try:
        return read_filter(kind, asked.chain, ",".join(asked.values))
    except UnknownParameter:
        return None


def _own_field(asked: Filter) -> Condition:
    """`_id` and `_lastUpdated`: fields of the document's own, which everything has."""
    if asked.modifier == "missing":
        return NOTHING if _absent(asked.values) else {}
    if asked.modifier:
        raise UnknownParameter(f"The modifier :{asked.modifier[:32]} is not for {asked.name}.")
    if asked.name == "_id":
        return {"_id": {"$in": [plain(value) for value in asked.values]}}
    return either(_updated(plain(value)) for value in asked.values)


def _lists(values: Sequence[str]) -> list[str]:
    if any(one.startswith("$") for one in values):
        raise UnknownParameter("Lists are asked for by id: this server keeps no current lists of its own.")
    return [plain(one) for one in values]


def _absent(values: Sequence[str]) -> bool:
    if values not in (("true",), ("false",)):
        raise UnknownParameter(":missing is true or false.")
    return values == ("true",)


def missing(name: str, parameter: SearchParameter, values: Sequence[str]) -> Condition:
    """`:missing`."""
    if parameter.type not in FORMS:
        raise UnknownParameter(f"The modifier :missing is not for {parameter.code}: it has no value of its own.")
    ranges = [between(name + kind, None, None) for kind in FORMS[parameter.type]]
    present = either([{"k": name + PRESENT}, *ranges])
    return negated(present) if _absent(values) else present


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
