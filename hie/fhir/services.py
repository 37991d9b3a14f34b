"""What the FHIR interface needs of the rest of the house."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime
from typing import TYPE_CHECKING

from hie.access.gate import Gate
from hie.audit.trail import AuditTrail
from hie.exchange.filing import Filing
from hie.exchange.journal import Journal
from hie.fhir.bulk.jobs import Jobs
from hie.fhir.company import Company
from hie.identity.registry import ClientRegistry
from hie.settings import Settings
from records.resource_store import ResourceStore

if TYPE_CHECKING:
    # The registry reads Subscriptions as calls are read, and a call knows its services.
    from hie.fhir.subscriptions.registry import Registry as Subscriptions


@dataclass(frozen=True, slots=True)
class FhirServices:
    """Collaborators, wired once in `hie.app`."""

    settings: Settings
    store: ResourceStore
    filing: Filing
    gate: Gate
    audit: AuditTrail
    journal: Journal
    registry: ClientRegistry
    clock: Callable[[], datetime]
    subscriptions: Subscriptions
    bulk: Jobs
    company: Company = field(init=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "company", Company(self.store, self.filing))
