"""
Who is signed in: on the server, never in the browser. Tokens are encrypted under the value of the cookie, which the
database does not hold.

https://cheatsheetseries.owasp.org/cheatsheets/Session_Management_Cheat_Sheet.html
"""

from __future__ import annotations

import base64
import hashlib
import json
import secrets
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass, field
from datetime import datetime, timedelta
from typing import Any

from cryptography.fernet import Fernet
from pymongo import AsyncMongoClient

from hie.ui import forms

Document = dict[str, Any]
Clock = Callable[[], datetime]
SIGN_IN_SECONDS = 600
# Not every page needs a write.
SEEN_SECONDS = 20


@dataclass(frozen=True, slots=True)
class SignIn:
    """A sign-in on its way: what the answer of the issuer has to fit."""

    state: str
    nonce: str
    verifier: str
    back: str


@dataclass(frozen=True, slots=True)
class Tokens:
    """What the issuer gave; `expires` is the end of the access token."""

    access: str = field(repr=False)
    refresh: str = field(repr=False)
    identity: str = field(repr=False)
    expires: datetime
    session: str
    subject: str
    name: str


@dataclass(frozen=True, slots=True)
class Session:
    """A signed-in visitor. `value` is the cookie's."""

    value: str = field(repr=False)
    tokens: Tokens
    csrf: str = field(repr=False)
    seen: datetime
    ends: datetime
    idle: bool = False


class Sessions:
    """Sessions and sign-ins on their way, and when a visitor last looked at the access log."""

    def __init__(
        self, client: AsyncMongoClient[Document], database: str, *, idle: int, longest: int, clock: Clock
    ) -> None:
        self._sessions = client[database]["sessions"]
        self._sign_ins = client[database]["sign_ins"]
        self._looks = client[database]["looks"]
        self._idle, self._longest, self._clock = timedelta(seconds=idle), timedelta(seconds=longest), clock

    async def ensure_indexes(self) -> None:
        """What is over is removed by the database itself."""
        await self._sessions.create_index("ends", expireAfterSeconds=0)
        await self._sessions.create_index("session")
        await self._sessions.create_index("subject")
        await self._sign_ins.create_index("ends", expireAfterSeconds=0)
        await self._looks.create_index("at", expireAfterSeconds=400 * 24 * 3600)

    async def begin(self, sign_in: SignIn) -> str:
        """Keep a sign-in; the value of its cookie."""
        value = secrets.token_urlsafe(32)
        ends = self._clock() + timedelta(seconds=SIGN_IN_SECONDS)
        await self._sign_ins.insert_one({"_id": _hash(value), "ends": ends, **asdict(sign_in)})
        return value

    async def take(self, value: str) -> SignIn | None:
        """The sign-in of a cookie, once."""
        found = await self._sign_ins.find_one_and_delete({"_id": _hash(value)}) if value else None
        if found is None or found["ends"] < self._clock():
            return None
        return SignIn(found["state"], found["nonce"], found["verifier"], found["back"])

    async def open(self, tokens: Tokens) -> Session:
        """A new session under a new value."""
        value, now = secrets.token_urlsafe(32), self._clock()
        session = Session(value, tokens, forms.new_secret(), now, now + self._longest)
        await self._sessions.insert_one(
            {"_id": _hash(value), "csrf": session.csrf, "seen": now, "ends": session.ends, **_sealed(value, tokens)}
        )
        return session

    async def find(self, value: str) -> Session | None:
        """The session of a cookie; `idle` says that the visitor was away too long."""
        found = await self._sessions.find_one({"_id": _hash(value)}) if value else None
        now = self._clock()
        if found is None or found["ends"] <= now:
            return None
        tokens = _opened(value, found)
        return Session(value, tokens, found["csrf"], found["seen"], found["ends"], now - found["seen"] > self._idle)

    async def touch(self, session: Session) -> None:
        """The visitor is there."""
        now = self._clock()
        if now - session.seen > timedelta(seconds=SEEN_SECONDS):
            await self._sessions.update_one({"_id": _hash(session.value)}, {"$set": {"seen": now}})

    async def renew(self, session: Session, tokens: Tokens) -> Session:
        """New tokens of the same session."""
        await self._sessions.update_one({"_id": _hash(session.value)}, {"$set": _sealed(session.value, tokens)})
        return Session(session.value, tokens, session.csrf, session.seen, session.ends)

    async def end(self, value: str) -> None:
        """Forget a session."""
        await self._sessions.delete_one({"_id": _hash(value)})

    async def end_of(self, *, session: str, subject: str) -> None:
        """Forget the sessions that the issuer ended: one of its sessions, or all of a subject."""
        await self._sessions.delete_many({"session": session} if session else {"subject": subject})

    async def last_look(self, subject: str) -> datetime | None:
        """When the visitor last looked at who had looked."""
        found = await self._looks.find_one({"_id": _hash(subject)})
        return found["at"] if found else None

    async def looked(self, subject: str) -> None:
        """The visitor looks at the access log now."""
        await self._looks.update_one({"_id": _hash(subject)}, {"$set": {"at": self._clock()}}, upsert=True)


def _hash(value: str) -> str:
    return hashlib.sha256(value.encode()).hexdigest()


def _key(value: str) -> Fernet:
    return Fernet(base64.urlsafe_b64encode(hashlib.sha256(b"tokens" + value.encode()).digest()))


def _sealed(value: str, tokens: Tokens) -> Document:
    secret = {name: text for name, text in asdict(tokens).items() if name != "expires"}
    sealed = _key(value).encrypt(json.dumps(secret).encode())
    return {"tokens": sealed, "expires": tokens.expires, "session": tokens.session, "subject": tokens.subject}


def _opened(value: str, found: Mapping[str, Any]) -> Tokens:
    return Tokens(**json.loads(_key(value).decrypt(found["tokens"])), expires=found["expires"])
