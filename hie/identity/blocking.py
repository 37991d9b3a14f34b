"""
Blocking keys: two records that share none are never compared. A key is made only when all its parts are there.

Christen, Data Matching (2012), chapter 4.
"""

from __future__ import annotations

from collections.abc import Iterator

from hie.identity import names
from hie.identity.demographics import Demographics

# Keys that two records of one newcomer have in common, and few others have: newcomers take turns over these.
NARROW = ("I:", "N:", "P:", "C:", "M:")


def keys(record: Demographics) -> tuple[str, ...]:
    """All keys of a record, each once."""
    if record.unidentified:
        return tuple(dict.fromkeys(_cards(record)))
    return tuple(dict.fromkeys(_all(record)))


def narrow(record: Demographics) -> tuple[str, ...]:
    """The keys over which records that arrive at once must take turns."""
    return tuple(key for key in keys(record) if key.startswith(NARROW))


def _all(record: Demographics) -> Iterator[str]:
    yield from _cards(record)
    if record.newborn:
        # Never its mother's keys, though her number, telephone and address appear.
        if record.mother and record.birth:
            yield f"M:{record.mother}|{record.birth}"
        return
    if record.mother and record.birth:
        yield f"M:{record.mother}|{record.birth}"
    yield from _numbers(record)
    for name in record.names:
        yield from _name(record, name)


def _cards(record: Demographics) -> Iterator[str]:
    yield from (f"C:{card}" for card in record.cards)


def _numbers(record: Demographics) -> Iterator[str]:
    for number in (*record.ids, *record.doubtful_ids):
        yield f"I:{number}"
        if len(number) == 18 and record.name:
            yield f"J:{number[:14]}|{names.split(record.name)[0]}"


def _name(record: Demographics, name: str) -> Iterator[str]:
    surname = names.split(name)[0]
    if record.birth:
        yield from (f"N:{sound}|{record.birth[:4]}" for sound in names.sounds(name))
        yield f"D:{record.birth}|{surname}"
        yield f"E:{record.birth}|{name[-1]}"
    for phone in record.phones:
        yield from (f"P:{phone}|{sound[:2]}" for sound in names.sounds(name))
    if record.address:
        yield f"A:{record.address}|{surname}"
