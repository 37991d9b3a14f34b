"""
HL7 v2 messages to facts in FHIR R4: a register of message families, each in a file of its own.

Message structure to resource, segment to resource, data type to data type as the HL7 v2-to-FHIR guide has them;
what needs the stored state is decided later, by the rule that each fact carries.

https://build.fhir.org/ig/HL7/v2-to-fhir/
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from datetime import datetime

from adapters.facts import Translation, Unmapped
from adapters.hl7v2.message import Message
from adapters.hl7v2.preparing import prepared
from adapters.hl7v2.site import Site
from adapters.hl7v2.to_fhir.draft import Draft
from adapters.hl7v2.to_fhir.families import (
    adt,
    bar,
    dft,
    linking,
    mdm,
    merge,
    mfn,
    moving,
    order_replies,
    orders,
    oru,
    pharmacy,
    ppr,
    ref,
    renumbering,
    siu,
    vxu,
)
from adapters.hl7v2.to_fhir.filling import fill, local_segments
from adapters.hl7v2.to_fhir.nulls import without_nulls
from adapters.hl7v2.to_fhir.resources.patient import patient_id
from adapters.hl7v2.to_fhir.resources.provenance import provenance
from adapters.hl7v2.to_fhir.unread import unread

Family = tuple[Callable[[Draft], bool], frozenset[str]]

FAMILIES: Mapping[str, Family] = {
    **{f"ADT^{trigger}": (adt.visit, adt.READS) for trigger in adt.VISITS},
    **{f"ADT^{trigger}": (adt.person, adt.READS) for trigger in adt.PERSONS},
    **{f"ADT^{trigger}": (adt.deletion, adt.READS) for trigger in adt.DELETIONS},
    **{f"ADT^{trigger}": (merge.merge, merge.READS) for trigger in merge.TRIGGERS},
    **{f"ADT^{trigger}": (renumbering.accounts, renumbering.READS) for trigger in renumbering.ACCOUNTS},
    **{f"ADT^{trigger}": (renumbering.visits, renumbering.READS) for trigger in renumbering.VISITS},
    **{f"ADT^{trigger}": (renumbering.numbers, renumbering.READS) for trigger in renumbering.NUMBERS},
    **{f"ADT^{trigger}": (moving.move, moving.READS) for trigger in moving.TRIGGERS},
    "ADT^A24": (linking.link, linking.READS),
    "ADT^A37": (linking.unlink, linking.READS),
    **dict.fromkeys(oru.TYPES, (oru.results, oru.READS)),
    **dict.fromkeys(orders.TYPES, (orders.services, orders.READS)),
    **dict.fromkeys(order_replies.TYPES, (order_replies.replies, order_replies.READS)),
    **dict.fromkeys(pharmacy.TYPES, (pharmacy.prescriptions, pharmacy.READS)),
    "VXU^V04": (vxu.vaccinations, vxu.READS),
    **{f"SIU^{trigger}": (siu.schedule, siu.READS) for trigger in siu.TRIGGERS},
    **{f"SIU^{trigger}": (siu.time, siu.READS) for trigger in siu.TIME_TRIGGERS},
    **{f"MDM^{trigger}": (mdm.notify, mdm.READS) for trigger in mdm.TRIGGERS},
    **{f"BAR^{trigger}": (bar.billing, bar.READS) for trigger in bar.TRIGGERS},
    **{f"DFT^{trigger}": (dft.transactions, dft.READS) for trigger in dft.TRIGGERS},
    **{f"PPR^{trigger}": (ppr.problems, ppr.READS) for trigger in ppr.TRIGGERS},
    **{f"{code}^{trigger}": (ref.referrals, ref.READS) for code in ("REF", "RRI") for trigger in ref.TRIGGERS},
    "MFN^M02": (mfn.staff, mfn.READS),
    "MFN^M05": (mfn.places, mfn.READS),
}

# Version 2.1 and 2.2 name no trigger where there is only one.
_ONLY_TRIGGER = {"ORU": "R01", "ORM": "O01", "VXU": "V04"}


def translate(message: Message, *, site: Site, received: datetime, reference: str) -> Translation:
    """
    What a message means.

    `site` is the sender's profile, `received` when it came, `reference` its id in the journal. A type without a
    family, or a message that names no patient, is kept: `translated` is False and nothing is asserted.
    Raises nothing for odd content; a rule of a fact may raise AdapterError when it meets what is stored.
    """
    message, nulls = without_nulls(prepared(_triggered(message), site))
    draft = Draft(message, site, received, reference)
    draft.nulls = nulls
    if site.ignores_type(message.code, message.trigger):
        return replace(_kept(draft), unmapped=())
    family = FAMILIES.get(message.type)
    if family is None or not family[0](draft):
        return _kept(draft)
    fill(draft)
    draft.unmapped += unread(message.segments, family[1], draft.filled, local_segments(site))
    provenance(draft)
    return draft.finish()


def _kept(draft: Draft) -> Translation:
    """Understood as far as its subjects, and journaled; nothing is asserted."""
    found = (patient_id(pid, draft.site, draft.times) for pid in draft.message.all("PID"))
    subjects = tuple(dict.fromkeys(identity for identity in found if identity))
    unmapped = (Unmapped("message", "MSH-9", code=draft.message.type),)
    return Translation(unmapped=unmapped, remarks=tuple(draft.remarks), translated=False, subjects=subjects)


def _triggered(message: Message) -> Message:
    """The message with its trigger: MSH-9.2, else EVN-1, else the only one of its type."""
    if message.trigger:
        return message
    return replace(message, trigger=message.first("EVN").text(1) or _ONLY_TRIGGER.get(message.code, ""))
