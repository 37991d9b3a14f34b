"""
How two codes of a system are related.

https://hl7.org/fhir/R4/codesystem-operation-subsumes.html
"""

from __future__ import annotations

from terminology.concepts import Subsumption
from terminology.tables.system import System, prefixes


def subsumption(system: System, a: str, b: str) -> Subsumption:
    """The relation of a to b; both are known, or finer than something known."""
    first, second = _code(system, a), _code(system, b)
    if first == second:
        return "equivalent"
    if first in _above(system, second):
        return "subsumes"
    return "subsumed-by" if second in _above(system, first) else "not-subsumed"


def is_known(system: System, code: str) -> bool:
    """Whether something can be said of a code: it is held, or lies below one that is."""
    return system.find(code) is not None or system.nearest(code) is not None


def _code(system: System, code: str) -> str:
    found = system.find(code)
    return found.code if found else code


def _above(system: System, code: str) -> frozenset[str]:
    # A code by prefix lies below every beginning of it, held or not.
    return frozenset(prefixes(code)) if system.hierarchy == "prefix" else system.above(code)
