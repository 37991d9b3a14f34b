"""
Where the operations on Subscriptions are.

http://hl7.org/fhir/uv/subscriptions-backport/conformance.html
"""

from __future__ import annotations

from hie.fhir.routing import Route
from hie.fhir.subscriptions.operations import (
    binding_token,
    subscription_events,
    subscription_replay,
    subscription_resend,
    subscription_status,
    topic_list,
)
from hie.fhir.subscriptions.sockets import GUIDE

_DEFINITION = f"{GUIDE}/OperationDefinition/backport-subscription-"
_OPERATIONS = (
    ("Subscription/$status", subscription_status, f"{_DEFINITION}status"),
    ("Subscription/I/$status", subscription_status, f"{_DEFINITION}status"),
    ("Subscription/I/$events", subscription_events, f"{_DEFINITION}events"),
    ("Subscription/$get-ws-binding-token", binding_token, f"{_DEFINITION}get-ws-binding-token"),
    ("Subscription/I/$get-ws-binding-token", binding_token, f"{_DEFINITION}get-ws-binding-token"),
    ("Subscription/$topic-list", topic_list, f"{GUIDE}/OperationDefinition/Backport-subscriptiontopic-list"),
)
SUBSCRIPTION_ROUTES = (
    *(
        Route(method, pattern, handler, definition)
        for pattern, handler, definition in _OPERATIONS
        for method in ("GET", "POST")
    ),
    Route("POST", "Subscription/I/$resend", subscription_resend, f"{_DEFINITION}resend"),
    Route("POST", "Subscription/I/$replay", subscription_replay, "urn:hie:operation:subscription-replay"),
)
