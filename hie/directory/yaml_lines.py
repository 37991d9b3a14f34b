"""
YAML read with line numbers: what is wrong with it is said of the line where it stands.

https://yaml.org/spec/1.1/
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import TypeVar

import yaml
from yaml.nodes import MappingNode, Node, ScalarNode, SequenceNode

from hie.errors import Unprocessable

T = TypeVar("T")
_LARGEST = 1_000_000
_LARGEST_NUMBER = 1_000_000_000


@dataclass(frozen=True, slots=True)
class Problem:
    """What is wrong, of which key, in which line (from 1)."""

    line: int
    key: str
    text: str

    def __str__(self) -> str:
        return f"line {self.line}, {self.key}: {self.text}" if self.key else f"line {self.line}: {self.text}"


class Invalid(Unprocessable):
    """The text is not what it should be; `problems` in the order of their lines."""

    def __init__(self, problems: list[Problem]) -> None:
        self.problems = sorted(problems, key=lambda one: one.line)
        super().__init__("; ".join(map(str, self.problems)))


def composed(text: str) -> MappingNode:
    """The tree of a YAML document that is a mapping. Raises Invalid."""
    if len(text) > _LARGEST:
        raise Invalid([Problem(1, "", "The text is too long.")])
    try:
        node = yaml.compose(text, Loader=yaml.SafeLoader)
    except yaml.YAMLError as error:
        mark = getattr(error, "problem_mark", None)
        what = getattr(error, "problem", None) or "This is no YAML."
        raise Invalid([Problem(mark.line + 1 if mark else 1, "", str(what))]) from error
    if not isinstance(node, MappingNode):
        raise Invalid([Problem(1, "", "Keys and values are wanted.")])
    return node


class Reader:
    """Reads nodes and notes what is wrong; a wrong value reads as the empty one of its kind."""

    def __init__(self) -> None:
        self.problems: list[Problem] = []

    def wrong(self, node: Node, key: str, text: str) -> None:
        """Note a problem of a node."""
        self.problems.append(Problem(node.start_mark.line + 1, key, text))

    def entries(self, node: Node, key: str) -> Iterator[tuple[str, Node]]:
        """Keys and values of a mapping; a key that stands twice is wrong."""
        if not isinstance(node, MappingNode):
            self.wrong(node, key, "Keys and values are wanted.")
            return
        seen: set[str] = set()
        for name, value in node.value:
            text = str(name.value) if isinstance(name, ScalarNode) else ""
            if not text or text in seen:
                self.wrong(name, key or text, "This key stands twice." if text else "A key is a text.")
                continue
            seen.add(text)
            yield text, value

    def items(self, node: Node, key: str) -> Iterator[Node]:
        """The items of a list; one value alone is a list of it."""
        if isinstance(node, SequenceNode):
            yield from node.value
        elif isinstance(node, ScalarNode) and node.value:
            yield node
        else:
            self.wrong(node, key, "A list is wanted.")

    def text(self, node: Node, key: str) -> str:
        """A text, as it is written: `01` stays `01`."""
        if isinstance(node, ScalarNode):
            return str(node.value)
        self.wrong(node, key, "A text is wanted.")
        return ""

    def flag(self, node: Node, key: str) -> bool:
        """true or false."""
        text = self.text(node, key).lower()
        if text not in ("true", "false", "yes", "no"):
            self.wrong(node, key, "true or false is wanted.")
        return text in ("true", "yes")

    def number(self, node: Node, key: str) -> float:
        """A number that is not negative."""
        text = self.text(node, key)
        try:
            found = float(text)
        except ValueError:
            found = -1.0
        if not 0 <= found < _LARGEST_NUMBER:
            self.wrong(node, key, "A number is wanted.")
            return 0.0
        return found

    def as_(self, node: Node, key: str, read: Callable[[str], T], text: str) -> T | None:
        """A text read further; a ValueError is what `text` says."""
        written = self.text(node, key)
        try:
            return read(written)
        except ValueError:
            self.wrong(node, key, text)
            return None
