"""
What no translator reads: whole segments and single fields, counted so that nothing vanishes unseen.

The raw message is in the journal; this says what to look for there.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from adapters.facts import Unmapped
from adapters.hl7v2.message import Segment
from adapters.hl7v2.to_fhir.tables import data

ENVELOPE = frozenset({"MSH", "SFT", "UAC"})
READ = {name: frozenset(fields) for name, fields in data("fields.json").items() if name != "source"}


def unread(
    segments: tuple[Segment, ...],
    reads: frozenset[str],
    filled: Iterable[tuple[str, int]] = (),
    local: frozenset[str] = frozenset(),
) -> Iterator[Unmapped]:
    """
    Each segment that the family does not read, and each valued field that nobody reads, once a message.

    `filled` are fields that no translator reads and the mapping tables did; `local` the segments of the site's own.
    """
    seen = set(filled)
    for segment in segments:
        if segment.name in ENVELOPE:
            continue
        if segment.name not in reads and segment.name not in local:
            yield Unmapped("segment", segment.name)
            continue
        for at in _unread_fields(segment):
            if (segment.name, at) not in seen:
                seen.add((segment.name, at))
                yield Unmapped("field", f"{segment.name}-{at}")


def _unread_fields(segment: Segment) -> Iterator[int]:
    read = READ.get(segment.name, frozenset())
    return (at for at, value in enumerate(segment.fields, start=1) if value and at not in read and segment.all(at))
