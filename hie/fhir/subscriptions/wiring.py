"""
The parts of the engine put together from the services of the FHIR interface.
"""

from __future__ import annotations

from hie.fhir.services import FhirServices
from hie.fhir.subscriptions.deliveries import Deliveries
from hie.fhir.subscriptions.delivering import Delivering
from hie.fhir.subscriptions.disclosing import Disclosure
from hie.fhir.subscriptions.endpoints import Endpoints
from hie.fhir.subscriptions.fan_out import FanOut
from hie.fhir.subscriptions.matching import Matcher
from hie.fhir.subscriptions.policy import PATIENCE, Patience
from hie.fhir.subscriptions.statuses import Statuses
from hie.fhir.subscriptions.subscribers import Subscribers
from records.search.dictionary import Dictionary


def fan_out(services: FhirServices, dictionary: Dictionary) -> FanOut:
    """The consumer of the outbox."""
    matcher = Matcher(services.store, services.registry, dictionary, services.settings.fhir_url)
    statuses = Statuses(services.store, services.filing, services.subscriptions)
    return FanOut(services.subscriptions, matcher, services.gate, statuses)


def deliveries(services: FhirServices, owner: str, patience: Patience = PATIENCE) -> Deliveries:
    """The runner of a worker process."""
    registry = services.subscriptions
    work = Delivering(
        services.settings.fhir_url,
        registry,
        Statuses(services.store, services.filing, registry),
        Disclosure(services.store, services.gate, services.audit),
        Subscribers(services.gate),
        Endpoints.of(services.settings),
        patience,
    )
    return Deliveries(work, owner, patience)
