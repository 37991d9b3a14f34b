"""
Profiles of sites with all their versions: who changed what when, and the way back.

Collection `site_profiles` has what is in force, one document a sender; `site_profile_versions` every version.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from functools import lru_cache
from typing import Any

import structlog
import yaml
from pymongo.errors import DuplicateKeyError

from hie.directory.answers import Answers
from hie.directory.profile import Profile, read
from hie.directory.yaml_lines import Invalid
from hie.errors import Unprocessable
from hie.exchange.database import Client, exchange_database
from hie.exchange.ids import Clock, now

_log = structlog.get_logger("hie.directory")
# What profiles of before the YAML consisted of, and the key that each has now.
_FIELDS = ("authority", "charset", "zone", "authorities", "snapshot", "visit_by")


@dataclass(frozen=True, slots=True)
class Version:
    """One version of a profile: its number from 1, the YAML as written, who wrote it when, and what for."""

    sender: str
    number: int
    text: str
    by: str
    at: datetime
    reason: str = ""


class SiteProfiles:
    """Reads are cheap and without checks; a write is checked, and never overwrites another's."""

    def __init__(self, client: Client, prefix: str, *, clock: Clock = now) -> None:
        database = exchange_database(client, prefix)
        self._current, self._versions = database["site_profiles"], database["site_profile_versions"]
        self._clock = clock

    async def all(self) -> Mapping[str, tuple[Profile, int]]:
        """The profile in force of every sender that has one, with its version."""
        found: dict[str, tuple[Profile, int]] = {}
        async for document in self._current.find():
            profile = _readable(document)
            if profile is not None:
                found[document["_id"]] = (profile, int(document.get("version", 0)))
        return found

    async def current(self, sender: str) -> Version | None:
        """What is in force for a sender."""
        document = await self._current.find_one({"_id": sender})
        return _version(document) if document else None

    async def load(self, text: str, *, by: str, reason: str = "", sender: str = "") -> Version:
        """
        Check a profile and put it in force; the same text again changes nothing.

        Raises Invalid with the lines of what is wrong, Unprocessable where it names no sender or another changed it
        at the same moment.
        """
        profile = read(text)
        sender = sender or profile.sender
        if not sender:
            raise Unprocessable("The profile names no sender.")
        before = await self.current(sender)
        if before is not None and before.text == text:
            return before
        return await self._put(sender, text, before, by, reason)

    async def _put(self, sender: str, text: str, before: Version | None, by: str, reason: str) -> Version:
        if before is not None and before.number == 0:
            # A profile of before there were versions: the first one is what it was.
            before = await self._write(Version(sender, 1, before.text, before.by, before.at))
        number = before.number + 1 if before else 1
        return await self._write(Version(sender, number, text, by, self._clock(), reason))

    async def _write(self, version: Version) -> Version:
        """The version first: whoever writes the same number at the same moment is told so."""
        document = {
            "sender": version.sender, "version": version.number, "text": version.text, "by": version.by,
            "at": version.at, "reason": version.reason,
        }  # fmt: skip
        try:
            await self._versions.insert_one({"_id": f"{version.sender}\x1f{version.number}", **document})
        except DuplicateKeyError as error:
            raise Unprocessable("The profile was changed by somebody else at the same moment.") from error
        found = {**document, "answers": True} if _answers(version.text) else document
        await self._current.replace_one({"_id": version.sender}, found, upsert=True)
        return version

    async def history(self, sender: str) -> list[Version]:
        """Every version of a sender's profile, the newest first."""
        found = self._versions.find({"sender": sender}).sort("version", -1)
        return [_version(document) async for document in found]

    async def version(self, sender: str, number: int) -> Version:
        """One version. Raises Unprocessable where there is none."""
        document = await self._versions.find_one({"_id": f"{sender}\x1f{number}"})
        if document is None:
            raise Unprocessable(f"The profile of {sender} has no version {number}.")
        return _version(document)

    async def rollback(self, sender: str, number: int, *, by: str) -> Version:
        """Put an earlier version in force again, as a new one; it must still be valid."""
        wanted = await self.version(sender, number)
        return await self.load(wanted.text, by=by, reason=f"as version {number}", sender=sender)

    async def answering(self) -> AsyncIterator[tuple[str, Answers]]:
        """Senders whose profile names an address for answers, with what it says of them."""
        async for document in self._current.find({"answers": True}):
            profile = _readable(document)
            if profile is not None and profile.answers is not None:
                yield str(document["_id"]), profile.answers

    async def senders(self) -> AsyncIterator[str]:
        """Whoever has a profile."""
        async for document in self._current.find({}, {"_id": 1}).sort("_id", 1):
            yield str(document["_id"])


def _version(document: Mapping[str, Any]) -> Version:
    sender = document.get("sender") or document["_id"]
    text = document.get("text") or written(sender, document)
    at, reason = document.get("at"), document.get("reason", "")
    return Version(str(sender), int(document.get("version", 0)), text, document.get("by", ""), at, reason)  # type: ignore[arg-type]


@lru_cache(maxsize=2_000)
def _read(text: str) -> Profile:
    """Read once: what is in force is asked for every few seconds."""
    return read(text)


def _readable(document: Mapping[str, Any]) -> Profile | None:
    """None, and said in the log, where a profile of an earlier release is not valid in this one."""
    try:
        return _read(_version(document).text)
    except Invalid as error:
        _log.warning("profile of a site is not valid", sender=document["_id"], problems=len(error.problems))
        return None


def _answers(text: str) -> bool:
    try:
        return _read(text).answers is not None
    except Invalid:
        return False


def written(sender: str, said: Mapping[str, Any]) -> str:
    """A profile as YAML, of values as forms have them: `code_maps` are rows {table, local, system, code, display}."""
    content: dict[str, Any] = {"sender": sender}
    content |= {name: value for name in _FIELDS if (value := said.get(name))}
    codes: dict[str, dict[str, list[str]]] = {}
    for row in said.get("code_maps") or ():
        coding = [row["system"], row["code"], row.get("display", "")]
        codes.setdefault(row["table"], {})[row["local"]] = coding
    if codes:
        content["codes"] = codes
    return yaml.safe_dump(content, allow_unicode=True, sort_keys=False)


def merged(text: str, sender: str, said: Mapping[str, Any]) -> str:
    """A profile with some of its values set anew; comments are lost where anything changes."""
    before = yaml.safe_load(text) or {}
    new = yaml.safe_load(written(sender, said))
    if all(before.get(key) == value for key, value in new.items()):
        return text
    return yaml.safe_dump(before | new, allow_unicode=True, sort_keys=False)
