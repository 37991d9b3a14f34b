"""
Which person a source record is: the best candidate, unless a rule, a rival or a steward says otherwise. Pure.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from hie.identity.demographics import Demographics
from hie.identity.links import Link
from hie.identity.matching import Comparison, Grade, Model, compare, model

_ORDER = {"certain": 0, "probable": 1, "possible": 2, "certainly-not": 3}


@dataclass(frozen=True, slots=True)
class Candidate:
    """A person, the record of theirs that is most alike, and what they have in common."""

    person: str
    patient: str
    comparison: Comparison

    @property
    def grade(self) -> Grade:
        return self.comparison.grade

    @property
    def weight(self) -> float:
        return self.comparison.weight

    def evidence(self) -> dict[str, Any]:
        """What a steward is shown; it holds levels and weights, never values."""
        return {
            "model": model().version, "against": self.patient, "rule": self.comparison.rule, "weight": self.weight,
            "levels": {k: v for k, v in self.comparison.levels.items() if v}, "points": dict(self.comparison.points),
        }  # fmt: skip


@dataclass(frozen=True, slots=True)
class Choice:
    """`person` None: a new one. `rivals` are for a steward to look at."""

    person: str | None = None
    candidate: Candidate | None = None
    rivals: tuple[Candidate, ...] = field(default=())


def rank(patient: str, record: Demographics, links: Sequence[Link], never: frozenset[str]) -> list[Candidate]:
    """Every person among the links, best first; those set apart by a steward are left out."""
    by = model()
    hot = hot_values(record, links, by)
    apart = {link.person for link in links if link.patient in never or patient in link.never}
    best: dict[str, Candidate] = {}
    vetoed: set[str] = set()
    for link in links:
        if link.person in apart:
            continue
        found = Candidate(link.person, link.patient, compare(record, link.record, by=by, hot=hot))
        if found.comparison.rule == "two-valid-ids":
            vetoed.add(link.person)
        if link.person not in best or _key(found) < _key(best[link.person]):
            best[link.person] = found
    # One record of a person with another valid number speaks against the whole person.
    kept = [c for c in best.values() if c.person not in vetoed or c.comparison.rule == "two-valid-ids"]
    return sorted(kept, key=_key)


def _key(candidate: Candidate) -> tuple[int, float, str]:
    return _ORDER[candidate.grade], -candidate.weight, candidate.patient


def hot_values(record: Demographics, links: Sequence[Link], by: Model) -> frozenset[str]:
    """Fields whose value more persons share than one human's would."""
    ids = {link.person for link in links if set(link.record.ids) & set(record.ids)}
    phones = {link.person for link in links if set(link.record.phones) & set(record.phones)}
    year = record.birth[:4]
    namesakes = {l.person for l in links if set(l.record.names) & set(record.names) and l.record.birth[:4] == year}  # noqa: E741
    counts = {"id": ids, "phone": phones, "name": namesakes}
    return frozenset(name for name, persons in counts.items() if len(persons) > by.hot[name])


def choose(ranked: Sequence[Candidate], *, capped: bool = False) -> Choice:
    """
    Link only to the one certain candidate; anything that comes near it makes a question instead.

    `capped`: there were more candidates than were read, so nothing is certain but a resident identity number.
    """
    worth = [c for c in ranked if c.grade != "certainly-not"]
    if not worth:
        return Choice()
    first, others = worth[0], worth[1:]
    numbered = first.comparison.rule == "id-and-name"
    if first.grade != "certain" or (capped and not numbered):
        return Choice(rivals=tuple(worth[:5]))
    near = [c for c in others if c.weight >= first.weight - model().margin and c.grade in ("certain", "probable")]
    if any(not numbered or c.comparison.rule == "id-and-name" for c in near):
        return Choice(rivals=(first, *near[:4]))
    duplicates = tuple(c for c in others if c.grade == "certain")
    return Choice(first.person, first, duplicates)


def contradicts(patient: str, record: Demographics, siblings: Sequence[Link], never: frozenset[str]) -> str:
    """Why this record cannot be the person of these links, "" where nothing speaks against it."""
    for link in siblings:
        if link.patient in never or patient in link.never:
            return "set-apart"
        if link.patient != patient and compare(record, link.record).rule == "two-valid-ids":
            return "two-valid-ids"
    return ""


def jumped(before: Demographics, after: Demographics) -> bool:
    """True where a record number was given to somebody else: name and birth date both other than before."""
    if before.unidentified or before.newborn or after.unidentified:
        return False
    levels: Mapping[str, str] = compare(before, after).levels
    return levels["name"] == "other" and levels["birth"] == "other" and levels["id"] != "same"
