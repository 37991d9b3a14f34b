"""
`hie corpus`: send every message of some folders through the real port of a running exchange, and write down what
became of each, by message type. For developers: the report shows where a release got better or worse.
"""

from __future__ import annotations

import asyncio
import re
from collections import Counter
from collections.abc import AsyncIterator, Callable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from pymongo import AsyncMongoClient

from adapters.errors import AdapterError
from adapters.hl7v2 import ack, parser
from adapters.mllp.client import MllpClient
from hie.commands.sending import messages_in
from hie.commands.status import drain
from hie.errors import Unavailable
from hie.exchange.database import exchange_database
from hie.exchange.ids import now
from hie.settings import Settings

NAMES = frozenset({".hl7", ".txt", ".out"})
DRAIN_SECONDS = 600.0
ANSWER_SECONDS, SILENCE_SECONDS = 60.0, 1.0
_MSA = re.compile(rb"[\r\n]MSA.([AC][AER]).([^|\r\n]*)")
_TEXT = re.compile(rb"[\r\n]ERR[^\r\n]*\|([^|\r\n]+)(?=[\r\n]|$)")


@dataclass(frozen=True, slots=True)
class Answered:
    """One message and its acknowledgement."""

    source: str
    type: str
    code: str
    reason: str = ""


@dataclass(slots=True)
class Row:
    """All messages of one type."""

    sent: int = 0
    codes: Counter[str] = field(default_factory=Counter)
    reasons: Counter[str] = field(default_factory=Counter)
    states: Counter[str] = field(default_factory=Counter)
    dead: Counter[str] = field(default_factory=Counter)
    resources: Counter[str] = field(default_factory=Counter)
    unmapped: Counter[str] = field(default_factory=Counter)


@dataclass(frozen=True, slots=True)
class Corpus:
    """What was found, in the order of sending."""

    files: tuple[Path, ...]
    rows: dict[str, Row]
    sources: Counter[str]


def corpus(settings: Settings, places: Sequence[Path], report: Path | None, say: Callable[[str], None]) -> int:
    """Send, wait, report; returns 1 where a message got no answer or is dead."""
    files = tuple(sorted(found for place in places for found in _files(place)))
    if not files:
        raise Unavailable("There are no HL7 v2 files there.")
    found = asyncio.run(_run(settings, files, say))
    text = markdown(found)
    if report is None:
        say(text)
    else:
        report.parent.mkdir(parents=True, exist_ok=True)
        report.write_text(text, encoding="utf-8")
        say(f"{sum(row.sent for row in found.rows.values())} messages; the report is {report}.")
    lost = sum(row.codes["none"] + row.states["dead"] + row.states["pending"] for row in found.rows.values())
    return int(lost > 0)


def _files(place: Path) -> Iterator[Path]:
    if place.is_file():
        yield place
    else:
        yield from (file for file in place.rglob("*") if file.is_file() and file.suffix in NAMES)


async def _run(settings: Settings, files: Sequence[Path], say: Callable[[str], None]) -> Corpus:
    async with AsyncMongoClient[dict[str, Any]](settings.database_uri, tz_aware=True) as client:
        journal = exchange_database(client, settings.database_prefix)["journal"]
        newest = await journal.find_one({}, {"_id": 1}, sort=[("_id", -1)])
        answered = [one async for one in _send(settings, files, say)]
        say("Waiting until all are filed.")
        if not await drain(settings, DRAIN_SECONDS):
            say("Some messages are still pending.")
        rows = _by_type(answered)
        after = {"_id": {"$gt": newest["_id"]}} if newest else {}
        async for entry in journal.find(after, {"raw": 0, "answer": 0}).sort("_id", 1):
            _add_entry(rows.setdefault(entry["type"] or "not readable", Row()), entry)
        await _add_resources(settings, client, journal, after, rows)
    return Corpus(tuple(files), rows, Counter(one.source for one in answered))


async def _send(settings: Settings, files: Sequence[Path], say: Callable[[str], None]) -> AsyncIterator[Answered]:
    for file in files:
        say(file.name)
        async with MllpClient(settings.host, settings.mllp_port, timeout=ANSWER_SECONDS) as client:
            for message in messages_in(file.read_bytes()):
                if wants_answer(message):
                    yield _answered(file.parent.name, message, await _exchange(client, message))
                else:
                    # One that comes all the same must not be taken for the next message's.
                    async with MllpClient(settings.host, settings.mllp_port, timeout=SILENCE_SECONDS) as alone:
                        yield _answered(file.parent.name, message, await _exchange(alone, message), silent=True)


async def _exchange(client: MllpClient, message: bytes) -> bytes:
    try:
        return await client.send(message)
    except (OSError, TimeoutError):
        return b""


def wants_answer(message: bytes) -> bool:
    """False where MSH-15 and MSH-16 ask for no acknowledgement of a good message."""
    try:
        header = parser.read_header(message)
    except AdapterError:
        return True
    return ack.acknowledge(header, "AA", clock=now) is not None


def _answered(source: str, message: bytes, answer: bytes, *, silent: bool = False) -> Answered:
    code = _MSA.search(answer)
    if code is None:
        return Answered(source, kind_of(message), "not asked for" if silent else "none")
    said = _TEXT.search(answer)
    reason = "" if code[1].endswith(b"A") else (said[1] if said else code[2]).decode("utf-8", "replace")
    return Answered(source, kind_of(message), code[1].decode(), reason)


def kind_of(message: bytes) -> str:
    """MSH-9 as type^event, for counting; never more of the message."""
    separator = message[3:4] or b"|"
    fields = re.split(rb"[\r\n]", message, maxsplit=1)[0].split(separator)
    parts = fields[8].split(message[4:5] or b"^") if len(fields) > 8 else []
    named = "^".join(part.decode("ascii", "replace").strip() for part in parts[:2])
    return named if re.fullmatch(r"[A-Z0-9]{3}(\^[A-Z0-9]{0,4})?", named) else "not readable"


def _by_type(answered: Sequence[Answered]) -> dict[str, Row]:
    rows: dict[str, Row] = {}
    for one in answered:
        row = rows.setdefault(one.type, Row())
        row.sent += 1
        row.codes[one.code] += 1
        if one.reason:
            row.reasons[f"{one.code}: {one.reason}"] += 1
    return rows


def _add_entry(row: Row, entry: dict[str, Any]) -> None:
    row.states[entry["state"]] += 1
    if entry["state"] == "dead":
        row.dead[entry["reason"]] += 1
    parts = (one for one in entry.get("unmapped", ()) if one["kind"] != "message")
    row.unmapped.update(f"{one['kind']} {one['location']}" for one in parts)


async def _add_resources(settings: Settings, client: Any, journal: Any, after: Any, rows: dict[str, Row]) -> None:
    """Resources by the message that wrote their current version: meta.source names it."""
    kinds = {entry["_id"]: entry["type"] async for entry in journal.find(after, {"type": 1})}
    for part in ("health_records", "emr", "exchange"):
        database = client[f"{settings.database_prefix}_{part}"]
        for name in await database.list_collection_names():
            if not name[:1].isupper():
                continue
            async for document in database[name].find({"d": False}, {"text": 1}):
                found = re.search(rb'"source"\s*:\s*"urn:hie:message:([0-9A-Z]{26})', bytes(document["text"]))
                if found and (kind := kinds.get(found[1].decode())) is not None:
                    rows[kind or "not readable"].resources[name] += 1


def markdown(found: Corpus) -> str:
    """The report."""
    rows = sorted(found.rows.items())
    codes, states = Counter[str](), Counter[str]()
    for _, row in rows:
        codes.update(row.codes)
        states.update(row.states)
    lines = [
        "# HL7 v2 corpus",
        "",
        "Made by `hie corpus`: every message went through the MLLP port of a running exchange, file by file.",
        "AA, CA: accepted and durable. AE: the content must be corrected. AR: a type or version that is not taken.",
        "Not asked for: MSH-15 and MSH-16 want no acknowledgement.",
        "Committed: its facts are in the stores. Kept: understood as HL7, journaled, not translated.",
        "",
        f"{len(found.files)} files, {sum(found.sources.values())} messages: " + _list(found.sources),
        "",
        f"Acknowledged: {_list(codes)}. Journal: {_list(states)}.",
        "",
        "A message that was sent twice byte by byte is in the journal once. Resources are counted at their current",
        "version, under the last message that changed them.",
        "",
        "| message | sent | acknowledged | in the journal | resources |",
        "|---|---:|---|---|---|",
    ]
    lines += [
        f"| {kind} | {row.sent} | {_list(row.codes)} | {_list(row.states)} | {_list(row.resources)} |"
        for kind, row in rows
    ]
    lines += ["", "## Why not accepted", "", *_reasons(rows, "reasons")]
    lines += ["", "## Dead letters", "", *_reasons(rows, "dead")]
    lines += ["", "## Kept beside the translation", ""]
    lines += ["Segments, fields and codes that nobody maps, most frequent first.", ""]
    lines += _reasons(rows, "unmapped", most=8)
    return "\n".join(lines) + "\n"


def _list(counted: Counter[str]) -> str:
    return ", ".join(f"{name} {count}" for name, count in counted.most_common()) or "none"


def _reasons(rows: Sequence[tuple[str, Row]], name: str, most: int = 20) -> list[str]:
    lines = [f"- **{kind}**: {_list(_top(counted, most))}" for kind, row in rows if (counted := getattr(row, name))]
    return lines or ["None."]


def _top(counted: Counter[str], most: int) -> Counter[str]:
    return Counter(dict(counted.most_common(most)))
