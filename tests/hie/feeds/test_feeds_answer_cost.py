"""What the answer to an outcome costs: nothing where nobody asks for it."""

from __future__ import annotations

from typing import Any

from answer_world import SENDER, answering, result
from feed_world import FeedWorld
from pymongo import AsyncMongoClient
from pymongo.monitoring import CommandFailedEvent, CommandListener, CommandStartedEvent, CommandSucceededEvent

from adapters.hl7v2.ack import deferred
from adapters.hl7v2.parser import read_header
from hie.directory.sites import Directory
from hie.exchange.inbound import InboundMessage
from hie.exchange.journal import Journal
from hie.exchange.outcomes import Outcome
from hie.feeds.answers import AnswerQueue
from hie.feeds.registry import Feeds
from records.resource_store import ResourceStore


class Commands(CommandListener):
    """The names of what the database was asked."""

    def __init__(self) -> None:
        self.names: list[str] = []

    def started(self, event: CommandStartedEvent) -> None:
        self.names.append(event.command_name)

    def succeeded(self, _event: CommandSucceededEvent) -> None:
        """Nobody asks."""

    def failed(self, _event: CommandFailedEvent) -> None:
        """Nobody asks."""


class TestCost:
    async def test_nothing_asked(self, resting: FeedWorld, mongo_uri: str, database_prefix: str) -> None:
        """Who asks for no application acknowledgement costs no further command; who does, one in a transaction."""
        async with answering(resting.services, resting.hospital) as site:
            await site.profile()
        seen = Commands()
        async with AsyncMongoClient[dict[str, Any]](mongo_uri, tz_aware=True, event_listeners=[seen]) as client:
            store = ResourceStore(client, database_prefix)
            directory = Directory(client, database_prefix, store, resting.services.settings)
            queue = AnswerQueue(Feeds(client, database_prefix), directory)
            journal = Journal(client, database_prefix, answering=queue)
            await directory.refresh()
            for asks, expected in (("|", ["update"]), ("AL|NE", ["update"]), ("AL|AL", ["update", "insert"])):
                raw = result("C1", asks=asks)
                one = InboundMessage(
                    journal.next_id(), "mllp", journal.now(), raw, sender=SENDER, control_id=f"C{asks}",
                    application=deferred(read_header(raw)), lane=99,
                )  # fmt: skip
                await journal.append(one, b"")
                seen.names.clear()
                async with client.start_session() as session, await session.start_transaction():
                    assert await journal.conclude_all([Outcome(one, "committed")], session=session)
                assert seen.names == [*expected, "commitTransaction"]
