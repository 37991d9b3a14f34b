"""
Responses that are sent to who asked for them: where they may go, and the sending itself, from the outbox.

https://hl7.org/fhir/R4/messaging.html#async
"""

from __future__ import annotations

from dataclasses import dataclass
from urllib.parse import urlsplit

from hie.errors import Unavailable, Unprocessable
from hie.exchange.journal import Journal
from hie.exchange.outbox import Event
from hie.fhir.operations.messaging.filing import deliveries
from hie.fhir.subscriptions.endpoints import Endpoints
from hie.fhir.subscriptions.sending import Message, Sender
from hie.fhir.subscriptions.terms import Terms
from hie.settings import Settings
from records.errors import Invalid

NOT_OFFERED = "Messages are not answered to an address here: the operator names no hosts for it. Send without async."
NOT_THERE = "Responses are not sent to this address; the operator names the hosts that they may go to."


class NotOffered(Unprocessable):
    """Asynchronous messages where the operator set up none."""

    issue = "not-supported"


def endpoints(settings: Settings) -> Endpoints:
    """The hosts of HIE_MESSAGE_RESPONSE_HOSTS; a demonstration reaches its own machine too."""
    return Endpoints.of(settings.model_copy(update={"subscription_hosts": settings.message_response_hosts}))


async def admit(address: str, settings: Settings) -> str:
    """The address where a response may be sent; NotOffered, or Invalid where it may not."""
    open_to = endpoints(settings)
    if not open_to.hosts and not open_to.networks:
        raise NotOffered(NOT_OFFERED)
    try:
        parts = urlsplit(address)
        plain = not parts.username and not parts.password and not parts.fragment
        if parts.scheme not in ("http", "https") or not parts.hostname or not plain:
            raise Invalid(NOT_THERE)
        await open_to.admit(address, empty=False)
    except (Invalid, ValueError, OSError) as error:
        raise Invalid(NOT_THERE) from error
    return address


@dataclass(frozen=True, slots=True)
class Responses:
    """Sends the response of a journal entry; what fails is tried again by the outbox, and dead when hopeless."""

    journal: Journal
    endpoints: Endpoints

    async def __call__(self, event: Event) -> None:
        """One delivery; a receiver may see it twice, with the same Bundle.id."""
        asked = await deliveries(self.journal).find_one({"_id": event.resource_id})
        if asked is None or asked.get("delivered"):
            return
        answer = await self.journal.answer(event.resource_id)
        async with Sender.open(self.endpoints) as sender:
            terms = Terms((), "rest-hook", endpoint=asked["url"], spoken="json")
            outcome = await sender.send(terms, Message("POST", answer))
        if not outcome.done:
            raise Unavailable(outcome.reason)
        await deliveries(self.journal).update_one({"_id": event.resource_id}, {"$set": {"delivered": True}})
