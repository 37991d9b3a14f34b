"""
One thing received: its journal entry, before and after processing.

OpenHIM calls it a transaction; interface engines call the collection a message store.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime
from typing import Literal

from adapters.hl7v2.site import Site

State = Literal["pending", "committed", "kept", "dead", "quarantined", "rejected", "paused"]
"""
pending: acknowledged, not processed. committed: its facts are in the stores. kept: understood, not translated.
dead: could not finish; has a reason and can be replayed. quarantined: unknown sender, waits for onboarding.
rejected: answered AE, AR or an OperationOutcome; the raw bytes are kept. paused: pending, of a site that is paused.
"""

Channel = Literal["mllp", "http", "fhir"]


@dataclass(frozen=True, slots=True)
class InboundMessage:
    """
    A journal entry.

    `id` grows with time (26 characters, sortable). `sender` is MSH-3|MSH-4 as sent; `site` the id of the profile.
    `lane` orders: one lane is strictly first in, first out; a merge of two patients has the other patient's lane in
    `other_lane`; `lanes` is of how many, 0 where nobody said. `raw` is what came over the wire. `remarks` are findings
    without health data. `default_charset` is the listener's, where neither the message nor the site's profile has one.
    `replaces` is the dead letter that this message corrects. `application` is when the sender wants to hear of the
    outcome (`adapters.hl7v2.ack.deferred`), `told` what it was told of it: AA, AE or AR.
    """

    id: str
    channel: Channel
    received: datetime
    raw: bytes
    state: State = "pending"
    sender: str = ""
    site: str = ""
    control_id: str = ""
    type: str = ""
    charset: str = ""
    lane: int = 0
    attempts: int = 0
    reason: str = ""
    acknowledgement: str = ""
    other_lane: int | None = None
    remarks: tuple[str, ...] = ()
    size: int = 0
    lanes: int = 0
    default_charset: str = ""
    replaces: str = ""
    application: str = ""
    told: str = ""

    def read_by(self, site: Site) -> Site:
        """The profile as this message is read by it: with the listener's character set, where that stands in."""
        return replace(site, charset=self.default_charset) if self.default_charset else site
