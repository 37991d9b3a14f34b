"""
A search as it was asked: an address's parameters as a frozen value; what cannot be answered is refused.

https://hl7.org/fhir/R4/search.html
"""

from __future__ import annotations

import difflib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Literal

from records.definitions import definitions
from records.errors import UnknownParameter
from records.search.key import EXACT
from records.search.values import split

Pair = tuple[str, str]
Total = Literal["none", "estimate", "accurate"]
MOST_SORTS = 4
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
        match base:
            case "_sort":
                self.sort = [_sort(self.type, part) for part in _parts(name, value)][:MOST_SORTS]
            case "_count":
                self.count = _number(value)
            case "_total":
                self.total = _total(value)
            case "_include":
                self.includes.append(_include(value, modifier))
            case "_revinclude":
                self.reverse.append(_include(value, modifier))
            case _ if base in FORM:
                self._form(base, value)
            case _:
                self.filters.append(read_filter(self.type, name, value))

    def _form(self, name: str, value: str) -> None:
        if name == "_summary":
            if value not in SUMMARIES:
                raise UnknownParameter(f"_summary is one of {', '.join(SUMMARIES)}.")
            self.only_count = value == "count"


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
    head, dot, chain = name.partition(".")
    base, _, modifier = head.partition(":")
    if base not in ("_id", "_lastUpdated", "_list") and base not in definitions().search_parameters(resource_type):
        refusal = f"{resource_type} has no search parameter {base[:64]!r}."
        raise UnknownParameter(_not_yet(resource_type, base) or refusal + _meant(resource_type, base))
    if dot and not chain:
        raise UnknownParameter("A chain ends with a parameter.")
    return Filter(base, modifier, _values(name, value), chain)


def _values(name: str, value: str) -> tuple[str, ...]:
    found = tuple(_parts(name[:64], value))
    if not all(found):
        raise UnknownParameter(f"{name[:64]} has an empty value.")
    return found


def _not_yet(resource_type: str, code: str) -> str:
    """Why a parameter that is known is not answered now; empty where it is not known."""
    why = definitions().unanswered(resource_type).get(code)
    return f"The search parameter {code} of {resource_type} is not answered yet. {why}" if why else ""


def _meant(resource_type: str, code: str) -> str:
    near = difflib.get_close_matches(code, definitions().search_parameters(resource_type), n=3, cutoff=0.6)
    return f" Perhaps {_listed(near)}?" if near else ""


def _listed(names: Iterable[str]) -> str:
    return " or ".join(names)
