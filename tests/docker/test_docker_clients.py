"""Workbench and portal with a real Keycloak: their own sign-in, and the word that a session ended elsewhere."""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import UTC, datetime
from urllib.parse import urlsplit

import httpx
import pytest
from keycloak_server import RealKeycloak
from keycloak_world import CALLBACK, Browser, SignIn

from hie.access.demo_sign_in.accounts import accounts
from hie.errors import Unauthenticated
from hie.settings import Settings
from hie.workbench import oidc as workbench_oidc
from portal import oidc as portal_oidc
from portal.errors import SignedOut
from portal.settings import Settings as PortalSettings

pytestmark = [pytest.mark.slow, pytest.mark.timeout(600)]


@pytest.fixture
async def workbench(real_keycloak: RealKeycloak) -> AsyncIterator[workbench_oidc.OpenId]:
    """The client of the workbench."""
    issuer = f"{real_keycloak.base}/realms/zibo"
    found = workbench_oidc.OpenId(Settings(mode="production", issuer=issuer, public_url="http://127.0.0.1:8080"))
    yield found
    await found.aclose()


@pytest.fixture
async def portal(real_keycloak: RealKeycloak) -> AsyncIterator[portal_oidc.OpenId]:
    """The client of the portal."""
    settings = PortalSettings(issuer=f"{real_keycloak.base}/realms/zibo", portal_url="http://127.0.0.1:8081")
    async with httpx.AsyncClient(trust_env=False, timeout=30) as http:
        yield portal_oidc.OpenId(settings, http, lambda: datetime.now(UTC))


def answered(address: str, account: str, browser: Browser) -> dict[str, str]:
    """Sign in at the page of this address; what comes back to the client."""
    form = {"username": account, "password": account, "credentialId": ""}
    answer = browser.submit(browser.get(address), form)
    location = urlsplit(answer.headers["location"])
    assert location._replace(query="").geturl() in CALLBACK.values()
    return dict(httpx.QueryParams(location.query))


class TestWorkbench:
    async def test_session(self, workbench: workbench_oidc.OpenId, browser: Browser) -> None:
        """Begin, the page, finish, refresh, end: and then nothing is refreshed any more."""
        begun, address = await workbench.begin("/workbench", "zh-CN")
        tokens = await workbench.finish(begun, answered(address, "administrator", browser))
        renewed = await workbench.refresh(tokens)

        assert tokens.subject == accounts()["administrator"].subject
        assert renewed.refresh != tokens.refresh
        assert await workbench.end(renewed)
        with pytest.raises(Unauthenticated):
            await workbench.refresh(renewed)

    async def test_told_of_a_sign_out(
        self, real_keycloak: RealKeycloak, workbench: workbench_oidc.OpenId, browser: Browser
    ) -> None:
        """A sign-out elsewhere arrives as a logout token that the workbench takes, for this session."""
        sign_in = SignIn(real_keycloak.base, "workbench", browser)
        back = sign_in.back("pharmacist", workbench_oidc.SCOPE)
        tokens = sign_in.token(back["code"])
        real_keycloak.forget()
        sign_in.openid.logout(tokens["refresh_token"])
        path, token = real_keycloak.told.get(timeout=30)
        told = await workbench.ended(token)

        assert path == "/workbench/back-channel-logout"
        assert (told["sid"], told["sub"]) == (back["session_state"], accounts()["pharmacist"].subject)


class TestPortal:
    async def test_session(self, portal: portal_oidc.OpenId, browser: Browser) -> None:
        """Begin, the page, finish, refresh, end: and then nothing is refreshed any more."""
        begun, address = await portal.begin("/", "zh-CN")
        tokens = await portal.finish(begun, answered(address, "elder", browser))
        renewed = await portal.refresh(tokens)

        assert (tokens.subject, tokens.name) == (accounts()["elder"].subject, accounts()["elder"].name)
        await portal.end(renewed)
        with pytest.raises(SignedOut):
            await portal.refresh(renewed)

    async def test_leave_by_browser(
        self, real_keycloak: RealKeycloak, portal: portal_oidc.OpenId, browser: Browser
    ) -> None:
        """The browser signs out at Keycloak, comes back to the portal, and the portal is told, too."""
        begun, address = await portal.begin("/", "zh-CN")
        tokens = await portal.finish(begun, answered(address, "resident", browser))
        real_keycloak.forget()
        answer = browser.get(portal.leave(tokens, "zh-CN"))
        path, token = real_keycloak.told.get(timeout=30)
        told = await portal.ended(token)

        assert (answer.status_code, answer.headers["location"]) == (302, "http://127.0.0.1:8081/signed-out")
        assert (path, told["sid"]) == ("/back-channel-logout", tokens.session)
