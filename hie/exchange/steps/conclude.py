"""
Conclude: the journal's new state, in the same transaction as everything it stands for.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass

from hie.exchange.inbound import State
from hie.exchange.journal import Journal
from hie.exchange.outcomes import Outcome
from hie.exchange.work import Work


class TakenElsewhere(Exception):
    """Another worker finished this message: everything of this attempt must vanish."""


def outcome(work: Work) -> Outcome:
    """committed, or kept where the message was understood and has no translation."""
    translation = work.translation
    unmapped = [asdict(unmapped) for unmapped in translation.unmapped]
    state: State = "committed" if translation.translated else "kept"
    return Outcome(work.entry, state, remarks=work.remarks, unmapped=unmapped)


@dataclass(frozen=True, slots=True)
class Conclude:
    """Writes the outcome."""

    journal: Journal

    async def __call__(self, work: Work) -> Work:
        if not await self.journal.conclude_all([outcome(work)], session=work.session):
            raise TakenElsewhere
        return work
