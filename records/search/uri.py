"""
uri: the same address; `:below` begins so, `:above` is a beginning of it.

https://hl7.org/fhir/R4/search.html#uri
"""

from __future__ import annotations

from records.errors import UnknownParameter
from records.search.extract import Value
from records.search.key import EXACT, Condition, begins, equals
from records.search.values import plain

MODIFIERS = frozenset({"above", "below"})


def keys(name: str, found: Value) -> list[str]:
    """The keys of one value."""
    return [f"{name}{EXACT}{found.value}"] if isinstance(found.value, str) else []


def sort_value(found: Value) -> str | None:
    """The address."""
    return found.value if isinstance(found.value, str) else None


def query(name: str, modifier: str, value: str) -> Condition:
    """The condition of one alternative."""
    wanted = plain(value)
    match modifier:
        case "":
            return equals([f"{name}{EXACT}{wanted}"])
        case "below":
            return begins(f"{name}{EXACT}{wanted}")
        case "above":
            ends = [at for at, one in enumerate(wanted) if one in "/:"]
            return equals([f"{name}{EXACT}{wanted[:end]}" for end in (*ends, len(wanted))])
        case _:
            raise UnknownParameter(f"The modifier :{modifier} is not for addresses.")
