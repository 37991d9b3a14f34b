"""
Conclude: the journal's new state, in the same transaction as everything it stands for.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass

from hie.exchange.journal import Journal
from hie.exchange.work import Work


class TakenElsewhere(Exception):
    """Another worker finished this message: everything of this attempt must vanish."""


@dataclass(frozen=True, slots=True)
class Conclude:
    """committed, or kept where the message was understood and has no translation."""

    journal: Journal

    async def __call__(self, work: Work) -> Work:
        translation = work.translation
        done = await self.journal.conclude(
            work.entry,
            "committed" if translation.translated else "kept",
            remarks=work.remarks,
            unmapped=[asdict(unmapped) for unmapped in translation.unmapped],
            session=work.session,
        )
        if not done:
            raise TakenElsewhere
        return work
