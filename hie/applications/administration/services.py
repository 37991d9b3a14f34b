"""
What the administration works with, besides what every module has; `hie.app.Services` has all of it.
"""

from __future__ import annotations

from typing import Protocol

from hie.directory.sites import Directory
from hie.exchange.database import Client
from hie.exchange.ids import Clock
from hie.exchange.journal import Journal
from hie.exchange.outbox import Outbox
from hie.exchange.pausing import Pausing
from hie.exchange.quarantine import Quarantine
from hie.exchange.unmapped import UnmappedQueue
from hie.feeds.registry import Feeds
from hie.identity.registry import ClientRegistry
from hie.settings import Settings
from records.resource_store import ResourceStore
from terminology.service import Terminology


class Services(Protocol):
    """The composed exchange, as far as the administration needs it."""

    @property
    def settings(self) -> Settings: ...

    @property
    def client(self) -> Client: ...

    @property
    def clock(self) -> Clock: ...

    @property
    def store(self) -> ResourceStore: ...

    @property
    def registry(self) -> ClientRegistry: ...

    @property
    def outbox(self) -> Outbox: ...

    @property
    def journal(self) -> Journal: ...

    @property
    def unmapped(self) -> UnmappedQueue: ...

    @property
    def directory(self) -> Directory: ...

    @property
    def quarantine(self) -> Quarantine: ...

    @property
    def feeds(self) -> Feeds: ...

    @property
    def holds(self) -> Pausing: ...

    @property
    def terminology(self) -> Terminology: ...
