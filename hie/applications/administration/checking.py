"""
What a sample of a site's stored messages would become under another profile, before that goes live; nothing is stored.

Names of resources and elements only: the values are the patients'.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field

from adapters.hl7v2.site import Site
from hie.applications.administration.services import Services
from hie.commands.samples import Profiles, Sample, translated
from hie.commands.site_check import judged
from hie.commands.site_diff import Difference, changed
from hie.directory.profile import Profile

SAMPLE, EACH, TYPES = 60, 6, 30
# Each trial has a time of reception of its own: no difference of the profiles.
_OF_THE_TRIAL = frozenset({"Provenance.recorded"})


@dataclass(slots=True)
class Outcome:
    """The messages of one type: how many would be otherwise, refused, not valid; and in what they differ."""

    type: str
    messages: int = 0
    otherwise: int = 0
    refused: Counter[str] = field(default_factory=Counter)
    invalid: Counter[str] = field(default_factory=Counter)
    differences: Counter[Difference] = field(default_factory=Counter)

    @property
    def listed(self) -> list[tuple[Difference, int]]:
        """The differences, the most frequent first."""
        return self.differences.most_common(40)


async def sample(services: Services, site: str) -> list[bytes]:
    """The latest messages of a site, some of each of its latest types."""
    journal = services.journal
    types = Counter(one.type for one in await journal.search(site=site, limit=400))
    found: list[bytes] = []
    for kind, _ in types.most_common(TYPES):
        for one in await journal.search(site=site, type=kind, limit=EACH):
            if one.channel != "fhir" and len(found) < SAMPLE:
                found.append(await journal.raw(one.id))
    return found


def tried(services: Services, sender: str, known: Site, profile: Profile, raws: Sequence[bytes]) -> list[Outcome]:
    """Each message under both profiles, by type."""
    now = Profiles(services.settings, sender, {sender: known})
    then = Profiles(services.settings, sender, {sender: known}, new=profile)
    outcomes: dict[str, Outcome] = {}
    for number, raw in enumerate(raws, 1):
        before, after = translated(raw, now, "journal", number), translated(raw, then, "journal", number)
        _add(outcomes, before, after)
    return sorted(outcomes.values(), key=lambda one: (-one.otherwise, one.type))


def _add(outcomes: dict[str, Outcome], before: Sample, after: Sample) -> None:
    change, checked = changed(before, after), judged(after)
    outcome = outcomes.setdefault(change.type, Outcome(change.type))
    lines = {line for line in change.lines if line.what not in _OF_THE_TRIAL}
    outcome.messages += 1
    outcome.otherwise += bool(lines)
    outcome.refused.update([checked.refused] if checked.refused else [])
    outcome.invalid.update(set(checked.invalid))
    outcome.differences.update(lines)
