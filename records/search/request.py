"""
A search as it was asked: an address's parameters as a frozen value; what cannot be answered is refused.

https://hl7.org/fhir/R4/search.html
"""

from __future__ import annotations

import difflib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from functools import cache
from typing import Literal

from records.definitions import definitions
from records.errors import UnknownParameter
from records.search.filter_grammar import parse
from records.search.key import EXACT
from records.search.values import split

Pair = tuple[str, str]
Total = Literal["none", "estimate", "accurate"]
MOST_SORTS = 4
# Answered of every type, beside what the definitions name.
EVERYWHERE = ("_id", "_lastUpdated", "_list", "_text", "_filter")
CONTROL = (
    "_sort", "_count", "_total", "_include", "_revinclude", "_has", "_elements", "_summary", "_format", "_pretty",
)  # fmt: skip
REFUSED = {
    "_content": "_content is not answered: keys for every word of a resource would more than double its index. "
    "_text searches the narrative.",
    "_query": "This server has no named queries.",
    "_containedType": "Contained resources are not answered by themselves; chains look into them.",
}
SUMMARIES = ("true", "text", "data", "count", "false")
# What is about the form of the answer: read by the interface, only checked here.
FORM = frozenset({"_elements", "_summary", "_format", "_pretty"})


@dataclass(frozen=True, slots=True)
class Filter:
    """One parameter: `chain` is what follows a dot; for `_has` the modifier is all that follows the colon."""

    name: str
    modifier: str
    values: tuple[str, ...]
    chain: str = ""


@dataclass(frozen=True, slots=True)
class Sort:
    """One sort key; `_id` and `_lastUpdated` are sort keys too."""

    code: str
    descending: bool = False


@dataclass(frozen=True, slots=True)
class Include:
    """`source:code(:target)`; a code of * means every reference."""

    source: str
    code: str
    target: str = ""
    iterate: bool = False


@dataclass(frozen=True, slots=True)
class Request:
    """
    Everything a search asks. `applied` is what the self link shows; `within` are keys of which a row must have one:
    those of a compartment.
    """

    type: str
    filters: tuple[Filter, ...] = ()
    sort: tuple[Sort, ...] = ()
    includes: tuple[Include, ...] = ()
    reverse_includes: tuple[Include, ...] = ()
    count: int | None = None
    total: Total | None = None
    only_count: bool = False
    applied: tuple[Pair, ...] = field(default=())
    within: tuple[str, ...] = ()


def compartment(name: str, identity: str, resource_type: str) -> tuple[str, ...]:
    """
    Keys by which a resource of a type is in a compartment: `("encounter=Encounter/1",)`.

    UnknownParameter where the type is in no such compartment. https://hl7.org/fhir/R4/compartmentdefinition.html
    """
    codes = definitions().compartment(name).get(resource_type, ())
    if not codes:
        raise UnknownParameter(f"{resource_type} is not in the compartment of a {name}.")
    return tuple(f"{code}{EXACT}{name}/{identity}" for code in codes)


def read(resource_type: str, params: Sequence[Pair], *, lenient: bool = False) -> Request:
    """Read the parameters; UnknownParameter names what cannot be answered, and what was perhaps meant."""
    reader = _Reader(resource_type)
    applied = []
    for name, value in params:
        try:
            reader.take(name, value)
        except UnknownParameter:
            if not lenient:
                raise
            continue
        applied.append((name, value))
    if ("_summary", "text") in applied and (reader.includes or reader.reverse):
        raise UnknownParameter("_include and _revinclude cannot be mixed with _summary=text.")
    return Request(
        resource_type, tuple(reader.filters), tuple(reader.sort), tuple(reader.includes), tuple(reader.reverse),
        reader.count, reader.total, reader.only_count, tuple(applied),
    )  # fmt: skip


class _Reader:
    """Collects what `read` turns into a Request."""

    def __init__(self, resource_type: str) -> None:
        self.type = resource_type
        self.filters: list[Filter] = []
        self.sort: list[Sort] = []
        self.includes: list[Include] = []
        self.reverse: list[Include] = []
        self.count: int | None = None
        self.total: Total | None = None
        self.only_count = False

    def take(self, name: str, value: str) -> None:
        """One pair of the address."""
        base, _, modifier = name.partition(":")
        if modifier and base in CONTROL and base not in ("_include", "_revinclude", "_has"):
            raise UnknownParameter(f"{base} has no modifiers.")
        match base:
            case "_sort":
                self.sort += [_sort(self.type, part) for part in _parts(name, value)]
                if len(self.sort) > MOST_SORTS:
                    raise UnknownParameter(f"_sort may name {MOST_SORTS} parameters.")
            case "_count":
                self.count = _number(value)
            case "_total":
                self.total = _total(value)
            case "_include":
                self.includes.append(_include(value, modifier))
            case "_revinclude":
                self.reverse.append(_include(value, modifier))
            case "_contained":
                if value != "false":
                    raise UnknownParameter(REFUSED["_containedType"])
            case _ if base in FORM:
                self._form(base, value)
            case _:
                self.filters.append(read_filter(self.type, name, value))

    def _form(self, name: str, value: str) -> None:
        if name == "_summary":
            if value not in SUMMARIES:
                raise UnknownParameter(f"_summary is one of {', '.join(SUMMARIES)}.")
            self.only_count = value == "count"
        if name == "_elements":
            for part in _parts(name, value):
                _check_element(self.type, part)


def _check_element(resource_type: str, part: str) -> None:
    """Of a search across types another one may have it."""
    kind, _, name = part.strip().rpartition(".")
    kinds = (kind or resource_type, *([] if kind else sorted(definitions().resource_types)))
    if not any(name in _elements(one) for one in kinds):
        raise UnknownParameter(f"{kind or resource_type} has no element {name[:64]!r} at its top.")


@cache
def _elements(resource_type: str) -> frozenset[str]:
    """The elements of a resource by their names in JSON and in the definition."""
    if not definitions().is_resource(resource_type):
        return frozenset()
    known = definitions().structure(resource_type).elements
    return frozenset(known) | {one.name for one in known.values()}


def _parts(name: str, value: str) -> list[str]:
    if not value:
        raise UnknownParameter(f"{name} has no value.")
    return split(value, ",")


def _number(value: str) -> int:
    if not value.isascii() or not value.isdigit() or len(value) > 9:
        raise UnknownParameter("_count is a whole number.")
    return int(value)


def _total(value: str) -> Total:
    match value:
        case "none" | "estimate" | "accurate":
            return value
    raise UnknownParameter("_total is one of none, estimate, accurate.")


def _sort(resource_type: str, part: str) -> Sort:
    code = part.removeprefix("-")
    if code == "_score":
        raise UnknownParameter("Searches here are exact: there is no _score to sort by.")
    if code not in ("_id", "_lastUpdated"):
        parameter = definitions().search_parameters(resource_type).get(code)
        if parameter is None or parameter.type in ("composite", "special"):
            refusal = f"{resource_type} cannot be sorted by {code[:64]!r}."
            raise UnknownParameter(_not_yet(resource_type, code) or refusal + _meant(resource_type, code))
    return Sort(code, part.startswith("-"))


def _include(value: str, modifier: str) -> Include:
    if modifier not in ("", "iterate", "recurse"):
        raise UnknownParameter(f"The modifier :{modifier[:32]} is not for includes.")
    iterate = modifier != ""
    if value == "*":
        return Include("*", "*", iterate=iterate)
    source, _, rest = value.partition(":")
    code, _, target = rest.partition(":")
    known = definitions()
    if source not in known.resource_types or (code != "*" and f"{source}:{code}" not in known.includes(source)):
        refusal = f"{value[:64]!r} names no reference parameter to include."
        raise UnknownParameter(_not_yet(source, code) or refusal)
    if target and target not in known.resource_types:
        raise UnknownParameter(f"{target[:64]!r} is no resource type of this server.")
    return Include(source, code, target, iterate)


def read_filter(resource_type: str, name: str, value: str) -> Filter:
    """One search parameter of a type; also what follows a chain or `_has`."""
    if name.startswith("_has:"):
        return Filter("_has", name.removeprefix("_has:"), _values("_has", value))
    if name == "_filter":
        parse(value)
        return Filter("_filter", "", (value,))
    head, dot, chain = name.partition(".")
    base, _, modifier = head.partition(":")
    if base in REFUSED:
        raise UnknownParameter(REFUSED[base])
    if base in ("_list", "_text") and (modifier or dot):
        raise UnknownParameter(f"{base} has no modifiers, and nothing is chained to it.")
    if base not in EVERYWHERE and base not in definitions().search_parameters(resource_type):
        raise UnknownParameter(unknown(resource_type, base))
    if dot and not chain:
        raise UnknownParameter("A chain ends with a parameter.")
    return Filter(base, modifier, _values(name, value), chain)


def _values(name: str, value: str) -> tuple[str, ...]:
    found = tuple(_parts(name[:64], value))
    if not all(found):
        raise UnknownParameter(f"{name[:64]} has an empty value.")
    return found


def unknown(resource_type: str, code: str) -> str:
    """Why a parameter is not answered, and what was perhaps meant."""
    refusal = f"{resource_type} has no search parameter {code[:64]!r}."
    return _not_yet(resource_type, code) or refusal + _meant(resource_type, code)


def _not_yet(resource_type: str, code: str) -> str:
    """Why a parameter that is known is not answered now; empty where it is not known."""
    why = definitions().unanswered(resource_type).get(code)
    return f"The search parameter {code} of {resource_type} is not answered yet. {why}" if why else ""


def _meant(resource_type: str, code: str) -> str:
    known = {*definitions().search_parameters(resource_type), *EVERYWHERE, *CONTROL}
    near = difflib.get_close_matches(code, sorted(known), n=3, cutoff=0.6)
    return f" Perhaps {_listed(near)}?" if near else ""


def _listed(names: Iterable[str]) -> str:
    return " or ".join(names)
