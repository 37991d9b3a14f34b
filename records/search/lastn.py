"""
The last of each code: Observations grouped by what they measure, told by their search keys.

Codings are equal by system and code; the codings of one Observation are translations of each other, and equality is
transitive. Who has no coding is grouped by the text as written.
https://hl7.org/fhir/R4/observation-operation-lastn.html
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from records.collections import Collections
from records.documents import WITHOUT_KEYS, to_stored
from records.search.key import EXACT, SYSTEM_CODE, Condition
from records.stored import Stored, decode

OBSERVATION = "Observation"
CODED, SUBJECT = f"code{SYSTEM_CODE}", f"subject{EXACT}"
PATIENCE_MS = 30_000
BATCH = 1000


@dataclass(frozen=True, slots=True)
class Found:
    """One Observation as far as the choice needs it: by `codes` it is grouped, within one `subject`."""

    id: str
    subject: str
    codes: tuple[str, ...]
    effective: str
    updated: datetime


def last(found: Sequence[Found], most: int) -> list[str]:
    """
    Ids of the newest of each group, group by group, newest first; more than `most` where times are equal.

    The groups come in the order of their newest; what has no time is older than what has one.
    """
    groups: dict[str, list[Found]] = {}
    heads = _heads(found)
    for one in sorted(found, key=lambda one: (one.effective, one.updated, one.id), reverse=True):
        groups.setdefault(heads[one.id], []).append(one)
    return [one.id for group in groups.values() for one in _newest(group, most)]


def _newest(group: Sequence[Found], most: int) -> Iterable[Found]:
    if len(group) <= most or not (edge := group[most - 1].effective):
        return group[:most]
    return (one for one in group if one.effective >= edge)


def _heads(found: Iterable[Found]) -> dict[str, str]:
    """By id, the code that stands for the group."""
    parent: dict[str, str] = {}

    def root(code: str) -> str:
        while parent.setdefault(code, code) != code:
            parent[code] = parent[parent[code]]
            code = parent[code]
        return code

    firsts: dict[str, str] = {}
    for one in found:
        named = [f"{one.subject}\n{code}" for code in one.codes]
        firsts[one.id] = named[0]
        for other in named[1:]:
            parent[root(other)] = root(named[0])
    return {identity: root(code) for identity, code in firsts.items()}


async def read(collections: Collections, condition: Condition) -> list[Found]:
    """What the condition finds, without the texts: the database sends codes, subject and time alone."""
    wanted = {"$regexMatch": {"input": "$$this", "regex": r"^(?:code\||subject=)"}}
    pipeline = [
        {"$match": condition},
        {"$project": {"t": 1, "d": "$s.date", "k": {"$filter": {"input": "$k", "cond": wanted}}}},
    ]
    rows = await collections.of(OBSERVATION).aggregate(pipeline, batchSize=BATCH, maxTimeMS=PATIENCE_MS)
    found = [_found(row) async for row in rows]
    texts = await _texts(collections, [one.id for one in found if not one.codes])
    return [one if one.codes else _by_text(one, texts.get(one.id, "")) for one in found]


def _found(row: Mapping[str, object]) -> Found:
    keys: list[str] = row["k"]  # type: ignore[assignment]
    subject = next((key.removeprefix(SUBJECT) for key in keys if key.startswith(SUBJECT)), "")
    codes = tuple(key for key in keys if key.startswith(CODED))
    return Found(str(row["_id"]), subject, codes, str(row.get("d") or ""), row["t"])  # type: ignore[arg-type]


def _by_text(one: Found, text: str) -> Found:
    return Found(one.id, one.subject, (f"text {text}",), one.effective, one.updated)


async def _texts(collections: Collections, ids: Sequence[str]) -> dict[str, str]:
    """The search keys hold texts in small letters; as written they are only in the resource."""
    found: dict[str, str] = {}
    for start in range(0, len(ids), BATCH):
        rows = collections.of(OBSERVATION).find({"_id": {"$in": ids[start : start + BATCH]}}, {"text": 1})
        async for row in rows:
            found[row["_id"]] = str(decode(bytes(row["text"])).get("code", {}).get("text", ""))
    return found


async def fetch(collections: Collections, ids: Sequence[str], condition: Condition) -> list[Stored]:
    """The chosen ones in their order; the condition holds still, so that nothing shows what was hidden meanwhile."""
    asked: Condition = {"$and": [{"_id": {"$in": list(ids)}}, condition]}
    rows = {row["_id"]: row async for row in collections.of(OBSERVATION).find(asked, WITHOUT_KEYS)}
    return [to_stored(OBSERVATION, rows[one]) for one in ids if one in rows]
