"""
A journal entry as a database document, and back.

Field names are short where every message carries them: `raw` (or `file`), `key` against doubles, `name` of sender
and control id.
"""

from __future__ import annotations

import hashlib
from typing import Any

from hie.exchange.inbound import InboundMessage

Document = dict[str, Any]
# Written only where they say something.
RARE = ("lanes", "default_charset", "replaces", "application", "told")


def content_hash(raw: bytes) -> str:
    """SHA-256 of what came over the wire."""
    return hashlib.sha256(raw).hexdigest()


def message_name(message: InboundMessage) -> str:
    """How the sender names the message: who, and MSH-10."""
    return f"{message.sender}\x1f{message.control_id}"


def dedupe_key(message: InboundMessage) -> str:
    """
    Equal for a resend: same sender, same MSH-10, same bytes.

    A refused message has a key of its own kind: once the reason is mended, the same bytes may be accepted.
    """
    digest = hashlib.sha256(f"{message_name(message)}\x1f{content_hash(message.raw)}".encode()).hexdigest()
    return f"!{digest}" if message.state == "rejected" else digest


def to_document(message: InboundMessage, answer: bytes) -> Document:
    """The entry, without an over-large body."""
    document: Document = {
        "_id": message.id, "channel": message.channel, "received": message.received, "raw": message.raw,
        "hash": content_hash(message.raw), "key": dedupe_key(message), "name": message_name(message),
        "size": message.size or len(message.raw), "state": message.state, "sender": message.sender,
        "site": message.site, "control": message.control_id, "type": message.type, "charset": message.charset,
        "lane": message.lane, "attempts": message.attempts, "reason": message.reason,
        "ack": message.acknowledgement, "answer": answer, "remarks": list(message.remarks),
    }  # fmt: skip
    if message.other_lane is not None:
        document["also"] = message.other_lane
    return document | {name: value for name in RARE if (value := getattr(message, name))}


def to_message(document: Document) -> InboundMessage:
    """The entry as a value; without `raw` where it was not read."""
    return InboundMessage(
        id=document["_id"],
        channel=document["channel"],
        received=document["received"],
        raw=bytes(document.get("raw") or b""),
        state=document["state"],
        sender=document["sender"],
        site=document["site"],
        control_id=document["control"],
        type=document["type"],
        charset=document["charset"],
        lane=document["lane"],
        attempts=document["attempts"],
        reason=document["reason"],
        acknowledgement=document["ack"],
        other_lane=document.get("also"),
        remarks=tuple(document.get("remarks", ())),
        size=document.get("size", 0),
        **{name: document[name] for name in RARE if name in document},
    )
