"""
Sign-in sessions on our side: the browser holds an opaque id, the database its hash, and no token leaves this machine.

https://cheatsheetseries.owasp.org/cheatsheets/Session_Management_Cheat_Sheet.html
"""

from __future__ import annotations

import hashlib
import secrets
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from pymongo import ASCENDING, IndexModel

from hie.exchange.database import Client, exchange_database
from hie.exchange.ids import Clock, now
from hie.ui import forms
from hie.workbench.grants import Grant

IDLE = timedelta(minutes=10)
LONGEST = timedelta(hours=10)
SIGN_IN = timedelta(minutes=15)
# Each page would write otherwise.
NOTED_EVERY = timedelta(seconds=20)
SEARCHES_KEPT = 20
Document = dict[str, Any]


@dataclass(frozen=True, slots=True)
class SignIn:
    """A sign-in under way: what must come back, and where it leads."""

    state: str
    nonce: str
    verifier: str = field(repr=False)
    back: str = "/workbench"


@dataclass(frozen=True, slots=True)
class Tokens:
    """What the issuer gave; `expires` is the end of the access token."""

    access: str = field(repr=False)
    refresh: str = field(repr=False)
    expires: datetime
    session: str = ""
    subject: str = ""


@dataclass(frozen=True, slots=True)
class Session:
    """One signed-in browser. `key` is the hash that the database knows it by; `csrf` is the secret of its forms."""

    key: str
    tokens: Tokens
    csrf: str = field(repr=False)
    seen: datetime
    started: datetime
    grants: tuple[Grant, ...] = ()

    def grant(self, person: str, at: datetime) -> Grant | None:
        """The reason that was given for this person, while it holds."""
        return next((one for one in self.grants if one.person == person and one.holds(at)), None)


class Sessions:
    """Collection `workbench_sessions`; the database drops what has ended."""

    def __init__(self, client: Client, prefix: str, *, clock: Clock = now) -> None:
        self._sessions = exchange_database(client, prefix)["workbench_sessions"]
        self._clock = clock
        self._indexed = False

    async def ensure_indexes(self) -> None:
        """Create what is missing, once a process."""
        if not self._indexed:
            await self._sessions.create_indexes(
                [
                    IndexModel([("expires", ASCENDING)], expireAfterSeconds=0),
                    IndexModel([("session", ASCENDING)], sparse=True),
                    IndexModel([("subject", ASCENDING)], sparse=True),
                ]
            )
            self._indexed = True

    async def begin(self, sign_in: SignIn) -> str:
        """Keep a sign-in that starts; returns the id for the cookie."""
        await self.ensure_indexes()
        given = secrets.token_urlsafe(32)
        document = {
            "_id": _key(given), "kind": "sign-in", "state": sign_in.state, "nonce": sign_in.nonce,
            "verifier": sign_in.verifier, "back": sign_in.back, "expires": self._clock() + SIGN_IN,
        }  # fmt: skip
        await self._sessions.insert_one(document)
        return given

    async def take(self, given: str) -> SignIn | None:
        """The sign-in of a cookie, once."""
        found = await self._sessions.find_one_and_delete({"_id": _key(given), "kind": "sign-in"})
        if found is None or found["expires"] <= self._clock():
            return None
        return SignIn(found["state"], found["nonce"], found["verifier"], found["back"])

    async def open(self, tokens: Tokens) -> tuple[str, Session]:
        """A new session under a new id; returns the id for the cookie, too."""
        given, at = secrets.token_urlsafe(32), self._clock()
        session = Session(_key(given), tokens, forms.new_secret(), at, at)
        document = {
            "_id": session.key, "kind": "session", "csrf": session.csrf, "seen": at, "started": at,
            "expires": at + IDLE, "grants": [], "searches": [], **_tokens(tokens),
        }  # fmt: skip
        await self._sessions.insert_one(document)
        return given, session

    async def find(self, given: str) -> Session | None:
        """The session of a cookie; None where it ended or idled. Notes that it was used."""
        if not given:
            return None
        found = await self._sessions.find_one({"_id": _key(given), "kind": "session"}, {"searches": 0})
        at = self._clock()
        if found is None or found["expires"] <= at or found["started"] + LONGEST <= at:
            return None
        if at - found["seen"] > NOTED_EVERY:
            await self._sessions.update_one({"_id": found["_id"]}, {"$set": {"seen": at, "expires": at + IDLE}})
        return _session(found)

    async def renew(self, session: Session, tokens: Tokens) -> None:
        """Keep refreshed tokens."""
        await self._sessions.update_one({"_id": session.key}, {"$set": _tokens(tokens)})

    async def again(self, session: Session) -> Session | None:
        """The session as it stands in the database now."""
        found = await self._sessions.find_one({"_id": session.key, "kind": "session"}, {"searches": 0})
        return _session(found) if found else None

    async def end(self, session: Session) -> None:
        """The end of one session."""
        await self._sessions.delete_one({"_id": session.key})

    async def end_of(self, *, session: str = "", subject: str = "") -> int:
        """End every session that belongs to a session or an account of the issuer; returns how many."""
        named = {"session": session} if session else {"subject": subject}
        if not any(named.values()):
            return 0
        return (await self._sessions.delete_many({"kind": "session", **named})).deleted_count

    async def allow(self, session: Session, grant: Grant) -> None:
        """Keep the reason for a person, in place of an earlier one."""
        await self._sessions.update_one({"_id": session.key}, {"$pull": {"grants": {"person": grant.person}}})
        await self._sessions.update_one({"_id": session.key}, {"$push": {"grants": grant.document()}})

    async def keep_search(self, session: Session, criteria: Mapping[str, str]) -> str:
        """Keep what was asked for, so that its address says nothing; returns an opaque id."""
        search = secrets.token_urlsafe(12)
        kept = {"$each": [{"id": search, "criteria": dict(criteria)}], "$slice": -SEARCHES_KEPT}
        await self._sessions.update_one({"_id": session.key}, {"$push": {"searches": kept}})
        return search

    async def search(self, session: Session, search: str) -> dict[str, str] | None:
        """What was asked for under this id."""
        found = await self._sessions.find_one({"_id": session.key}, {"searches": 1}) or {}
        kept: Sequence[Document] = found.get("searches", ())
        return next((dict(one["criteria"]) for one in kept if one["id"] == search), None)


def _key(given: str) -> str:
    return hashlib.sha256(given.encode("utf-8", "replace")).hexdigest()


def _tokens(tokens: Tokens) -> Document:
    return {
        "access": tokens.access, "refresh": tokens.refresh, "access_expires": tokens.expires,
        "session": tokens.session, "subject": tokens.subject,
    }  # fmt: skip


def _session(found: Document) -> Session:
    tokens = Tokens(found["access"], found["refresh"], found["access_expires"], found["session"], found["subject"])
    grants = tuple(Grant.of(one) for one in found["grants"])
    return Session(found["_id"], tokens, found["csrf"], found["seen"], found["started"], grants)
