"""
A message against the grammar: required and surplus parts, repetitions, forms of data types, table values.

Findings are warnings: hospitals send what they send, and a message that can be understood is taken. HL7 table 0357
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import islice

from adapters.hl7v2.grammar.model import Datatype, Grammar, Node, SegmentRule
from adapters.hl7v2.message import NULL, Field, Finding, Group, Repetition, Segment

# A message of another dialect would otherwise drown in findings.
MOST = 50
MISSING_SEGMENT, MISSING_FIELD, WRONG_TYPE = "100", "101", "102"
FREE_TEXT = frozenset({"TX", "FT", "ST"})


def validate(segments: Sequence[Segment], root: Group, node: Node | None, grammar: Grammar) -> tuple[Finding, ...]:
    """Findings of segments and fields, then of groups; at most MOST."""
    return tuple(islice(_all(segments, root, node, grammar), MOST))


def _all(segments: Sequence[Segment], root: Group, node: Node | None, grammar: Grammar) -> Iterator[Finding]:
    if node is not None:
        yield from _groups(root, node)
    seen: dict[str, int] = {}
    for segment in segments:
        name = segment.name
        seen[name] = number = seen.get(name, 0) + 1
        if rule := grammar.segments.get(name):
            yield from _fields(segment, rule, number)
            if name == "OBX":
                yield from _observation(segment, number, grammar.datatypes)


def _groups(group: Group, node: Node) -> Iterator[Finding]:
    counts = Counter([child.name for child in group.children])
    for child in node.required:
        if counts[child.name] < child.least:
            yield Finding(_place(child.name, child.first), MISSING_SEGMENT, f"{child.name} is required in {node.name}.")
    for child in node.limited:
        if counts[child.name] > max(child.most, 1):
            text = f"{child.name} may occur {child.most} times in {node.name}."
            yield Finding(_place(child.name, child.first), MISSING_SEGMENT, text)
    inner = {child.name: child.group for child in node.children if child.group}
    for below in group.children:
        if isinstance(below, Group):
            yield from _groups(below, inner[below.name])


def _place(name: str, first: Iterable[str]) -> str:
    return name if len(name) == 3 else min(first, default=name)


def _fields(segment: Segment, rule: SegmentRule, number: int) -> Iterator[Finding]:
    fields = segment.fields
    for at in rule.required:
        if at >= len(fields) or not fields[at]:
            yield Finding(f"{rule.name}^{number}^{at + 1}", MISSING_FIELD, "A required field is empty.")
    if len(fields) > len(rule.most) and not rule.open and any(fields[len(rule.most) :]):
        yield Finding(f"{rule.name}^{number}^{len(rule.most) + 1}", WRONG_TYPE, "The segment has no such field.")
    at = 0
    for field, most, datatype in zip(fields, rule.most, rule.datatypes, strict=False):
        at += 1
        if not field:
            continue
        if len(field) > most:
            yield Finding(f"{rule.name}^{number}^{at}", WRONG_TYPE, f"The field may occur {most} times.")
        if datatype is not None and not _plain(field, datatype):
            yield from _typed(field, datatype, f"{rule.name}^{number}^{at}")


def _plain(field: Field, datatype: Datatype) -> bool:
    """The usual case, quickly: one repetition of undivided text, and well formed."""
    if len(field) > 1 or len(field[0]) > 1 or len(field[0][0]) > 1:
        return False
    leaf = datatype.leaf if datatype.simple else datatype.alone
    return leaf is None or not (text := field[0][0][0]) or bool(leaf.fits(text))


def _typed(field: Field, datatype: Datatype, location: str) -> Iterator[Finding]:
    for repetition in field:
        if datatype.simple:
            yield from _simple(repetition, datatype, location)
        else:
            yield from _parts(repetition, datatype, location)


def _simple(repetition: Repetition, datatype: Datatype, location: str) -> Iterator[Finding]:
    first = repetition[0]
    if datatype.leaf and (text := first[0]) and text != NULL and not datatype.leaf.fits(text):
        yield Finding(location, datatype.leaf.condition, f"Not a {datatype.name}, or not in its table.")
    if len(repetition) > 1 or len(first) > 1:
        yield Finding(location, WRONG_TYPE, f"{datatype.name} has no components.")


def _parts(repetition: Repetition, datatype: Datatype, location: str) -> Iterator[Finding]:
    for component, subcomponent, leaf in datatype.parts:
        if component >= len(repetition):
            return
        divided = repetition[component]
        if subcomponent < len(divided) and (text := divided[subcomponent]) and text != NULL and not leaf.fits(text):
            yield Finding(
                f"{location}^{component + 1}", leaf.condition, f"A part of {datatype.name} is not well formed."
            )


def _observation(segment: Segment, number: int, datatypes: Mapping[str, Datatype]) -> Iterator[Finding]:
    """OBX-2 says what OBX-5 is."""
    value = segment.fields[4] if len(segment.fields) > 4 else ()
    if not value:
        return
    kind = segment.text(2)
    datatype = datatypes.get(kind)
    if not kind:
        yield Finding(f"OBX^{number}^2", MISSING_FIELD, "OBX-5 has a value; OBX-2 must tell its type.")
    elif datatype and kind not in FREE_TEXT and not _plain(value, datatype):
        yield from _typed(value, datatype, f"OBX^{number}^5")
