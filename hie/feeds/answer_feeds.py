"""
The feeds of answers: one for each site whose profile names an address for them, made and kept up to date from it.

So they are seen, held back and replayed as any other feed is. docs/hl7v2/feeds.md
"""

from __future__ import annotations

import time
from dataclasses import asdict, dataclass, field
from typing import Any

from hie.directory.answers import Answers
from hie.directory.profiles import SiteProfiles
from hie.feeds.answers import feed_of
from hie.feeds.registry import Feeds

LOOK_SECONDS = 2.0
BY = "site profile"


@dataclass(slots=True)
class AnswerFeeds:
    """Follows the profiles; what this process has written once it does not write again."""

    profiles: SiteProfiles
    feeds: Feeds
    _written: dict[str, dict[str, Any]] = field(default_factory=dict)
    _looked: float = float("-inf")

    async def follow(self) -> None:
        """Look again where it is time to."""
        if time.monotonic() - self._looked > LOOK_SECONDS:
            await self.look()

    async def look(self) -> None:
        """Every profile that names an address has its feed."""
        async for sender, said in self.profiles.answering():
            data = _data(sender, said)
            if self._written.get(sender) != data:
                await self.feeds.load_answers(data, by=BY)
                self._written[sender] = data
        self._looked = time.monotonic()


def _data(sender: str, said: Answers) -> dict[str, Any]:
    words = {name: value for name, value in asdict(said).items() if name != "when"}
    return {"feed": feed_of(sender), "answers": sender, **words, "tls": dict(said.tls)}
