"""
ZBE to the movement that an event is about: its id, its time, and whether it is told, mended or taken back.

IHE PAM ITI-31, historic movement management: https://profiles.ihe.net/ITI/TF/Volume2/ITI-31.html (3.31.6.1)
"""

from __future__ import annotations

from dataclasses import dataclass, replace

from adapters.hl7v2.to_fhir.draft import Draft
from adapters.hl7v2.to_fhir.text import clean

# What takes an event back, where Z99 says no more than that it is taken back.
_CANCELS = {
    "A01": "A11",
    "A02": "A12",
    "A03": "A13",
    "A04": "A11",
    "A05": "A38",
    "A14": "A27",
    "A15": "A26",
    "A16": "A25",
    "A21": "A52",
    "A22": "A53",
    "A54": "A55",
    "A61": "A62",
}
# IHE's event for a change of a movement that is past.
CHANGE = "Z99"


@dataclass(frozen=True, slots=True)
class Movement:
    """
    What one message says happened.

    `event` is the ADT trigger whose meaning it has, `id` the movement's own (ZBE-1), `at` its time (ZBE-2),
    `historic` (ZBE-5): it tells of the past and says nothing of how things stand now.
    """

    event: str
    id: str = ""
    at: str = ""
    historic: bool = False


def movement(draft: Draft, trigger: str) -> Movement:
    """The movement of a message; without ZBE the trigger says it all."""
    zbe = draft.message.first("ZBE")
    plain = Movement(trigger)
    if not zbe.fields:
        return plain
    action, original = zbe.text(4).strip().upper(), zbe.text(6).strip().upper()
    told = replace(
        plain,
        id=clean(zbe.text(1)) or clean(zbe.text(1, 3)),
        at=draft.times.date_time(zbe.text(2)),
        historic=zbe.text(5).strip().upper() == "Y",
    )
    if trigger != CHANGE:
        return told
    if action == "CANCEL":
        return replace(told, event=_CANCELS.get(original, "A08"))
    return replace(told, event=original or "A08")
