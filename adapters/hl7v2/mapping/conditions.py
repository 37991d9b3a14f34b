"""
The conditions of the guide's rows ("Computable ANTLR"): parsed into a small tree, compiled into a closure.

https://build.fhir.org/ig/HL7/v2-to-fhir/mapping_guidelines.html (conditions)

    condition  = [IF] either
    either     = both {OR both}
    both       = unit {AND unit}
    unit       = ( either ) | [IF] [reference] test
    test       = [IS] [NOT] VALUED | [NOT] EQUALS value | [NOT] IN (value, ...) | [IS] [NOT] value
               | LENGTH compare number | COUNT compare number

A reference without a test takes the next one ("TQ1-7 AND TQ1-8 NOT VALUED"), a test without a reference the last
one, or the row's own field.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass, replace

from adapters.hl7v2.mapping.scope import Reference, Scope

Holds = Callable[[Scope], bool]

_TOKENS = re.compile(
    r"""\s*(?:(?P<text>"[^"]*"|'[^']*'|“[^”]*”)
    |(?P<reference>[A-Z][A-Z0-9]{1,2}[-.]\d+(?:\.\d+)*)
    |(?P<number>\d+)
    |(?P<sign>[(),]|>=|<=|!=|[=<>])
    |(?P<word>[A-Za-z][A-Za-z.]*))""",
    re.VERBOSE,
)
_SYNONYMS = {
    "VALUE": "VALUED", "EXISTS": "VALUED", "EXIST": "VALUED", "EQUAL": "EQUALS", "=": "EQUALS", "LST.COUNT": "COUNT",
}  # fmt: skip
_FILLERS = frozenset({"IF", "IS", "DOES", "TO", "THAN", "VALUES"})


class NotACondition(Exception):
    """The text is not of the syntax."""


@dataclass(frozen=True, slots=True)
class Test:
    """`kind` is valued, in, equals (another field), length or count."""

    kind: str
    values: tuple[str, ...] = ()
    other: Reference | None = None
    compare: str = "="
    number: int = 0
    negated: bool = False


@dataclass(frozen=True, slots=True)
class Asks:
    """A test of one field; `of` None is the row's own."""

    of: Reference | None
    test: Test


@dataclass(frozen=True, slots=True)
class All:
    """AND."""

    parts: tuple[Condition, ...]


@dataclass(frozen=True, slots=True)
class Any:
    """OR."""

    parts: tuple[Condition, ...]


Condition = Asks | All | Any


def parse(text: str) -> Condition:
    """The tree of a condition. Raises NotACondition."""
    parser = _Parser(_tokens(text))
    found = parser.either()
    if parser.rest:
        raise NotACondition(f"not understood from {parser.rest[0][1]!r}")
    return found


def _tokens(text: str) -> list[tuple[str, str]]:
    found: list[tuple[str, str]] = []
    at, end = 0, len(text.rstrip())
    while at < end:
        match = _TOKENS.match(text, at)
        if match is None:
            raise NotACondition(f"not understood from {text[at : at + 12]!r}")
        at, kind = match.end(), str(match.lastgroup)
        word = match[kind].upper() if kind == "word" else match[kind]
        if kind in ("word", "sign"):
            word = _SYNONYMS.get(word, word)
            kind = "word" if word.isalpha() or "." in word else kind
        if word not in _FILLERS:
            found.append((kind, word.strip("\"'“”") if kind == "text" else word))
    return found


class _Parser:
    """By recursive descent; `rest` are the tokens still to be read, `last` the reference read last."""

    def __init__(self, tokens: list[tuple[str, str]]) -> None:
        self.rest = tokens
        self.last: Reference | None = None

    def either(self) -> Condition:
        return self._joined("OR", self.both, Any)

    def both(self) -> Condition:
        return self._joined("AND", self.unit, All)

    def _joined(self, word: str, part: Callable[[], Condition], kind: type[All] | type[Any]) -> Condition:
        parts = [part()]
        while self._take(word):
            parts.append(part())
        return parts[0] if len(parts) == 1 else kind(tuple(parts))

    def unit(self) -> Condition:
        if self._take("("):
            found = self.either()
            self._expect(")")
            return found
        if self._peek() == "reference":
            self.last = Reference.of(self._next())
            if self.rest and self.rest[0][1] in ("AND", "OR"):
                return self._borrowed(self.last)
        return Asks(self.last, self.test())

    def _borrowed(self, first: Reference) -> Condition:
        """`A AND B AND C NOT VALUED`: one test of all of them."""
        of, word = [first], self.rest[0][1]
        while self._take(word):
            if self._peek() != "reference":
                raise NotACondition("a field without a test")
            of.append(Reference.of(self._next()))
        self.last, test = of[-1], self.test()
        return (All if word == "AND" else Any)(tuple(Asks(one, test) for one in of))

    def test(self) -> Test:
        negated = self._take("NOT") or self._take("!=", keep=True)
        found = self._test()
        return replace(found, negated=not found.negated) if negated else found

    def _test(self) -> Test:
        kind, word = self.rest.pop(0) if self.rest else ("", "the end")
        if kind == "text":
            return Test("in", (word,))
        match word:
            case "VALUED":
                return Test("valued")
            case "EMPTY":
                return Test("valued", negated=True)
            case "EQUALS" | "!=":
                return self._equal()
            case "IN":
                return Test("in", self._list())
            case "LENGTH" | "COUNT":
                return self._measured(word.lower())
        raise NotACondition(f"no test: {word}")

    def _equal(self) -> Test:
        if self._peek() == "reference":
            return Test("equals", other=Reference.of(self._next()))
        if self._peek() not in ("text", "number"):
            raise NotACondition("equals what?")
        return Test("in", (self._next(),))

    def _list(self) -> tuple[str, ...]:
        self._expect("(")
        found = [self._text()]
        while self._take(","):
            found.append(self._text())
        self._expect(")")
        return tuple(found)

    def _text(self) -> str:
        if self._peek() != "text":
            raise NotACondition("a list of texts")
        return self._next()

    def _measured(self, kind: str) -> Test:
        sign = {"GREATER": ">", "LESS": "<", "EQUALS": "="}.get(word := self._next(), word)
        if sign not in (">", "<", "=", ">=", "<=") or self._peek() != "number":
            raise NotACondition(f"{kind} of what?")
        return Test(kind, compare=sign, number=int(self._next()))

    def _peek(self) -> str:
        return self.rest[0][0] if self.rest else ""

    def _next(self) -> str:
        if not self.rest:
            raise NotACondition("ends too early")
        return self.rest.pop(0)[1]

    def _take(self, word: str, *, keep: bool = False) -> bool:
        if not self.rest or self.rest[0][0] == "text" or self.rest[0][1] != word:
            return False
        if not keep:
            self.rest.pop(0)
        return True

    def _expect(self, word: str) -> None:
        if not self._take(word):
            raise NotACondition(f"{word} is missing")


_COMPARE: dict[str, Callable[[int, int], bool]] = {
    "=": int.__eq__, ">": int.__gt__, "<": int.__lt__, ">=": int.__ge__, "<=": int.__le__,
}  # fmt: skip


def compiled(condition: Condition, own: Reference) -> Holds:
    """A condition as one closure; `own` is the row's field."""
    if isinstance(condition, Asks):
        return _asked(condition.of or own, condition.test)
    parts = tuple(compiled(part, own) for part in condition.parts)
    if isinstance(condition, All):
        return lambda scope: all(part(scope) for part in parts)
    return lambda scope: any(part(scope) for part in parts)


def _asked(of: Reference, test: Test) -> Holds:
    holds = _holds(of, test)
    return (lambda scope: not holds(scope)) if test.negated else holds


def _holds(of: Reference, test: Test) -> Holds:
    if test.kind == "valued":
        return lambda scope: scope.is_valued(of)
    if test.kind == "in":
        values = frozenset(value.upper() for value in test.values)
        return lambda scope: scope.text(of).upper() in values
    if test.kind == "equals" and test.other is not None:
        other = test.other
        return lambda scope: scope.text(of) == scope.text(other)
    compare, number = _COMPARE[test.compare], test.number
    if test.kind == "length":
        return lambda scope: compare(len(scope.text(of)), number)
    return lambda scope: compare(scope.count(of), number)
