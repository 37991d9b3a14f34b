"""
A message as its sender meant it: fields moved and defaults filled as the site's profile says. Pure.

What came over the wire stays in the journal; a replay after a change of the profile prepares it anew.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from adapters.hl7v2.mapping.scope import Reference
from adapters.hl7v2.message import NULL, Component, Field, Message, Repetition, Segment, Value
from adapters.hl7v2.site import FieldDefault, FieldMove, Site


def prepared(message: Message, site: Site) -> Message:
    """The same message with the site's moves and defaults; itself where there are none."""
    if not (site.moves or site.defaults):
        return message
    segments = list(message.segments)
    for move in site.moves:
        _move(segments, move)
    for default in site.defaults:
        _default(segments, default)
    return replace(message, segments=tuple(segments))


def _move(segments: list[Segment], move: FieldMove) -> None:
    for at, segment in enumerate(segments):
        if segment.name == move.source.name and (values := _values(segment, move.source)):
            target = _target(segments, at, move.to[0].name)
            if target is not None and _put(segments, target, move, values) and not _stays(move):
                segments[at] = _emptied(segments[at], move.source)


def _stays(move: FieldMove) -> bool:
    """A field that was divided into its own parts holds them now."""
    into = {(reference.name, reference.field) for reference in move.to}
    return move.keep or (move.pattern is not None and (move.source.name, move.source.field) in into)


def _target(segments: Sequence[Segment], at: int, name: str) -> int | None:
    """The segment itself, else the last of that name before it, else the next one behind."""
    if segments[at].name == name:
        return at
    before = [place for place in range(at) if segments[place].name == name]
    behind = [place for place in range(at + 1, len(segments)) if segments[place].name == name]
    return before[-1] if before else behind[0] if behind else None


def _values(segment: Segment, reference: Reference) -> list[Value]:
    """What there is to move; `""` is an order to delete, not a value."""
    found = [_part(value, reference) for value in segment.all(reference.field)]
    return [value for value in found if value and value[1] != NULL]


def _part(value: Value, reference: Reference) -> Value:
    if not reference.component:
        return value
    part = value.part(reference.component)
    return part.part(reference.subcomponent) if reference.subcomponent else part


def _put(segments: list[Segment], target: int, move: FieldMove, values: Sequence[Value]) -> bool:
    """True where something was put in its place."""
    if move.pattern is not None:
        return _divided(segments, target, move, values[0])
    if move.append:
        segments[target] = _appended(segments[target], move, values)
        return True
    return _filled(segments, target, move.to[0], values[0])


def _divided(segments: list[Segment], target: int, move: FieldMove, value: Value) -> bool:
    """`12-03-2` into its parts: what the parts are named by is emptied first, for it held the whole."""
    match = move.pattern.fullmatch(value[1].strip()) if move.pattern else None
    if match is None:
        return False
    segment = segments[target]
    if segment.name == move.source.name:
        segment = _emptied(segment, move.source)
    for reference, text in zip(move.to, match.groups(default=""), strict=False):
        segment = _with(segment, reference, ((text,),))
    segments[target] = segment
    return True


def _filled(segments: list[Segment], target: int, reference: Reference, value: Value) -> bool:
    if _values(segments[target], reference):
        return False
    segments[target] = _with(segments[target], reference, value.components)
    return True


def _appended(segment: Segment, move: FieldMove, values: Sequence[Value]) -> Segment:
    """Further repetitions, typed and with an authority where they name none."""
    place = move.to[0].field
    known = segment.fields[place - 1] if place <= len(segment.fields) else ()
    added = [_typed(value, move) for value in values]
    new = [one for one in added if one not in known]
    return _with_field(segment, place, (*(one for one in known if Value(one)), *new))


def _typed(value: Value, move: FieldMove) -> Repetition:
    parts = list(value.components)
    for component, text in ((4, move.authority), (5, move.type)):
        parts += [("",)] * (component - len(parts)) if text else []
        if text and not any(parts[component - 1]):
            parts[component - 1] = (text,)
    return tuple(parts)


def _default(segments: list[Segment], default: FieldDefault) -> None:
    reference = default.at
    for at, segment in enumerate(segments):
        if segment.name != reference.name:
            continue
        values = segment.all(reference.field)
        if reference.component and len(values) > 1:
            filled = tuple(_filled_part(value.components, reference, default.text) for value in values)
            segments[at] = _with_field(segment, reference.field, filled)
        elif not any(_part(value, reference) for value in values):
            segments[at] = _with(segment, reference, ((default.text,),))


def _filled_part(repetition: Repetition, reference: Reference, text: str) -> Repetition:
    return repetition if _part(Value(repetition), reference) else _set(repetition, reference, ((text,),))


def _with(segment: Segment, reference: Reference, content: Repetition) -> Segment:
    """The segment with the first repetition of a field, or a part of it, replaced."""
    known = segment.fields[reference.field - 1] if reference.field <= len(segment.fields) else ()
    first = _set(known[0] if known else (), reference, content)
    return _with_field(segment, reference.field, (first, *known[1:]))


def _set(repetition: Repetition, reference: Reference, content: Repetition) -> Repetition:
    if not reference.component:
        return content
    parts: list[Component] = [*repetition, *[("",)] * (reference.component - len(repetition))]
    if not reference.subcomponent:
        # Components of the value become the subcomponents of the part, as CX-4 holds an HD.
        parts[reference.component - 1] = tuple(component[0] if component else "" for component in content)
        return tuple(parts)
    inner = list(parts[reference.component - 1])
    inner += [""] * (reference.subcomponent - len(inner))
    inner[reference.subcomponent - 1] = Value(content)[1]
    parts[reference.component - 1] = tuple(inner)
    return tuple(parts)


def _emptied(segment: Segment, reference: Reference) -> Segment:
    if not reference.component:
        return _with_field(segment, reference.field, ())
    return _with(segment, reference, (("",),))


def _with_field(segment: Segment, at: int, field: Field) -> Segment:
    fields = [*segment.fields, *[()] * (at - len(segment.fields))]
    fields[at - 1] = field
    # What was sent is no longer what is read: the raw fields would contradict the others.
    return replace(segment, fields=tuple(fields), raw_fields=())
