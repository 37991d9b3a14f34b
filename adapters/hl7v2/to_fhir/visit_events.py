"""
What each ADT trigger says of a visit: its status, its places, its doctors.

HL7 v2 chapter 3.3; https://hl7.org/fhir/R4/valueset-encounter-status.html
"""

from __future__ import annotations

# "unknown" says nothing of the status.
STATUSES = {
    "A01": "in-progress",
    "A02": "in-progress",
    "A03": "finished",
    "A04": "in-progress",
    "A05": "planned",
    "A06": "in-progress",
    "A07": "in-progress",
    "A10": "arrived",
    "A11": "cancelled",
    "A12": "in-progress",
    "A13": "in-progress",
    "A14": "planned",
    "A15": "in-progress",
    "A16": "in-progress",
    "A17": "in-progress",
    "A21": "onleave",
    "A22": "in-progress",
    "A23": "entered-in-error",
    "A27": "cancelled",
    "A38": "cancelled",
    "A52": "in-progress",
    "A53": "onleave",
}
# What these say of the status holds until one of them says otherwise; the other triggers only move a visit forward.
DECISIVE = frozenset({"A03", "A11", "A13", "A21", "A22", "A23", "A27", "A38", "A52", "A53"})
OPENING = frozenset({"A01", "A04", "A05", "A14"})
STARTS = frozenset({"A01", "A04"})
PLANS = frozenset({"A05", "A14"})
LEAVES = frozenset({"A21", "A22", "A52", "A53"})
UNPLANS = frozenset({"A27", "A38"})
CLASS_CHANGES = frozenset({"A01", "A02", "A04", "A06", "A07"})

# These change a visit: where none is known they assert none.
CHANGES = frozenset(
    {
        "A09", "A10", "A18", "A23", "A25", "A26", "A30", "A32", "A33", "A34", "A35", "A36", "A39", "A40", "A41", "A42",
        "A44", "A45", "A47", "A49", "A50", "A51", "A52", "A53", "A54", "A55", "A61", "A62",
    }
)  # fmt: skip

ARRIVALS = frozenset({"A01", "A02", "A04", "A06", "A07", "A10", "A17", "A22"})
TAKES_BACK = frozenset({"A12", "A32"})
# After these the patient is where he was: the last place is open again.
REOPENS = frozenset({"A12", "A13", "A32", "A33"})
DISCHARGE_COUNTS = frozenset({"", "A01", "A03", "A04", "A08"})
MOVES = frozenset({"", "A01", "A02", "A03", "A04", "A05", "A06", "A07", "A08", "A14", "A17", "A22"}) | TAKES_BACK

# Attending and consulting doctor: who changes them, who takes the change back.
DOCTOR_CHANGES = {"A54": "ATND", "A61": "CON"}
DOCTOR_RETURNS = {"A55": "ATND", "A62": "CON"}
