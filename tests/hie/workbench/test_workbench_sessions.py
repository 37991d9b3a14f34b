"""Sessions against a real database, and the OpenID client against the real demo sign-in."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import httpx
import pytest
from joserfc import jwt
from joserfc.jwk import RSAKey
from pymongo import AsyncMongoClient

from hie.access.demo_sign_in.accounts import accounts
from hie.access.demo_sign_in.app import create
from hie.access.demo_sign_in.keys import load_key
from hie.errors import Unauthenticated, Unavailable
from hie.settings import Settings
from hie.workbench.grants import Grant
from hie.workbench.oidc import LOGOUT_EVENT, OpenId
from hie.workbench.sessions import Sessions, SignIn, Tokens

Mongo = AsyncMongoClient[dict[str, Any]]
AT = datetime(2026, 11, 24, 2, 0, tzinfo=UTC)
TOKENS = Tokens("access", "refresh", AT + timedelta(minutes=5), "sid-1", "sub-1")


@dataclass
class Clock:
    at: datetime = AT

    def __call__(self) -> datetime:
        return self.at


class TestSessions:
    @pytest.fixture
    def clock(self) -> Clock:
        return Clock()

    @pytest.fixture
    def sessions(self, mongo: Mongo, database_prefix: str, clock: Clock) -> Sessions:
        return Sessions(mongo, database_prefix, clock=clock)

    async def test_found_by_cookie_alone(self, sessions: Sessions, mongo: Mongo, database_prefix: str) -> None:
        """The cookie's id finds the session; the database knows only its hash."""
        given, session = await sessions.open(TOKENS)
        kept = await mongo[f"{database_prefix}_exchange"]["workbench_sessions"].find().to_list()

        found = await sessions.find(given)

        assert found is not None
        assert (found.key, found.tokens) == (session.key, TOKENS)
        assert given not in str(kept)
        assert await sessions.find(session.key) is None

    async def test_idle(self, sessions: Sessions, clock: Clock) -> None:
        """Ten idle minutes end it; each use begins them anew, but not past ten hours."""
        given, _ = await sessions.open(TOKENS)
        for _ in range(3):
            clock.at += timedelta(minutes=9)
            assert await sessions.find(given) is not None
        clock.at += timedelta(minutes=10)

        assert await sessions.find(given) is None

    async def test_longest(self, sessions: Sessions, clock: Clock) -> None:
        """A day of work ends at some time, however busy."""
        given, _ = await sessions.open(TOKENS)
        for _ in range(70):
            clock.at += timedelta(minutes=9)
            found = await sessions.find(given)
        assert clock.at - AT > timedelta(hours=10)
        assert found is None

    async def test_sign_in_once(self, sessions: Sessions) -> None:
        """A sign-in under way is taken once, and never as a session."""
        sign_in = SignIn("state", "nonce", "verifier", "/workbench/x")
        given = await sessions.begin(sign_in)

        assert await sessions.find(given) is None
        assert await sessions.take(given) == sign_in
        assert await sessions.take(given) is None

    async def test_grants_and_searches(self, sessions: Sessions, clock: Clock) -> None:
        """A reason replaces an earlier one of the same person; a search is found by its id in its own session."""
        given, session = await sessions.open(TOKENS)
        _, other = await sessions.open(TOKENS)
        for reason in ("first", "second"):
            await sessions.allow(session, Grant("person", "TREAT", reason, clock.at))
        search = await sessions.keep_search(session, {"name": "王"})
        again = await sessions.find(given)

        assert again is not None
        assert [one.reason for one in again.grants] == ["second"]
        assert await sessions.search(session, search) == {"name": "王"}
        assert await sessions.search(other, search) is None

    async def test_ended_elsewhere(self, sessions: Sessions) -> None:
        """The issuer's session id ends ours; nothing named ends nothing."""
        given, _ = await sessions.open(TOKENS)

        assert await sessions.end_of() == 0
        assert await sessions.end_of(session="sid-1") == 1
        assert await sessions.find(given) is None


@dataclass
class Issuer:
    settings: Settings
    http: httpx.AsyncClient
    key: RSAKey

    async def answer(self, address: str, account: str = "clinician") -> dict[str, str]:
        """What comes back to the callback after choosing an account."""
        page = await self.http.get(address)
        request = page.text.partition('name="request" value="')[2].partition('"')[0]
        action = f"{self.settings.issuer_url}/login-actions/authenticate"
        back = await self.http.post(action, data={"request": request, "account": account})
        return {name: values[0] for name, values in parse_qs(urlsplit(back.headers["location"]).query).items()}

    def logout_token(self, **changes: Any) -> str:
        at = int(datetime.now(UTC).timestamp())
        claims = {"iss": self.settings.issuer_url, "aud": "workbench", "iat": at, "jti": "j", "sid": "s-1",
                  "events": {LOGOUT_EVENT: {}}, **changes}  # fmt: skip
        kept = {name: value for name, value in claims.items() if value is not None}
        return jwt.encode({"alg": "RS256", "typ": "logout+jwt", "kid": self.key.kid}, kept, self.key)


class TestOpenId:
    @pytest.fixture
    async def issuer(self, tmp_path: Path) -> AsyncIterator[Issuer]:
        settings = Settings(data_dir=tmp_path)
        app = create(settings)
        async with httpx.AsyncClient(transport=httpx.ASGITransport(app), trust_env=False) as http:
            yield Issuer(settings, http, load_key(tmp_path / "keys/sign-in.pem"))

    @pytest.fixture
    def openid(self, issuer: Issuer) -> OpenId:
        return OpenId(issuer.settings, http=issuer.http)

    async def test_whole_life(self, issuer: Issuer, openid: OpenId) -> None:
        """Code, tokens, refresh, end; after the end nothing can be refreshed."""
        sign_in, address = await openid.begin("/workbench/x", "zh-CN")
        tokens = await openid.finish(sign_in, await issuer.answer(address))
        fresh = await openid.refresh(tokens)

        assert tokens.subject == accounts()["clinician"].subject
        assert (fresh.session, fresh.subject) == (tokens.session, tokens.subject)
        assert fresh.access != tokens.access
        assert await openid.end(fresh)
        with pytest.raises(Unauthenticated):
            await openid.refresh(fresh)

    @pytest.mark.parametrize(
        "change", [{"state": "other"}, {"iss": "https://evil.example"}, {"code": "made-up"}, {"code": ""}]
    )
    async def test_foreign_answer(self, issuer: Issuer, openid: OpenId, change: dict[str, str]) -> None:
        """Another state, issuer or code is refused."""
        sign_in, address = await openid.begin("/workbench", "zh-CN")

        with pytest.raises(Unauthenticated):
            await openid.finish(sign_in, {**await issuer.answer(address), **change})

    async def test_other_sign_in(self, issuer: Issuer, openid: OpenId) -> None:
        """A code that belongs to another verifier or nonce does not open anything, though the state fits."""
        mine, _ = await openid.begin("/workbench", "zh-CN")
        _, address = await openid.begin("/workbench", "zh-CN")
        stolen = {**await issuer.answer(address), "state": mine.state}

        with pytest.raises(Unauthenticated):
            await openid.finish(mine, stolen)

    async def test_back_channel(self, issuer: Issuer, openid: OpenId) -> None:
        """A logout token names the session; one that is not for us, too old, or no logout token is refused."""
        assert (await openid.ended(issuer.logout_token()))["sid"] == "s-1"
        for change in ({"aud": "portal"}, {"iat": 1}, {"events": {}}, {"nonce": "n"}, {"sid": None}, {"iss": "x"}):
            with pytest.raises(Unauthenticated):
                await openid.ended(issuer.logout_token(**change))

    async def test_issuer_away(self, tmp_path: Path) -> None:
        """Where nobody answers, that is said as such."""
        transport = httpx.MockTransport(lambda _: httpx.Response(502))
        async with httpx.AsyncClient(transport=transport, trust_env=False) as http:
            with pytest.raises(Unavailable):
                await OpenId(Settings(data_dir=tmp_path), http=http).begin("/workbench", "zh-CN")
