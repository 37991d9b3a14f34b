"""Signing in and out, against the real demo sign-in."""

from __future__ import annotations

import json
from datetime import timedelta
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
from joserfc import jwt
from portal_world import World, relative, words, world
from pydantic import ValidationError
from pymongo import AsyncMongoClient

from hie.access.demo_sign_in.keys import load_key
from portal.settings import Settings


class TestSignIn:
    async def test_way(self, portal: World) -> None:
        """To the issuer with PKCE, state and nonce; back with a session; the visitor is greeted by name."""
        started = await portal.browser.get("/sign-in")
        asked = parse_qs(urlsplit(started.headers["location"]).query)
        answer = await portal.browser.get(relative(await portal.authorized(started.headers["location"])))

        assert asked["code_challenge_method"] == ["S256"]
        assert asked["response_type"] == ["code"]
        assert len(asked["state"][0]) > 20 < len(asked["nonce"][0])
        assert (answer.status_code, answer.headers["location"]) == (303, "/")
        assert "王晓梅，您好" in words(await portal.get("/"))

    async def test_cookie(self, portal: World) -> None:
        """The cookie is for this site and no script; it holds no token."""
        cookies = (await portal.sign_in()).headers.get_list("set-cookie")
        session = next(one for one in cookies if one.startswith("portal="))

        assert "HttpOnly" in session
        assert "SameSite=lax" in session
        assert "Path=/" in session
        assert len(session.partition(";")[0]) < 60

    async def test_https_cookie(self, tmp_path: Path, mongo_uri: str, database_prefix: str) -> None:
        """By https it is bound to the host."""
        async with world(tmp_path, mongo_uri, database_prefix, portal_url="https://127.0.0.1:8081") as portal:
            started = await portal.browser.get("/sign-in")

        assert started.headers["set-cookie"].startswith("__Host-portal-sign-in=")
        assert "Secure" in started.headers["set-cookie"]
        assert "Domain" not in started.headers["set-cookie"]

    async def test_back(self, portal: World) -> None:
        """The visitor arrives where he wanted to go, and only on this site."""
        assert (await portal.sign_in(back="/results?x=1")).headers["location"] == "/results?x=1"
        assert (await portal.sign_in(back="https://evil.example/")).headers["location"] == "/"

    async def test_new_session(self, portal: World) -> None:
        """A new sign-in has a new cookie; the old one opens nothing."""
        await portal.sign_in()
        before = portal.browser.cookies["portal"]
        await portal.sign_in()
        after = portal.browser.cookies["portal"]
        portal.browser.cookies.set("portal", before, domain="127.0.0.1")

        assert before != after
        answer = await portal.browser.get("/results", headers={"cookie": f"portal={before}"})
        assert answer.status_code == 401

    @pytest.mark.parametrize(
        "spoil",
        [
            lambda query: {**query, "state": "another"},
            lambda query: {**query, "code": "another"},
            lambda query: {**query, "iss": "http://evil.example"},
            lambda query: {"state": query["state"], "error": "access_denied"},
        ],
    )
    async def test_foreign_answer(self, portal: World, spoil: Any) -> None:
        """An answer that does not belong to this sign-in signs nobody in."""
        started = await portal.browser.get("/sign-in")
        good = urlsplit(await portal.authorized(started.headers["location"]))
        query = {name: values[0] for name, values in parse_qs(good.query).items()}
        answer = await portal.browser.get("/callback", params=spoil(query))

        assert answer.status_code == 400
        assert "登录没有完成" in answer.text
        assert "portal" not in portal.browser.cookies

    async def test_once(self, portal: World) -> None:
        """The answer of the issuer is taken once."""
        started = await portal.browser.get("/sign-in")
        address = relative(await portal.authorized(started.headers["location"]))
        pending = portal.browser.cookies["portal-sign-in"]
        await portal.browser.get(address)

        again = await portal.browser.get(address, headers={"cookie": f"portal-sign-in={pending}"})
        assert again.status_code == 400

    async def test_another_browser(self, portal: World) -> None:
        """A link with somebody's code does nothing in another browser."""
        started = await portal.browser.get("/sign-in")
        address = relative(await portal.authorized(started.headers["location"]))
        portal.browser.cookies.clear()

        assert (await portal.browser.get(address)).status_code == 400

    async def test_nothing_to_read(
        self, visited: World, mongo: AsyncMongoClient[dict[str, Any]], database_prefix: str
    ) -> None:
        """Who reads the database finds neither the cookie nor a token."""
        stored = await mongo[f"{database_prefix}_portal"]["sessions"].find().to_list()
        text = json.dumps(stored, default=lambda one: one.decode() if isinstance(one, bytes) else str(one))

        assert len(stored) == 1
        assert visited.browser.cookies["portal"] not in text
        assert "eyJ" not in text
        assert "王晓梅" not in text

    def test_production(self) -> None:
        """Production starts with https and a real issuer only."""
        with pytest.raises(ValidationError):
            Settings(mode="production")
        assert Settings(mode="production", issuer="https://sso.example/realms/zibo", portal_url="https://p.example")


class TestSession:
    async def test_closed(self, portal: World) -> None:
        """Without a session every page of the record leads to the sign-in, and the FHIR server hears nothing."""
        for path in ("/timeline", "/results", "/results/obs-1", "/medicines", "/vaccinations", "/record",
                     "/access-log", "/consent", "/consent/new", "/visits/enc-1", "/documents/doc-1"):  # fmt: skip
            html = await portal.get(path, 401)
            assert f'href="/sign-in?back={path}"' in html

        assert portal.fhir.requests == []

    async def test_idle(self, visited: World) -> None:
        """After 15 minutes without a page the session is over; at 14 it is not."""
        visited.clock.ahead += timedelta(minutes=14)
        await visited.get("/help")
        await visited.get("/results")
        visited.clock.ahead += timedelta(minutes=16)

        html = await visited.get("/results", 401)
        assert "安全退出" in html

    async def test_longest(self, visited: World) -> None:
        """Nobody stays for more than the longest time, however busy."""
        for _ in range(40):
            visited.clock.ahead += timedelta(minutes=13)
            await visited.browser.get("/help")

        await visited.get("/results", 401)

    async def test_stay(self, visited: World) -> None:
        """"Stay signed in" keeps the session; a form from elsewhere does not."""
        visited.clock.ahead += timedelta(minutes=14)
        assert (await visited.post("/stay")).status_code == 204
        visited.clock.ahead += timedelta(minutes=14)

        await visited.get("/results")
        assert (await visited.browser.post("/stay", data={})).status_code == 403

    async def test_refresh(self, visited: World) -> None:
        """When the access token is about to end, a new one is fetched without the visitor noticing."""
        visited.clock.ahead += timedelta(minutes=4, seconds=50)
        await visited.get("/help")

        await visited.get("/results")

    async def test_warning(self, visited: World) -> None:
        """The page knows when to warn, and can be kept without a script by any click."""
        html = await visited.get("/")

        assert 'data-idle="900" data-warn="120"' in html
        assert 'action="/stay"' in html

    async def test_refused_by_exchange(self, visited: World) -> None:
        """When the exchange no longer takes the token the visitor is signed out, and told so."""
        visited.fhir.expired = True
        answer = await visited.browser.get("/results")

        assert answer.status_code == 401
        assert answer.headers["clear-site-data"] == '"cache", "storage"'
        assert "portal" not in visited.browser.cookies


class TestSignOut:
    async def test_everywhere(self, visited: World) -> None:
        """Here and at the issuer, which leads back; the browser forgets what it kept."""
        cookie = visited.browser.cookies["portal"]
        answer = await visited.post("/sign-out")
        target = answer.headers["location"]
        returned = await visited.issuer.get(relative(target))

        assert target.startswith(f"{visited.settings.issuer_url}/protocol/openid-connect/logout?id_token_hint=")
        assert answer.headers["clear-site-data"] == '"cache", "storage"'
        assert returned.headers["location"] == "http://127.0.0.1:8081/signed-out"
        assert "安全退出" in await visited.get("/signed-out")
        assert (await visited.browser.get("/results", headers={"cookie": f"portal={cookie}"})).status_code == 401

    async def test_policy_lets_it(self, visited: World) -> None:
        """The content policy lets the form lead on to the issuer; else a browser would stop it silently."""
        policy = (await visited.browser.get("/")).headers["content-security-policy"]

        assert "form-action 'self' http://127.0.0.1:8082" in policy

    async def test_forged(self, visited: World) -> None:
        """Another site cannot sign a visitor out."""
        answer = await visited.browser.post("/sign-out", data={})

        assert answer.status_code == 403
        await visited.get("/results")

    async def test_back_channel(
        self, visited: World, mongo: AsyncMongoClient[dict[str, Any]], database_prefix: str, tmp_path: Path
    ) -> None:
        """When the issuer ends the session elsewhere, it ends here; a replay of an old message does nothing."""
        (session,) = await mongo[f"{database_prefix}_portal"]["sessions"].find().to_list()
        key, now = load_key(tmp_path / "keys/sign-in.pem"), int(visited.clock().timestamp())
        claims = {"iss": visited.settings.issuer_url, "aud": "portal", "iat": now, "sid": session["session"],
                  "events": {"http://schemas.openid.net/event/backchannel-logout": {}}}  # fmt: skip
        header = {"alg": "RS256", "kid": key.kid}
        old = jwt.encode(header, {**claims, "iat": now - 3600}, key)
        assert (await visited.browser.post("/back-channel-logout", data={"logout_token": old})).status_code == 400
        await visited.get("/results")
        token = jwt.encode(header, claims, key)
        assert (await visited.browser.post("/back-channel-logout", data={"logout_token": token})).status_code == 200

        await visited.get("/results", 401)

    async def test_back_channel_refuses(self, visited: World) -> None:
        """What is no logout token of the issuer ends nothing."""
        answer = await visited.browser.post("/back-channel-logout", data={"logout_token": "eyJhbGciOiJub25lIn0.e30."})

        assert answer.status_code == 400
        await visited.get("/results")
