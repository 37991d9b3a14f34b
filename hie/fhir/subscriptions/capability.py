"""
What the capability statement says of Subscriptions: the guide, the profile, the topics, the address of the socket.

http://hl7.org/fhir/uv/subscriptions-backport/conformance.html
"""

from __future__ import annotations

from hie.fhir.call import Call
from hie.fhir.subscriptions.sockets import GUIDE, socket_url
from hie.fhir.subscriptions.topics import topics
from records.stored import Json

INSTANTIATES = f"{GUIDE}/CapabilityStatement/backport-subscription-server-r4"


def of_resource(name: str) -> Json:
    """What the statement says of the type Subscription: the profile and the topics; nothing of others."""
    if name != "Subscription":
        return {}
    topic = f"{GUIDE}/StructureDefinition/capabilitystatement-subscriptiontopic-canonical"
    return {
        "extension": [{"url": topic, "valueCanonical": url} for url in topics()],
        "supportedProfile": [f"{GUIDE}/StructureDefinition/backport-subscription"],
    }


def of_server(call: Call) -> Json:
    """Where its sockets are."""
    address = "http://hl7.org/fhir/StructureDefinition/capabilitystatement-websocket"
    return {"extension": [{"url": address, "valueUri": socket_url(call.base)}]}
