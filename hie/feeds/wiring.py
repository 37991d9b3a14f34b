"""
The parts of the engine put together from the services of a process.
"""

from __future__ import annotations

from hie.directory.profiles import SiteProfiles
from hie.feeds.answer_feeds import AnswerFeeds
from hie.feeds.deliveries import FeedDeliveries
from hie.feeds.delivering import Delivering
from hie.feeds.fan_out import FeedFanOut
from hie.feeds.origins import Origins
from hie.feeds.policy import PATIENCE, Patience
from hie.feeds.registry import Feeds
from hie.fhir.services import FhirServices
from hie.fhir.subscriptions.matching import Matcher
from records.search.dictionary import Dictionary


def fan_out(services: FhirServices, feeds: Feeds, dictionary: Dictionary) -> FeedFanOut:
    """The consumer of the outbox."""
    matcher = Matcher(services.store, services.registry, dictionary, services.settings.fhir_url)
    return FeedFanOut(feeds, services.store, services.registry, matcher, Origins(services.journal))


def deliveries(
    services: FhirServices, feeds: Feeds, profiles: SiteProfiles, owner: str, patience: Patience = PATIENCE
) -> FeedDeliveries:
    """The runner of a worker process."""
    work = Delivering(feeds, services.store, services.registry, services.gate, services.audit, patience)
    return FeedDeliveries(work, owner, AnswerFeeds(profiles, feeds))
