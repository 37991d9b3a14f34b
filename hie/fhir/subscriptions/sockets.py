"""
The guide, and the address of the socket, as clients are told them.

https://hl7.org/fhir/R4/extension-capabilitystatement-websocket.html
"""

from __future__ import annotations

GUIDE = "http://hl7.org/fhir/uv/subscriptions-backport"
PATH = "/fhir/websocket"


def socket_url(base: str) -> str:
    """Where sockets are taken, from the base address of the interface."""
    return "ws" + base.removeprefix("http").removesuffix("/fhir") + PATH
