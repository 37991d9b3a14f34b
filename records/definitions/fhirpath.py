"""
Read the FHIRPath of a custom search parameter: the subset that such parameters use, and nothing else by guess.

Paths, `|`, parentheses, `as`, `ofType()`, `as()`, `extension('url')`, `where(...)` with `=`, `!=`, `and`, `or`,
`not()`, `exists()` and `resolve() is Type`, `first()`, `[0]`, `exists()` at the end. https://hl7.org/fhirpath/
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass

_TOKEN = re.compile(
    r"\s*(?:(?P<text>'(?:[^'\\]|\\.)*')|(?P<number>-?\d+(?:\.\d+)?)|(?P<name>[A-Za-z_]\w*|`[^`]+`)"
    r"|(?P<sign>!=|[.()|=\[\],]|\$this|%\w+))"
)
LONGEST = 4_000
DEEPEST = 20
_ESCAPES = {"n": "\n", "t": "\t", "r": "\r"}


class NotCompiled(Exception):
    """What of an expression is not of the subset, and at which character."""

    def __init__(self, text: str, at: int) -> None:
        super().__init__(text)
        self.text, self.at = text, at


@dataclass(frozen=True, slots=True)
class Test:
    """What `where` asks: `equals`, `differs`, `exists`, `is`, `refers` of `steps`; `and`, `or`, `not` of `parts`."""

    kind: str
    steps: tuple[Said, ...] = ()
    value: str | bool = ""
    parts: tuple[Test, ...] = ()


@dataclass(frozen=True, slots=True)
class Said:
    """One step as written: `child`, `extension`, `only` (a type), `where`, `at` (a position), `exists`."""

    kind: str
    name: str = ""
    test: Test | None = None
    at: int = 0


@dataclass(frozen=True, slots=True)
class Alternative:
    """One alternative: `root` is the resource type in front, empty where none is written."""

    root: str
    steps: tuple[Said, ...]
    at: int = 0


@dataclass(frozen=True, slots=True)
class _Token:
    kind: str
    text: str
    at: int


def parse(expression: str) -> tuple[Alternative, ...]:
    """The alternatives of an expression; NotCompiled says what it cannot read, and where."""
    if len(expression) > LONGEST:
        raise NotCompiled(f"it has more than {LONGEST} characters", LONGEST)
    reader = _Reader(list(_tokens(expression)))
    found = reader.union(0)
    reader.expect("end")
    return found


def _tokens(expression: str) -> Iterator[_Token]:
    at, end = 0, len(expression.rstrip())
    while at < end:
        found = _TOKEN.match(expression, at)
        if found is None:
            blank = len(expression[at:]) - len(expression[at:].lstrip())
            raise NotCompiled("a character that no expression has here", at + blank)
        kind = str(found.lastgroup)
        yield _Token("sign" if kind == "sign" else kind, found[kind], found.start(kind))
        at = found.end()
    yield _Token("end", "the end", at)


class _Reader:
    """Reads tokens from left to right; no step is ever taken back."""

    def __init__(self, tokens: list[_Token]) -> None:
        self._tokens, self._next = tokens, 0

    @property
    def token(self) -> _Token:
        return self._tokens[self._next]

    def take(self) -> _Token:
        """The token, and on to the next."""
        found = self.token
        self._next += 1
        return found

    def seen(self, *texts: str) -> bool:
        """Whether the token is one of these; then it is taken."""
        if self.token.kind in ("sign", "name") and self.token.text in texts:
            self._next += 1
            return True
        return False

    def expect(self, text: str) -> _Token:
        """The token must be this sign, or of this kind."""
        if text not in (self.token.text if self.token.kind == "sign" else self.token.kind,):
            raise NotCompiled(f"{self.token.text} stands where {text} was expected", self.token.at)
        return self.take() if self.token.kind != "end" else self.token

    # Alternatives

    def union(self, depth: int) -> tuple[Alternative, ...]:
        """`a | b`, each perhaps with `as Type` behind it."""
        if depth > DEEPEST:
            raise NotCompiled("it is nested too deep", self.token.at)
        found = list(self._typed(depth))
        while self.seen("|"):
            found += self._typed(depth)
        if self.token.kind == "name" and self.token.text in ("and", "or", "is", "in", "xor", "implies", "div", "mod"):
            raise NotCompiled(f"the operator {self.token.text} is not compiled here", self.token.at)
        return tuple(found)

    def _typed(self, depth: int) -> list[Alternative]:
        found = self._term(depth)
        while self.seen("as"):
            found = _behind(found, (Said("only", self._type(), at=self.token.at),))
        return found

    def _term(self, depth: int) -> list[Alternative]:
        at = self.token.at
        if self.seen("("):
            found = list(self.union(depth + 1))
            self.expect(")")
            return _behind(found, self.steps(depth))
        if self.token.kind == "name" and self.token.text[:1].isupper():
            return [Alternative(self.take().text, self.steps(depth), at)]
        return [Alternative("", (self._step(depth), *self.steps(depth)), at)]

    def steps(self, depth: int) -> tuple[Said, ...]:
        """Everything behind a dot, and positions in brackets."""
        found: list[Said] = []
        while True:
            if self.token.text == "." and self._tokens[self._next + 1].text != "not":
                self.take()
                found.append(self._step(depth))
            elif self.seen("["):
                at = self.token.at
                found.append(Said("at", self.expect("number").text, at=at))
                self.expect("]")
            else:
                return tuple(found)

    def _step(self, depth: int) -> Said:
        token = self.expect("name")
        if not self.seen("("):
            return Said("child", token.text.strip("`"), at=token.at)
        known: dict[str, Callable[[], Said]] = {
            "extension": lambda: Said("extension", self._text(), at=token.at),
            "ofType": lambda: Said("only", self._type(), at=token.at),
            "as": lambda: Said("only", self._type(), at=token.at),
            "where": lambda: Said("where", test=self.test(depth + 1), at=token.at),
            "first": lambda: Said("at", "0", at=token.at),
            "exists": lambda: self._exists(depth, token.at),
        }
        if token.text not in known:
            raise NotCompiled(f"the function {token.text}() is not compiled", token.at)
        found = known[token.text]()
        self.expect(")")
        return found

    def _exists(self, depth: int, at: int) -> Said:
        asked = None if self.token.text == ")" else self.test(depth + 1)
        return Said("exists", test=asked, at=at)

    def _text(self) -> str:
        found = self.expect("text").text[1:-1]
        return re.sub(r"\\(.)", lambda one: _ESCAPES.get(one[1], one[1]), found)

    def _type(self) -> str:
        name = self.expect("name").text
        if name in ("FHIR", "System") and self.seen("."):
            name = self.expect("name").text
        return name

    # Conditions

    def test(self, depth: int) -> Test:
        """`a or b`."""
        if depth > DEEPEST:
            raise NotCompiled("it is nested too deep", self.token.at)
        parts = [self._all(depth)]
        while self.seen("or"):
            parts.append(self._all(depth))
        return parts[0] if len(parts) == 1 else Test("or", parts=tuple(parts))

    def _all(self, depth: int) -> Test:
        parts = [self._one(depth)]
        while self.seen("and"):
            parts.append(self._one(depth))
        return parts[0] if len(parts) == 1 else Test("and", parts=tuple(parts))

    def _one(self, depth: int) -> Test:
        if self.seen("("):
            found = self.test(depth + 1)
            self.expect(")")
            return self._turned(found)
        if self.token.text == "resolve":
            return self._resolved()
        here = () if self.seen("$this") else (self._step(depth),)
        return self._compared((*here, *self.steps(depth)))

    def _compared(self, steps: tuple[Said, ...]) -> Test:
        at = self.token.at
        if self.seen("="):
            return Test("equals", steps, self._value())
        if self.seen("!="):
            return Test("differs", steps, self._value())
        if self.seen("is"):
            return Test("is", steps, self._type())
        if steps and steps[-1].kind == "exists":
            return self._turned(Test("exists", steps))
        raise NotCompiled("a condition compares with = or !=, or ends in exists()", at)

    def _turned(self, found: Test) -> Test:
        if not self.seen("."):
            return found
        at = self.token.at
        if not self.seen("not"):
            raise NotCompiled("only not() may follow a condition", at)
        self.expect("(")
        self.expect(")")
        return Test("not", parts=(found,))

    def _resolved(self) -> Test:
        at = self.take().at
        self.expect("(")
        self.expect(")")
        if not self.seen("is"):
            raise NotCompiled("resolve() is only compiled as `resolve() is Type`", at)
        return Test("refers", value=self._type())

    def _value(self) -> str | bool:
        if self.token.kind == "text":
            return self._text()
        if self.seen("true", "false"):
            return self._tokens[self._next - 1].text == "true"
        if self.token.kind == "number":
            return self.take().text
        raise NotCompiled("a comparison needs a text in quotes, a number, true or false", self.token.at)


def _behind(found: list[Alternative], steps: tuple[Said, ...]) -> list[Alternative]:
    return [Alternative(one.root, (*one.steps, *steps), one.at) for one in found]
