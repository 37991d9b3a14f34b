"""The demo sign-in, driven by python-keycloak and by a browser."""

from __future__ import annotations

import base64
import hashlib
import re
import secrets
import stat
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import parse_qs, urlencode, urlsplit

import httpx
import pytest
from access_world import settings
from free_ports import free_port
from keycloak import KeycloakOpenID
from keycloak.exceptions import KeycloakAuthenticationError, KeycloakPostError
from sign_in_server import sign_in_server

from hie.access.demo_sign_in.accounts import accounts
from hie.access.demo_sign_in.app import create
from hie.access.jwks import Keys
from hie.access.tokens import Tokens
from hie.errors import Unauthenticated, Unavailable
from hie.settings import Settings

VERIFIER = secrets.token_urlsafe(48)
CHALLENGE = base64.urlsafe_b64encode(hashlib.sha256(VERIFIER.encode()).digest()).rstrip(b"=").decode()


@dataclass(frozen=True)
class Issuer:
    """A running demo sign-in."""

    settings: Settings

    @property
    def auth(self) -> str:
        return f"{self.settings.issuer_url}/protocol/openid-connect/auth"

    @property
    def callback(self) -> str:
        return f"{self.settings.web_url}/workbench/callback"

    def keycloak(self, client: str = "workbench", secret: str | None = None) -> KeycloakOpenID:
        base = self.settings.issuer_url.partition("/realms")[0]
        return KeycloakOpenID(server_url=base, realm_name="zibo", client_id=client, client_secret_key=secret)

    def request(self, **changes: str) -> dict[str, str]:
        return {
            "response_type": "code", "client_id": "workbench", "redirect_uri": self.callback, "state": "s t&1",
            "scope": "openid user/*.cruds", "nonce": "n-1", "code_challenge": CHALLENGE,
            "code_challenge_method": "S256", **changes,
        }  # fmt: skip

    def sign_in(self, **changes: str) -> httpx.Response:
        """What the browser gets after choosing the clinician."""
        with httpx.Client(trust_env=False) as browser:
            page = browser.get(f"{self.auth}?{urlencode(self.request(**changes))}")
            kept = re.search(r'name="request" value="([^"]+)"', page.text)
            assert kept is not None, page.text
            action = f"{self.settings.issuer_url}/login-actions/authenticate"
            return browser.post(action, data={"request": kept[1], "account": "clinician"})

    def code(self, **changes: str) -> str:
        return parse_qs(urlsplit(self.sign_in(**changes).headers["location"]).query)["code"][0]


@pytest.fixture(scope="module")
def issuer(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Issuer]:
    with sign_in_server(tmp_path_factory.mktemp("issuer"), free_port()) as chosen:
        yield Issuer(chosen)


class TestPythonKeycloak:
    async def test_password_and_our_verification(self, issuer: Issuer) -> None:
        """A token by password is one that the exchange takes."""
        answer = issuer.keycloak().token("clinician", "clinician", scope="openid user/*.cruds")
        async with httpx.AsyncClient(trust_env=False) as http:
            keys = Keys(issuer.settings.issuer_url, http)
            tokens = Tokens(keys, issuer=issuer.settings.issuer_url, audiences=(issuer.settings.audience,))
            claims = await tokens.verify(answer["access_token"])
            for other in ("refresh_token", "id_token"):
                with pytest.raises(Unauthenticated):
                    await tokens.verify(answer[other])

        assert claims.subject == accounts()["clinician"].subject
        assert (claims.name, claims.roles, claims.client) == ("张医生", ("clinician",), "workbench")
        assert claims.organization == "urn:hie:organization|370303-H01"
        assert claims.scope == "openid user/*.cruds"

    def test_code_flow_with_pkce_userinfo_refresh_and_logout(self, issuer: Issuer) -> None:
        """The whole life of a session, with the client library of the real thing."""
        keycloak = issuer.keycloak()
        first = keycloak.token(
            grant_type="authorization_code", code=issuer.code(), redirect_uri=issuer.callback, code_verifier=VERIFIER
        )
        second = keycloak.refresh_token(first["refresh_token"])
        who = keycloak.userinfo(second["access_token"])
        identity = keycloak.decode_token(first["id_token"], check_claims={"aud": "workbench"})
        keycloak.logout(second["refresh_token"])

        assert (who["preferred_username"], who["organization_name"]) == ("clinician", "淄博市中心医院")
        assert identity["nonce"] == "n-1"
        with pytest.raises(KeycloakPostError):
            keycloak.refresh_token(second["refresh_token"])
        with pytest.raises(KeycloakAuthenticationError):
            keycloak.userinfo(second["access_token"])

    def test_client_credentials(self, issuer: Issuer) -> None:
        """The backend service shows its secret and gets its own scope, and no refresh token."""
        keycloak = issuer.keycloak("system", "system")
        answer = keycloak.token(grant_type="client_credentials", scope="system/*.cruds")
        seen = keycloak.introspect(answer["access_token"])

        assert seen["active"] is True
        assert seen["realm_access"] == {"roles": ["system"]}
        assert "refresh_token" not in answer

    @pytest.mark.parametrize(("client", "secret"), [("system", "wrong"), ("system", None), ("nobody", None)])
    def test_a_wrong_client(self, issuer: Issuer, client: str, secret: str | None) -> None:
        """A wrong secret or an unknown client gets nothing."""
        with pytest.raises(KeycloakAuthenticationError):
            issuer.keycloak(client, secret).token(grant_type="client_credentials")

    def test_a_wrong_password(self, issuer: Issuer) -> None:
        """Name and password have to fit; the empty password fits nobody."""
        for account, password in (("clinician", "x"), ("nobody", "nobody"), ("\x00", "\x00")):
            with pytest.raises(KeycloakAuthenticationError):
                issuer.keycloak().token(account, password)

    def test_a_resident_gets_no_staff_scope(self, issuer: Issuer) -> None:
        """Scopes belong to clients."""
        with pytest.raises(KeycloakPostError):
            issuer.keycloak("portal").token("resident", "resident", scope="openid user/*.cruds")

    def test_discovery(self, issuer: Issuer) -> None:
        """Every address of the discovery document is below the issuer."""
        found = issuer.keycloak().well_known()

        assert found["issuer"] == issuer.settings.issuer_url
        assert found["code_challenge_methods_supported"] == ["S256"]
        assert all(found[name].startswith(found["issuer"]) for name in found if name.endswith("_endpoint"))


class TestCode:
    def exchange(self, issuer: Issuer, **changes: str) -> httpx.Response:
        form = {
            "grant_type": "authorization_code", "client_id": "workbench", "redirect_uri": issuer.callback,
            "code_verifier": VERIFIER, **changes,
        }  # fmt: skip
        address = f"{issuer.settings.issuer_url}/protocol/openid-connect/token"
        return httpx.post(address, data=form, trust_env=False)

    def test_the_answer_returns_state_and_issuer(self, issuer: Issuer) -> None:
        """State comes back as it was sent, beside the issuer (RFC 9207)."""
        back = issuer.sign_in()
        fields = parse_qs(urlsplit(back.headers["location"]).query)

        assert back.status_code == 303
        assert (fields["state"], fields["iss"]) == (["s t&1"], [issuer.settings.issuer_url])

    def test_works_once(self, issuer: Issuer) -> None:
        """A code that was seen is worth nothing."""
        code = issuer.code()

        assert self.exchange(issuer, code=code).status_code == 200
        assert self.exchange(issuer, code=code).json()["error"] == "invalid_grant"

    @pytest.mark.parametrize(
        "changes",
        [
            {"code_verifier": "x" * 64},
            {"code_verifier": ""},
            {"client_id": "portal"},
            {"redirect_uri": "http://127.0.0.1:8080/workbench/other"},
        ],
    )
    def test_is_bound_to_its_request(self, issuer: Issuer, changes: dict[str, str]) -> None:
        """Another verifier, client or address does not get the token, and the code is spent."""
        code = issuer.code()

        assert self.exchange(issuer, code=code, **changes).json()["error"] == "invalid_grant"
        assert self.exchange(issuer, code=code).json()["error"] == "invalid_grant"


class TestAuthorize:
    @pytest.mark.parametrize(
        "changes",
        [
            {"client_id": "nobody"},
            {"redirect_uri": "https://evil.example/workbench/callback"},
            {"redirect_uri": "http://127.0.0.1:8080/workbench/callback/../other"},
            {"redirect_uri": "http://user@127.0.0.1:8080/workbench/callback"},
            {"redirect_uri": "https://127.0.0.1:8080/workbench/callback"},
            {"redirect_uri": ""},
        ],
    )
    def test_never_redirects_to_a_stranger(self, issuer: Issuer, changes: dict[str, str]) -> None:
        """A client or address that is not registered gets a page, and no redirect."""
        answer = httpx.get(issuer.auth, params=issuer.request(**changes), trust_env=False)

        assert answer.status_code == 400
        assert "location" not in answer.headers

    @pytest.mark.parametrize(
        ("changes", "error"),
        [
            ({"code_challenge": ""}, "invalid_request"),
            ({"code_challenge_method": "plain"}, "invalid_request"),
            ({"response_type": "token"}, "unsupported_response_type"),
            ({"scope": "openid system/*.cruds"}, "invalid_scope"),
            ({"prompt": "none"}, "login_required"),
        ],
    )
    def test_tells_the_client_what_is_wrong(self, issuer: Issuer, changes: dict[str, str], error: str) -> None:
        """PKCE with S256 is not optional; errors travel back with the state."""
        answer = httpx.get(issuer.auth, params=issuer.request(**changes), trust_env=False)
        fields = parse_qs(urlsplit(answer.headers["location"]).query)

        assert answer.headers["location"].startswith(issuer.callback)
        assert (fields["error"], fields["state"]) == ([error], ["s t&1"])

    def test_a_loopback_client_may_listen_on_any_port(self, issuer: Issuer) -> None:
        """RFC 8252: the port of a loopback callback is free."""
        asked = issuer.request(redirect_uri="http://127.0.0.1:45678/workbench/callback")

        assert httpx.get(issuer.auth, params=asked, trust_env=False).status_code == 200

    def test_what_was_asked_is_escaped_and_signed(self, issuer: Issuer) -> None:
        """A state full of markup stays text; a changed page is not taken."""
        page = httpx.get(issuer.auth, params=issuer.request(state='"><script>'), trust_env=False)
        action = f"{issuer.settings.issuer_url}/login-actions/authenticate"
        forged = httpx.post(action, data={"request": "x.y.z", "account": "clinician"}, trust_env=False)

        assert "<script" not in page.text
        assert "default-src 'none'" in page.headers["content-security-policy"]
        assert forged.status_code == 400


class TestLogout:
    def test_a_browser_is_led_back_to_its_site_only(self, issuer: Issuer) -> None:
        """After signing out the client's own site follows, or a plain page."""
        keycloak = issuer.keycloak()
        answer = keycloak.token("clinician", "clinician", scope="openid")
        address = f"{issuer.settings.issuer_url}/protocol/openid-connect/logout"
        home = f"{issuer.settings.web_url}/workbench"
        asked = {"id_token_hint": answer["id_token"], "post_logout_redirect_uri": home}
        back = httpx.get(address, params=asked, trust_env=False)
        elsewhere = {"client_id": "workbench", "post_logout_redirect_uri": "https://evil.example/"}
        stays = httpx.get(address, params=elsewhere, trust_env=False)

        assert back.headers["location"] == home
        assert (stays.status_code, "location" in stays.headers) == (200, False)
        with pytest.raises(KeycloakPostError):
            keycloak.refresh_token(answer["refresh_token"])


class TestStart:
    def test_refuses_production(self, tmp_path: Path) -> None:
        """No setting brings it up where real people are."""
        with pytest.raises(Unavailable):
            create(settings(tmp_path, mode="production"))

    def test_keeps_its_key(self, tmp_path: Path) -> None:
        """Tokens outlive a restart; the key is the owner's alone."""
        create(settings(tmp_path))
        file = tmp_path / "keys" / "sign-in.pem"
        first = file.read_bytes()
        create(settings(tmp_path))

        assert file.read_bytes() == first
        assert stat.S_IMODE(file.stat().st_mode) == 0o600
