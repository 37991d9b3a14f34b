"""
uri: the same address; `:below` begins so, `:above` is a beginning of it.

An address with a version, `url|1.0`, is found with its version and without.
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
    if not isinstance(found.value, str):
        return []
    whole = f"{name}{EXACT}{found.value}"
    return [whole, whole.rpartition("|")[0]] if "|" in found.value else [whole]


def sort_value(found: Value) -> str | None:
    """The address."""
    return found.value if isinstance(found.value, str) else None


def query(name: str, modifier: str, value: str) -> Condition:
    """The condition of one alternative."""
    # The bar before a version need not be escaped: an address has no parts that it could stand between.
    wanted = plain(value)
    match modifier:
        case "":
            return equals([f"{name}{EXACT}{wanted}"])
        case "below":
            return begins(f"{name}{EXACT}{_url(wanted)}")
        case "above":
            return equals([f"{name}{EXACT}{one}" for one in beginnings(_url(wanted))])
        case _:
            raise UnknownParameter(f"The modifier :{modifier[:32]} is not for addresses.")


def beginnings(url: str) -> list[str]:
    """The address and those it lies below, each with and without the slash at its end."""
    host = url.find("/", url.find("://") + 3)
    ends = [at for at, one in enumerate(url) if one == "/" and at >= host > 0]
    return list(dict.fromkeys([*(one for end in ends for one in (url[:end], url[: end + 1])), url]))


def _url(wanted: str) -> str:
    if "://" not in wanted:
        raise UnknownParameter("The modifiers :above and :below are for addresses with ://, not for URNs.")
    return wanted
