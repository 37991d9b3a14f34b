"""
`_filter` as a condition: its tree is walked, each test is asked of the keys, each path is followed like a chain.

`a[b eq c].d eq e` means one resource behind `a` for which both hold.
https://hl7.org/fhir/R4/search_filter.html
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from functools import partial
from typing import Protocol

from records.definitions import SearchParameter, definitions
from records.errors import UnknownParameter
from records.search import composite, filter_tests, traits
from records.search.filter_grammar import Expression, Logical, Not, Step, Test
from records.search.key import Condition, both, either, equals, inside_of, negated
from records.search.request import Filter, unknown

# Names that R4 defines for `_filter` alone: their children are the components of a composite, in its order.
GROUPED = {
    ("DocumentReference", "relatesTo"): ("relationship", ("target", "code")),
    ("Group", "characteristic"): ("characteristic-value", ("code", "value")),
}
OWN = frozenset({"_id", "_lastUpdated"})


class Conditions(Protocol):
    """What is needed of the compiler of plain parameters."""

    async def one(self, resource_type: str, asked: Filter, /) -> Condition:
        """One filter."""
        ...

    def value(
        self, resource_type: str, parameter: SearchParameter, name: str, modifier: str, value: str, /
    ) -> Condition:
        """One alternative."""
        ...

    async def meant(
        self, resource_type: str, parameter: SearchParameter, name: str, modifier: str, value: str, /
    ) -> Condition:
        """One alternative of a token, as the dictionary understands it."""
        ...

    async def pointing(self, name: str, kind: str, condition: Condition, /) -> list[str]:
        """The keys of what points at a resource of a type that meets a condition."""
        ...


@dataclass(frozen=True, slots=True)
class Terms:
    """Compiles the expressions of one search."""

    plain: Conditions
    missing: Callable[[str, SearchParameter, Sequence[str]], Condition]

    async def condition(self, resource_type: str, asked: Expression) -> Condition:
        """The condition of a whole expression on a type."""
        match asked:
            case Not(inner):
                return negated(await self.condition(resource_type, inner))
            case Logical(kind, left, right):
                join = both if kind == "and" else either
                return join([await self.condition(resource_type, left), await self.condition(resource_type, right)])
            case Test():
                return await self._test(resource_type, asked)

    async def _test(self, resource_type: str, test: Test) -> Condition:
        # These speak of all values together: none of them meets the contrary.
        if test.operator == "ni":
            return negated(await self._test(resource_type, replace(test, operator="in")))
        if test.operator == "pr" and _asks_for_none(test):
            return negated(await self._test(resource_type, replace(test, value="true")))
        first, rest = test.path[0], test.path[1:]
        if (resource_type, first.name) in GROUPED:
            return self._grouped(resource_type, test)
        parameter = _parameter(resource_type, first, test)
        if not rest:
            return await self._single(resource_type, parameter, test)
        return await self._chain(parameter, first, replace(test, path=rest))

    async def _chain(self, parameter: SearchParameter, first: Step, rest: Test) -> Condition:
        if parameter.type != "reference":
            raise UnknownParameter(f"_filter: {first.name} is no reference: nothing stands behind it.")
        name, keys, contained = parameter.code, list[str](), list[Condition]()
        answered = [kind for kind in parameter.targets if _has(kind, rest.path[0]) and _all_known(kind, first.only)]
        if not answered:
            wanted = rest.path[0].name[:64]
            raise UnknownParameter(f"_filter, character {rest.at}: no target of {name} has {wanted!r}.")
        for kind in answered:
            inner = [await self.condition(kind, one) for one in (first.only, rest) if one is not None]
            keys += await self.plain.pointing(name, kind, both(inner))
            if first.only is None and len(rest.path) == 1 and (kind, rest.path[0].name) not in GROUPED:
                contained += await self._inside(name, kind, rest)
        return either([*([equals(keys)] if keys else []), *contained])

    async def _inside(self, name: str, kind: str, test: Test) -> list[Condition]:
        """The same asked of what is contained."""
        parameter = _parameter(kind, test.path[0], test)
        if parameter.code in OWN or parameter.type == "special":
            return []
        return [await self._asked(kind, parameter, test, inside_of(name, kind))]

    async def _single(self, resource_type: str, parameter: SearchParameter, test: Test) -> Condition:
        if parameter.code not in OWN:
            return await self._asked(resource_type, parameter, test)
        own = partial(Filter, parameter.code, "")
        match test.operator:
            case "pr":
                return await self.plain.one(resource_type, Filter(parameter.code, "missing", ("false",)))
            case "ne" if parameter.code == "_id":
                return negated(await self.plain.one(resource_type, own((test.value,))))
            case "eq" if parameter.code == "_id":
                return await self.plain.one(resource_type, own((test.value,)))
            case one if parameter.code == "_lastUpdated" and one in filter_tests.ORDERED:
                return await self.plain.one(resource_type, own((one + test.value,)))
            case "po" | "co" if parameter.code == "_lastUpdated":
                return await self.plain.one(resource_type, own(("eq" + test.value,)))
        offered = "eq ne pr" if parameter.code == "_id" else "eq ne co gt lt ge le sa eb ap po pr"
        raise filter_tests.not_for(test.operator, parameter.code, offered)

    async def _asked(self, resource_type: str, parameter: SearchParameter, test: Test, inside: str = "") -> Condition:
        """What the keys say, `inside` standing before those of what is contained."""
        name, operator, value = inside + parameter.code, test.operator, test.value
        ask = partial(self.plain.value, resource_type, parameter, name)
        if operator == "pr":
            return self.missing(name, parameter, ("false",))
        match parameter.type:
            case "string":
                return filter_tests.string_test(name, operator, value)
            case "number":
                ranged = traits.ranged(traits.datatypes(parameter))
                return filter_tests.number_test(name, operator, value, ranged=ranged)
            case "quantity":
                ranged = traits.ranged(traits.datatypes(parameter))
                return filter_tests.quantity_test(name, operator, value, ranged=ranged)
            case "date":
                repeats = traits.repeats(resource_type, parameter)
                return filter_tests.date_test(name, operator, value, repeats=repeats)
            case "token" if operator in filter_tests.MEANINGS:
                modifier, code = filter_tests.MEANINGS[operator], filter_tests.system_named(value, at=0)
                return await self.plain.meant(resource_type, parameter, name, modifier, code)
            case "token":
                return filter_tests.token_test(name, operator, value, ask)
            case "uri":
                return filter_tests.uri_test(name, operator, value, ask)
            case "reference":
                return filter_tests.reference_test(operator, value, ask)
            case _:
                raise UnknownParameter(f"_filter: {parameter.code} is asked for as a parameter of its own.")

    def _grouped(self, resource_type: str, test: Test) -> Condition:
        """`relatesTo[code eq replaces].target re DocumentReference/1`: two components of one element."""
        first, rest = test.path[0], test.path[1:]
        code, children = GROUPED[resource_type, first.name]
        only = first.only
        if not (isinstance(only, Test) and only.operator == "eq" and len(only.path) == len(rest) == 1):
            raise UnknownParameter(f"_filter: {first.name} is {first.name}[{' eq x].'.join(children)} eq y, or turned.")
        given = {only.path[0].name: only.value, rest[0].name: test.value}
        if given.keys() != set(children) or test.operator not in ("eq", "re"):
            raise UnknownParameter(f"_filter: {first.name} has {' and '.join(children)}, compared by eq or re.")
        parameter = definitions().search_parameters(resource_type)[code]
        wanted = "$".join(given[one].replace("$", "\\$") for one in children)
        return composite.query(parameter, code, wanted, ("DocumentReference",))


def _asks_for_none(test: Test) -> bool:
    if test.value not in ("true", "false"):
        raise UnknownParameter(f"_filter: pr is true or false (character {test.at}).")
    return test.value == "false"


def _parameter(resource_type: str, step: Step, test: Test) -> SearchParameter:
    found = definitions().search_parameters(resource_type).get(step.name)
    if found is None:
        raise UnknownParameter(f"_filter, character {test.at}: {unknown(resource_type, step.name)}")
    return found


def _has(kind: str, step: Step) -> bool:
    known = definitions()
    if kind not in known.resource_types:
        return False
    return step.name in known.search_parameters(kind) or (kind, step.name) in GROUPED


def _all_known(kind: str, only: Expression | None) -> bool:
    """Whether a type has every parameter that a restriction begins its tests with."""
    match only:
        case None:
            return True
        case Not(inner):
            return _all_known(kind, inner)
        case Logical(_, left, right):
            return _all_known(kind, left) and _all_known(kind, right)
        case Test(path):
            return _has(kind, path[0])
