"""
The grammar of `_filter`: a text becomes a tree of tests, or a refusal that says where it ends to be one.

`and` and `or` have no precedence over each other: they are read from left to right.
https://hl7.org/fhir/R4/search_filter.html
"""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from typing import NoReturn

from records.errors import UnknownParameter

OPERATORS = (
    "eq", "ne", "co", "sw", "ew", "gt", "lt", "ge", "le", "ap", "sa", "eb", "pr", "po", "ss", "sb", "in", "ni", "re",
)  # fmt: skip
MOST_CHARACTERS = 4_000
MOST_TESTS = 100
DEEPEST = 20
_SPACE = re.compile(r"\s*")
_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_\-]*")
_WORD = re.compile(r"[a-z]+(?=[\s(]|$)")
_TOKEN = re.compile(r"[^\s)\]\"][^\s)\]]*")
_STRING = re.compile(r'"(?:[^"\\]|\\.)*"', re.DOTALL)


@dataclass(frozen=True, slots=True)
class Step:
    """One name of a path; `only` restricts what it leads to."""

    name: str
    only: Expression | None = None


@dataclass(frozen=True, slots=True)
class Test:
    """`path operator value`; `at` is where it stands, counted from 1."""

    path: tuple[Step, ...]
    operator: str
    value: str
    at: int


@dataclass(frozen=True, slots=True)
class Logical:
    """Two expressions with `and` or `or` between them."""

    kind: str
    left: Expression
    right: Expression


@dataclass(frozen=True, slots=True)
class Not:
    """The contrary of an expression."""

    inner: Expression


Expression = Test | Logical | Not


def parse(text: str) -> Expression:
    """The tree of an expression; UnknownParameter names the place where it cannot be read on."""
    if len(text) > MOST_CHARACTERS:
        raise UnknownParameter(f"_filter may have {MOST_CHARACTERS} characters.")
    reader = _Reader(text)
    found = reader.expression()
    if not reader.at_end():
        reader.refuse("and, or, or the end was expected")
    return found


class _Reader:
    """Reads from left to right; `at` is the next character."""

    def __init__(self, text: str) -> None:
        self.text, self.at, self.depth, self.tests = text, 0, 0, 0

    def refuse(self, why: str) -> NoReturn:
        raise UnknownParameter(f"_filter cannot be read at character {self.at + 1}: {why}.")

    def at_end(self) -> bool:
        self._skip()
        return self.at == len(self.text)

    def expression(self) -> Expression:
        """Terms with `and` and `or` between them."""
        self.depth += 1
        if self.depth > DEEPEST:
            self.refuse(f"it may be {DEEPEST} brackets deep")
        found = self._term()
        while (word := self._peek(_WORD)) in ("and", "or"):
            self._take(_WORD)
            found = Logical(word, found, self._term())
        self.depth -= 1
        return found

    def _term(self) -> Expression:
        if self._peek(_WORD) == "not" or self.text.startswith("not(", self.at):
            self.at += len("not")
            if not self._symbol("("):
                self.refuse("after not an opening bracket was expected")
            return Not(self._until(")"))
        if self._symbol("("):
            return self._until(")")
        return self._test()

    def _until(self, closing: str) -> Expression:
        found = self.expression()
        if not self._symbol(closing):
            self.refuse(f"and, or, or {closing} was expected")
        return found

    def _test(self) -> Test:
        self.tests += 1
        if self.tests > MOST_TESTS:
            self.refuse(f"it may have {MOST_TESTS} tests")
        self._skip()
        at, path = self.at + 1, self._path()
        self._skip()
        operator = self._take(_NAME)
        if operator not in OPERATORS:
            self.at -= len(operator)
            self.refuse(f"an operator was expected, one of {' '.join(OPERATORS)}")
        return Test(path, operator, self._value(), at)

    def _path(self) -> tuple[Step, ...]:
        steps = [self._step()]
        while self.text.startswith(".", self.at):
            self.at += 1
            steps.append(self._step())
        if steps[-1].only is not None:
            self.refuse("after the restriction in [] a dot and a name were expected")
        return tuple(steps)

    def _step(self) -> Step:
        name = self._take(_NAME)
        if not name:
            self.refuse("the name of a search parameter was expected")
        if not self.text.startswith("[", self.at):
            return Step(name)
        self.at += 1
        return Step(name, self._until("]"))

    def _value(self) -> str:
        self._skip()
        if quoted := self._take(_STRING):
            try:
                return str(json.loads(quoted, strict=False))
            except ValueError:
                self.refuse("the string before it is not a string of JSON")
        return self._take(_TOKEN) or self.refuse("a value was expected: a word, or a string in quotes")

    def _skip(self) -> None:
        self._take(_SPACE)

    def _symbol(self, one: str) -> bool:
        self._skip()
        found = self.text.startswith(one, self.at)
        self.at += len(one) if found else 0
        return found

    def _peek(self, pattern: re.Pattern[str]) -> str:
        self._skip()
        found = pattern.match(self.text, self.at)
        return found[0] if found else ""

    def _take(self, pattern: re.Pattern[str]) -> str:
        found = pattern.match(self.text, self.at)
        self.at = found.end() if found else self.at
        return found[0] if found else ""
