"""
Who is here: the session of the cookie, its token kept fresh, and the caller that the gate makes of it.
"""

from __future__ import annotations

from datetime import timedelta

from hie.access.caller import Caller
from hie.access.gate import Gate
from hie.errors import Unauthenticated
from hie.exchange.ids import Clock
from hie.workbench.oidc import OpenId
from hie.workbench.sessions import Session, Sessions, Tokens

FRESH = timedelta(seconds=30)


class Identity:
    """Turns a cookie into a session and a caller."""

    def __init__(self, sessions: Sessions, openid: OpenId, gate: Gate, clock: Clock) -> None:
        self._sessions, self._openid, self._gate, self._clock = sessions, openid, gate, clock

    async def of(self, cookie: str) -> tuple[Session, Caller] | None:
        """Session and caller; None where nobody is signed in any more."""
        session = await self._sessions.find(cookie)
        if session is None:
            return None
        try:
            tokens = await self._fresh(session)
            return session, await self.caller(tokens)
        except Unauthenticated:
            await self._sessions.end(session)
            return None

    async def caller(self, tokens: Tokens) -> Caller:
        """The caller of an access token, which the gate verifies."""
        return await self._gate.caller_of(await self._gate.tokens.verify(tokens.access), {})

    async def _fresh(self, session: Session) -> Tokens:
        if session.tokens.expires - self._clock() > FRESH:
            return session.tokens
        try:
            tokens = await self._openid.refresh(session.tokens)
        except Unauthenticated:
            # Another request of the same browser may have used the refresh token a moment ago.
            again = await self._sessions.again(session)
            if again is None or again.tokens.refresh == session.tokens.refresh:
                raise
            return again.tokens
        await self._sessions.renew(session, tokens)
        return tokens
