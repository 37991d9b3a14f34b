"""
Lanes: what must stay in order goes into one lane, and each lane is strictly first in, first out.

A lane is a hash of the sending facility (not the application: a hospital's HIS and LIS speak of the same record)
and the patient's key. A merge speaks of two patients: it is carried in the survivor's lane, waits for everything
older in the other lane, and holds back everything younger there. Waiting is always for an older id, so no two
lanes can wait for each other.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from itertools import takewhile

from adapters.hl7v2.header import Header
from hie.exchange.inbound import InboundMessage


def lane_of(sender: str, patient_key: str, lanes: int) -> int:
    """The lane of a patient's messages; messages about no patient are in one lane of their facility."""
    application, _, facility = sender.partition("|")
    digest = hashlib.blake2b(f"{facility or application}\x1f{patient_key}".encode(), digest_size=8).digest()
    return int.from_bytes(digest, "big") % lanes


def lanes_of(header: Header, sender: str, lanes: int) -> tuple[int, int | None]:
    """The lane of a message, and that of the other patient it speaks of, where it is another one."""
    lane = lane_of(sender, header.lane_key, lanes)
    other = lane_of(sender, header.other_patient_key, lanes) if header.other_patient_key else lane
    return lane, other if other != lane else None


def ready(
    messages: Sequence[InboundMessage], merges: Sequence[tuple[str, int, int]]
) -> dict[int, list[InboundMessage]]:
    """
    The messages of each lane that no open merge of another lane holds back.

    `merges` are (id, lane, other lane) of pending merges.
    """
    lanes: dict[int, list[InboundMessage]] = {}
    for message in messages:
        lanes.setdefault(message.lane, []).append(message)
    for lane, queue in lanes.items():
        barrier = min((merge for merge, _own, other in merges if other == lane), default=None)
        if barrier is not None:
            lanes[lane] = list(takewhile(lambda message, barrier=barrier: message.id < barrier, queue))  # type: ignore[misc]
    return {lane: queue for lane, queue in lanes.items() if queue}
