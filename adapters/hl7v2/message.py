"""
A parsed HL7 v2 message: plain nested tuples behind a small reading interface.

Indexing follows the standard: segments, fields, repetitions, components and subcomponents count from 1, and
MSH-1 is the field separator. Text is unescaped; a NULL value `""` reads as NULL, absence as "".

https://hl7.org/implement/standards/product_brief.cfm?product_id=185 (chapter 2, Control)
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field

# HL7 chapter 2.5.3: two double quotes say "delete what you have".
NULL = '""'

Component = tuple[str, ...]
Repetition = tuple[Component, ...]
Field = tuple[Repetition, ...]


@dataclass(frozen=True, slots=True)
class Value:
    """One repetition of a field: `value[4]` is the first subcomponent of component 4, "" where absent."""

    components: Repetition = ()

    def __getitem__(self, component: int) -> str:
        return _text(self.components, component)

    def sub(self, component: int, subcomponent: int) -> str:
        """Subcomponent text, "" where absent."""
        if 0 < component <= len(self.components):
            divided = self.components[component - 1]
            return divided[subcomponent - 1] if 0 < subcomponent <= len(divided) else ""
        return ""

    def part(self, component: int) -> Value:
        """A component seen as a value of its own: its subcomponents become components (CX-4 as HD)."""
        if 0 < component <= len(self.components):
            return Value(tuple((sub,) for sub in self.components[component - 1]))
        return Value()

    @property
    def is_null(self) -> bool:
        """True for `""`: the sender asks for deletion."""
        return self.components == ((NULL,),)

    def __bool__(self) -> bool:
        return _says(self.components)


ABSENT = Value()


def _says(repetition: Repetition) -> bool:
    """True where any part of it has text."""
    for component in repetition:
        for sub in component:
            if sub:
                return True
    return False


def _text(repetition: Repetition, component: int) -> str:
    """The first subcomponent of a component, "" where absent."""
    if 0 < component <= len(repetition):
        divided = repetition[component - 1]
        return divided[0] if divided else ""
    return ""


@dataclass(frozen=True, slots=True)
class Segment:
    """
    One segment: `segment[3]` is the first repetition of field 3, `segment.all(3)` every repetition.

    `text(3)` is the first component's text; `raw(5)` the field as sent, still escaped and undivided.
    """

    name: str
    fields: tuple[Field, ...]
    raw_fields: tuple[str, ...] = ()
    number: int = 0  # position in the message, from 1

    def all(self, position: int) -> tuple[Value, ...]:
        """Every non-empty repetition of a field."""
        if 0 < position <= len(self.fields):
            return tuple([Value(repetition) for repetition in self.fields[position - 1] if _says(repetition)])
        return ()

    def __getitem__(self, position: int) -> Value:
        first = self._first(position)
        return Value(first) if first else ABSENT

    def text(self, position: int, component: int = 1) -> str:
        """Text of one component of the first repetition."""
        return _text(self._first(position), component)

    def _first(self, position: int) -> Repetition:
        """The first repetition that says something."""
        if 0 < position <= len(self.fields):
            for repetition in self.fields[position - 1]:
                if _says(repetition):
                    return repetition
        return ()

    def raw(self, position: int) -> str:
        """The field as sent."""
        return self.raw_fields[position - 1] if 0 < position <= len(self.raw_fields) else ""


@dataclass(frozen=True, slots=True)
class Group:
    """A named segment group: children in order, segments and groups."""

    name: str
    children: tuple[Segment | Group, ...]

    def segments(self, name: str) -> Iterator[Segment]:
        """Segments of that name directly in this group."""
        return (child for child in self.children if isinstance(child, Segment) and child.name == name)

    def segment(self, name: str) -> Segment:
        """The first of them, or an empty one: absence reads as "" everywhere."""
        return next(self.segments(name), Segment(name, ()))

    def groups(self, name: str) -> Iterator[Group]:
        """Groups whose name ends with `name` (`PATIENT_RESULT`, `ORDER_OBSERVATION`), directly in this one."""
        return (child for child in self.children if isinstance(child, Group) and child.name.endswith(name))

    def walk(self) -> Iterator[Segment]:
        """Every segment below, in message order."""
        for child in self.children:
            if isinstance(child, Segment):
                yield child
            else:
                yield from child.walk()


@dataclass(frozen=True, slots=True)
class Finding:
    """A departure from the grammar: where (ERR-2 form `PID^1^3`), which condition of table 0357, and how bad."""

    location: str
    condition: str
    text: str
    severity: str = "W"  # E stops the message (AE), W is reported and the message goes on


@dataclass(frozen=True, slots=True)
class Message:
    """
    A whole message.

    `segments` are all segments in order, Z and unknown ones too. `root` is the same, grouped by the grammar of
    `structure` ("ORU_R01"; inferred from MSH-9.1/9.2 by table 0354 when MSH-9.3 is absent); what no group takes
    stays in `root.children` in order. `findings` come from validation.
    """

    segments: tuple[Segment, ...]
    root: Group
    version: str  # "2.5.1"
    code: str  # MSH-9.1 "ADT"
    trigger: str  # MSH-9.2 "A01"
    structure: str  # "ADT_A01"
    charset: str  # Python codec that decoded it
    findings: tuple[Finding, ...] = field(default=())

    @property
    def header(self) -> Segment:
        return self.segments[0]

    @property
    def control_id(self) -> str:
        """MSH-10."""
        return self.header.text(10)

    @property
    def type(self) -> str:
        """`ADT^A01`."""
        return f"{self.code}^{self.trigger}"

    def all(self, name: str) -> tuple[Segment, ...]:
        """Every segment of that name, wherever it stands."""
        return tuple(segment for segment in self.segments if segment.name == name)

    def first(self, name: str) -> Segment:
        """The first of them, or an empty one."""
        return next((segment for segment in self.segments if segment.name == name), Segment(name, ()))
