"""
The definitions in force in one store: those of R4, with the parameters that were added to it at run time.

A store sets them while it reads and writes, so that everything below asks `definitions()` and sees what its own store
answers. A parameter is indexed from the moment it is known, and answered once its index is complete.
https://hl7.org/fhir/R4/searchparameter.html
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from records.definitions import IN_FORCE, Definitions, SearchParameter, official


@dataclass(frozen=True, slots=True)
class Custom:
    """A parameter that was added, by resource type; `unanswered` says why it is not answered yet, or is empty."""

    url: str
    code: str
    parameters: Mapping[str, SearchParameter]
    unanswered: str = ""


class InForce(Definitions):
    """
    The standard with what is beyond it; never changed, only replaced by one of a later generation.

    `withheld` are standard parameters, by type and code, whose keys are being made again, each with the reason.
    """

    def __init__(
        self, generation: int, customs: Sequence[Custom] = (), withheld: Mapping[str, Mapping[str, str]] | None = None
    ) -> None:
        self.generation = generation
        self._withheld = withheld or {}
        self._custom: dict[str, dict[str, Custom]] = {}
        for one in customs:
            for name in one.parameters:
                self._custom.setdefault(name, {})[one.code] = one
        self._indexed = {
            name: tuple(one.parameters[name] for one in by_code.values()) for name, by_code in self._custom.items()
        }
        self._answered: dict[str, Mapping[str, SearchParameter]] = {}

    @property
    def waits(self) -> bool:
        """Whether something known is not answered yet."""
        known = (one for by_code in self._custom.values() for one in by_code.values())
        return bool(self._withheld) or any(one.unanswered for one in known)

    def custom(self, resource_type: str) -> tuple[SearchParameter, ...]:
        """Everything that the type is indexed by beyond the standard."""
        return self._indexed.get(resource_type, ())

    def unanswered(self, resource_type: str) -> Mapping[str, str]:
        """By code: why it is not answered now."""
        waiting = {code: one.unanswered for code, one in self._custom.get(resource_type, {}).items() if one.unanswered}
        return {**self._withheld.get(resource_type, {}), **waiting}

    def search_parameters(self, resource_type: str) -> Mapping[str, SearchParameter]:
        """What is answered: the standard ones but for those withheld, and the added ones that are complete."""
        if resource_type not in self._custom and resource_type not in self._withheld:
            return official().search_parameters(resource_type)
        if resource_type not in self._answered:
            self._answered[resource_type] = self._answer(resource_type)
        return self._answered[resource_type]

    def _answer(self, resource_type: str) -> Mapping[str, SearchParameter]:
        unanswered = self.unanswered(resource_type)
        known = {**official().search_parameters(resource_type), **{one.code: one for one in self.custom(resource_type)}}
        return {code: one for code, one in known.items() if code not in unanswered}

    def includes(self, resource_type: str) -> tuple[str, ...]:
        """`Observation:subject` for each reference parameter of the type that is answered."""
        known = self.search_parameters(resource_type).values()
        return tuple(f"{resource_type}:{one.code}" for one in known if one.type == "reference")

    def reverse_includes(self, resource_type: str) -> tuple[str, ...]:
        """`Observation:subject` of every type that can point at this one."""
        return self._reverse.get(resource_type, ()) if self._extended else official().reverse_includes(resource_type)

    @property
    def _extended(self) -> bool:
        return bool(self._custom or self._withheld)

    @cached_property
    def _reverse(self) -> dict[str, tuple[str, ...]]:
        found: dict[str, list[str]] = {}
        for source in sorted(self.resource_types):
            for one in self.search_parameters(source).values():
                for target in one.targets if one.type == "reference" else ():
                    found.setdefault(target, []).append(f"{source}:{one.code}")
        return {target: tuple(names) for target, names in found.items()}

    # What R4 says stays as it is, and is loaded once for all.

    @property
    def _search(self) -> dict[str, Any]:  # type: ignore[override]
        return official()._search

    @property
    def _structures(self) -> dict[str, Any]:  # type: ignore[override]
        return official()._structures

    @property
    def resource_types(self) -> frozenset[str]:  # type: ignore[override]
        """The types that are stored and served."""
        return official().resource_types

    @property
    def value_sets(self) -> Mapping[str, Mapping[str, frozenset[str]]]:  # type: ignore[override]
        """Codes of the required bindings."""
        return official().value_sets


NOTHING_ADDED = InForce(0)


@contextmanager
def in_force(known: Definitions) -> Iterator[None]:
    """Everything inside sees these definitions."""
    token = IN_FORCE.set(known)
    try:
        yield
    finally:
        IN_FORCE.reset(token)
