"""
What the CapabilityStatement says of messages.

https://hl7.org/fhir/R4/capabilitystatement-definitions.html#CapabilityStatement.messaging
"""

from __future__ import annotations

from datetime import date

from hie.fhir.operations.messaging.events import events
from records.stored import Json

HTTP = {"system": "http://terminology.hl7.org/CodeSystem/message-transport", "code": "http"}


def of_messages(base: str, today: date) -> list[Json]:
    """The one endpoint, and each event that is taken."""
    known = events(today).events.values()
    lines = "\n".join(f"- `{one.code}` ({one.category}, {one.system}): {one.display}" for one in known)
    return [
        {
            "endpoint": [{"protocol": HTTP, "address": f"{base}/$process-message"}],
            "documentation": f"Filed whole or not at all; a message that comes again is answered as before.\n\n{lines}",
            "supportedMessage": [{"mode": "receiver", "definition": one.definition} for one in known],
        }
    ]
