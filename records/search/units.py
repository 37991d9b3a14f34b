"""
UCUM: a unit as a factor of its base units, so that 5.4 g is found by 5400 mg.

Any code is computed from the table of atoms by the grammar of UCUM; the units that HL7 calls common are in a table of
their own, as they were computed when the definitions were built. https://ucum.org/ucum
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal, localcontext
from functools import cache, lru_cache
from typing import Any

from records.definitions.load import read

UCUM = "http://unitsofmeasure.org"
Canonical = tuple[str, Decimal]
# Of an annotation, printable ASCII without blanks and braces; of an atom, what is no operator; the rest by itself.
_PIECE = re.compile(r"\{[!-z|~]*\}|[./()]|(?:\[[!-Z^-z|~]*\]|[^./(){}\[\]\s])+")
_SIMPLE = re.compile(r"(.*?)([+-]?[0-9]+)?", re.DOTALL)
_DEEPEST = 20


class _NoUnit(Exception):
    """It is not UCUM, or a scale that is no multiple of anything."""


@dataclass(frozen=True, slots=True)
class _Term:
    factor: Decimal
    base: Mapping[str, float]

    def times(self, other: _Term, power: int = 1) -> _Term:
        base = dict(self.base)
        for name, exponent in other.base.items():
            base[name] = base.get(name, 0) + exponent * power
        return _Term(self.factor * other.factor**power, base)


_ONE = _Term(Decimal(1), {})


def canonical(code: str) -> Canonical | None:
    """(base units, factor) of a UCUM code, None where it has none: `mg` is ("kg", 1E-6)."""
    known = _common()
    return known[code] if code in known else computed(code)


@cache
def _common() -> dict[str, Canonical | None]:
    return {code: found and (found[0], Decimal(found[1])) for code, found in read("units")["common"].items()}


@lru_cache(maxsize=4096)
def computed(code: str) -> Canonical | None:
    """The same by the grammar of UCUM, for any code."""
    pieces = _PIECE.findall(code)
    if "".join(pieces) != code or not pieces or _counts(pieces):
        return None
    try:
        with localcontext() as context:
            context.prec = 30
            term = _Reader(pieces).whole()
    except (_NoUnit, ArithmeticError):
        # Such as degrees Celsius: compared as written.
        return None
    return _written(term.base), Decimal(f"{float(term.factor):.12g}")


def _counts(pieces: list[str]) -> bool:
    """`{Capsule}`, `{Molecule}/{Platelet}`: says what is counted, and is compared as written."""
    return pieces[0].startswith("{") and all(piece[0] in "{./" for piece in pieces)


def _written(base: Mapping[str, float]) -> str:
    """`kg / m / s ** 2`."""
    above = [_power(name, exponent) for name, exponent in sorted(base.items()) if exponent > 0]
    below = [_power(name, -exponent) for name, exponent in sorted(base.items()) if exponent < 0]
    return " / ".join([" * ".join(above) or "1", *below]) if above or below else ""


def _power(name: str, exponent: float) -> str:
    return name if exponent == 1 else f"{name} ** {exponent:g}"


class _Reader:
    """Reads the pieces of one code from left to right: `a/b.c` is `(a/b).c`."""

    def __init__(self, pieces: list[str]) -> None:
        self._pieces = pieces[::-1]

    def whole(self) -> _Term:
        term = self._term(0)
        if self._pieces:
            raise _NoUnit
        return term

    def _term(self, depth: int) -> _Term:
        if depth > _DEEPEST:
            raise _NoUnit
        term = _ONE
        operator = self._pieces.pop() if self._next() == "/" else "."
        while True:
            term = term.times(self._component(depth), 1 if operator == "." else -1)
            if self._next() not in (".", "/"):
                return term
            operator = self._pieces.pop()

    def _next(self) -> str:
        return self._pieces[-1] if self._pieces else ""

    def _component(self, depth: int) -> _Term:
        if not self._pieces:
            raise _NoUnit
        piece = self._pieces.pop()
        if piece == "(":
            term = self._term(depth + 1)
            if not self._pieces or self._pieces.pop() != ")":
                raise _NoUnit
        elif piece.startswith("{"):
            return _ONE
        else:
            term = _unit(piece)
        if self._next().startswith("{"):
            self._pieces.pop()
        return term


def _unit(piece: str) -> _Term:
    """A number, or an atom with its prefix and its exponent."""
    if piece.isascii() and piece.isdigit():
        return _Term(Decimal(piece), {})
    matched = _SIMPLE.fullmatch(piece)
    if matched is None or not matched[1]:
        raise _NoUnit
    return _ONE.times(_atom(matched[1]), int(matched[2] or 1))


def _atom(code: str) -> _Term:
    atoms, prefixes = _table()
    if (known := atoms.get(code)) is not None:
        return known[0]
    for size in (2, 1):
        prefix, rest = prefixes.get(code[:size]), atoms.get(code[size:])
        if prefix is not None and rest is not None and rest[1]:
            return _Term(prefix * rest[0].factor, rest[0].base)
    raise _NoUnit


@cache
def _table() -> tuple[dict[str, tuple[_Term, bool]], dict[str, Decimal]]:
    """Atoms, each with whether prefixes may stand before it; and the prefixes."""
    found: dict[str, Any] = read("units")
    atoms = {code: (_Term(Decimal(factor), base), metric) for code, (factor, base, metric) in found["atoms"].items()}
    return atoms, {code: Decimal(factor) for code, factor in found["prefixes"].items()}
