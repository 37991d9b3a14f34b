"""
Segments to groups, by the grammar of the message structure.

Each segment goes to the nearest place that can take it: at or after the last place of the innermost open group,
then of the groups around it; then by leaving out what should have come first; then back where it should have been.
What no place takes (Z segments, unknown ones) stays in the open group, so that the order of the message is kept.

HL7 v2 chapter 2.5.2
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from adapters.hl7v2.grammar.model import Node
from adapters.hl7v2.message import Finding, Group, Segment

SEQUENCE = "100"


@dataclass(slots=True)
class _Open:
    """A group being filled: the grammar's `node`, the `place` of its last child and how often that one came."""

    node: Node
    children: list[Segment | _Open]
    place: int = 0
    count: int = 0

    def ahead(self, places: tuple[int, ...]) -> int:
        """The first of the places that is not behind and not full; -1 when none is."""
        for place in places:
            if place == self.place:
                if self.count < self.node.children[place].most:
                    return place
            elif place > self.place and not (self.node.choice and self.count):
                return place
        return -1

    def take(self, place: int) -> None:
        self.count = self.count + 1 if place == self.place else 1
        self.place = place


def group(segments: Sequence[Segment], name: str, node: Node | None) -> tuple[Group, tuple[Finding, ...]]:
    """
    The message as a tree, and where segments came out of order.

    Without a grammar all segments are directly in the root.
    """
    if node is None:
        return Group(name, tuple(segments)), ()
    builder = _Builder(node)
    for segment in segments:
        builder.add(segment)
    return _closed(builder.stack[0]), tuple(builder.findings)


def _closed(opened: _Open) -> Group:
    children = tuple([_closed(child) if isinstance(child, _Open) else child for child in opened.children])
    return Group(opened.node.name, children)


class _Builder:
    def __init__(self, node: Node) -> None:
        self.stack = [_Open(node, [])]
        self.findings: list[Finding] = []

    def add(self, segment: Segment) -> None:
        name = segment.name
        known = name in self.stack[0].node.inside
        if known and (self._place(segment, "starts") or self._place(segment, "holds")):
            return
        if known:
            self._back(segment)
        elif not name.startswith("Z"):
            self._remark(segment, "The segment is not in the grammar of this message.")
        if not known:
            self.stack[-1].children.append(segment)

    def _place(self, segment: Segment, kind: str) -> bool:
        for depth in range(len(self.stack) - 1, -1, -1):
            opened = self.stack[depth]
            places: Mapping[str, tuple[int, ...]] = getattr(opened.node, kind)
            place = opened.ahead(places.get(segment.name, ()))
            if place >= 0:
                del self.stack[depth + 1 :]
                self._descend(opened, place, segment)
                return True
        return False

    def _descend(self, opened: _Open, place: int, segment: Segment) -> None:
        """Open groups down to the one that has the segment itself."""
        opened.take(place)
        child = opened.node.children[place]
        while child.group is not None:
            inner = _Open(child.group, [])
            opened.children.append(inner)
            self.stack.append(inner)
            node = child.group
            inner.take((node.starts.get(segment.name) or node.holds[segment.name])[0])
            opened, child = inner, node.children[inner.place]
        opened.children.append(segment)

    def _back(self, segment: Segment) -> None:
        """Out of order: into the nearest open group that has such a segment, without going back to its place."""
        self._remark(segment, "The segment is out of order, or there are too many.")
        for depth in range(len(self.stack) - 1, -1, -1):
            opened = self.stack[depth]
            if any(opened.node.children[place].group is None for place in opened.node.holds.get(segment.name, ())):
                del self.stack[depth + 1 :]
                opened.children.append(segment)
                return
        self._reopen(segment)

    def _reopen(self, segment: Segment) -> None:
        """Out of order, and its group is not open: a new one, in the nearest group that has it."""
        for depth in range(len(self.stack) - 1, -1, -1):
            opened = self.stack[depth]
            if places := opened.node.holds.get(segment.name):
                del self.stack[depth + 1 :]
                last, count = opened.place, opened.count
                self._descend(opened, places[0], segment)
                opened.place, opened.count = last, count
                return

    def _remark(self, segment: Segment, text: str) -> None:
        self.findings.append(Finding(f"{segment.name}^{segment.number}", SEQUENCE, text))
