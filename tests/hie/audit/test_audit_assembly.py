"""Assembled events are those of `to_resource` and `records.search`, to the byte and to the key."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from itertools import product
from typing import Any

import pytest
from audit_world import AT, CLINICIAN, OBSERVER, read

from hie.access.caller import ANONYMOUS, Caller
from hie.audit.assembly import Event, assemble
from hie.audit.events import Entry, Observer, to_resource
from hie.audit.patterns import PATTERNS
from hie.audit.sharing import MOST
from records.search import index
from records.stored import decode, encode

CALLERS = {
    "clinician": CLINICIAN,
    "nobody": ANONYMOUS,
    "emergency": replace(CLINICIAN, purpose="BTG", reason='昏迷 "无法" \\ 询问\n', organization=""),
    "system": Caller("s", role="system", client="Ward-4", purpose="HOPERAT", organization="urn:x|H|1"),
    "resident": Caller("r-1", 'O\'Neil </b> "é"', "resident", client="portal", organization="no system"),
}
SHAPES: dict[str, dict[str, Any]] = {
    "nothing": {"resource_type": "", "resource_id": "", "version": None, "query": "", "request_id": ""},
    "type": {"resource_id": "", "version": None, "query": "Observation?code=a|b&name=张", "request_id": "r-1"},
    "instance": {"query": "Observation/o-1?x=y", "request_id": "Mixed.Case/1"},
    "patient": {"resource_type": "Patient", "resource_id": "P.1-a", "request_id": "r-2"},
    "odd": {"resource_type": 'no"type', "resource_id": "a/../b?张", "request_id": '" {"'},
    "odd id": {"resource_id": "X y/_history/9", "version": 1},
    "system": {"resource_type": "", "resource_id": "", "version": None, "query": "_history?_count=1"},
}
PATIENTS = ("", "pat-1", "PAT.2", '张 "三"', "a/_history/1", "x" * 80)
ENDS = ((200, ()), (403, ("no-consent",)), (500, ("treatment", "organization")))


def keys(event: Event) -> list[str]:
    """Its own and those of its sets."""
    return sorted({*event.keys, *(key for one in event.sets for key in one.keys)})


def entries(interaction: str, caller: Caller) -> Iterator[Entry]:
    for shape, patient, (status, reasons), address in product(SHAPES.values(), PATIENTS, ENDS, ("", "10.1.2.3")):
        one = read(patient, status=status, reasons=reasons, address=address, **shape)
        yield replace(one, interaction=interaction, caller=caller)


class TestAssemble:
    @pytest.mark.parametrize("caller", CALLERS.values(), ids=CALLERS)
    @pytest.mark.parametrize("interaction", [*PATTERNS, "something-new"])
    def test_is_the_resource_encoded_and_indexed(self, interaction: str, caller: Caller) -> None:
        """Whatever is asked, of whom, by whom, and how it ends."""
        for number, entry in enumerate(entries(interaction, caller)):
            event_id = f"20261124020000-0123abcd-{number:010d}"
            resource = to_resource(entry, event_id, AT, OBSERVER)
            found, known = assemble(entry, event_id, AT, OBSERVER), index(resource)

            assert found.text == encode(resource)
            assert keys(found) == sorted(known.keys)
            assert found.sort == known.sort

    def test_moments_and_observers_are_told_apart(self) -> None:
        """Of two that differ in nothing else, neither is taken for the other."""
        moments = (AT, AT + timedelta(milliseconds=1))
        observers = (OBSERVER, Observer(), Observer("urn:a", '院 "x"', ""))
        for entry, at, observer in product((read(), read(at=AT - timedelta(hours=1))), moments, observers):
            resource = to_resource(entry, "e-1", at, observer)
            found = assemble(entry, "e-1", at, observer)

            assert found.text == encode(resource)
            assert keys(found) == sorted(index(decode(found.text)).keys)


class TestSets:
    def test_hold_nothing_of_the_one_access(self) -> None:
        """Another user, place, patient, resource, request and moment of the same kind: the same sets."""
        other = replace(CLINICIAN, subject="s-2", name="李医生")
        one, two = read(address="10.0.0.1", request_id="r-1"), read("pat-2", address="10.0.0.2", request_id="R 2")
        two = replace(two, caller=other, resource_id="o-2", version=4, at=AT - timedelta(days=1))

        assert assemble(one, "e-1", AT, OBSERVER).sets == assemble(two, "e-2", AT, OBSERVER).sets

    @pytest.mark.parametrize("interaction", PATTERNS)
    def test_hold_no_reference(self, interaction: str) -> None:
        """What an event points at is read from its own keys."""
        pointing = tuple(f"{code}=" for code in ("agent", "entity", "patient", "source"))
        for caller in CALLERS.values():
            for entry in entries(interaction, caller):
                sets = assemble(entry, "e-1", AT, OBSERVER).sets

                assert not [key for one in sets for key in one.keys if key.startswith(pointing)]

    def test_are_few(self) -> None:
        """Whatever comes together, also what no door sends: far from the bound."""
        every = (entry for one in PATTERNS for caller in CALLERS.values() for entry in entries(one, caller))
        names = {one.name for entry in every for one in assemble(entry, "e-1", AT, OBSERVER).sets}

        assert len(names) < MOST / 4
