"""
Segments of a prescription and of its dispensing.

HL7 v2 chapter 4A
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from hie.simulation.hl7 import escape, segment, stamp

Drug = Mapping[str, Any]


def fitting(drugs: Sequence[Drug], diagnosis: str) -> list[Drug]:
    """The drugs that are given for a diagnosis."""
    return [one for one in drugs if diagnosis in one["for"]]


def prescription(drug: Drug, code: str, order: str, moment: datetime, doctor: str) -> list[str]:
    """ORC and RXE; the timing stands in the older TQ, which every version reads."""
    rxe = segment("RXE", {
        1: f"1^{drug['times']}^D{drug['days']}^{stamp(moment)}", 2: code, 3: drug["dose"], 5: drug["unit"],
        7: f"^{escape(drug['sig'])}", 10: str(drug["quantity"]), 11: drug["form"],
    })  # fmt: skip
    return [segment("ORC", {1: "NW", 2: order, 9: stamp(moment), 12: doctor}), rxe]


def dispensing(drug: Drug, code: str, order: str, number: str, moment: datetime) -> list[str]:
    """ORC and RXD."""
    rxd = segment("RXD", {
        1: "1", 2: code, 3: stamp(moment), 4: str(drug["quantity"]), 5: drug["form"], 7: number,
        9: escape(drug["sig"]),
    })  # fmt: skip
    return [segment("ORC", {1: "RE", 2: order, 3: number}), rxd]
