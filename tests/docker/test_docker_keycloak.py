"""The realm in a real Keycloak: people sign in by code flow with PKCE, and our gate takes the tokens."""

from __future__ import annotations

import re
import shutil
from collections.abc import AsyncIterator
from typing import Any

import httpx
import pytest
from axe_playwright_python.sync_playwright import Axe
from keycloak import KeycloakOpenID
from keycloak.exceptions import KeycloakError
from keycloak_server import RealKeycloak
from keycloak_world import Browser, SignIn
from playwright.sync_api import sync_playwright

from hie.access.caller import Caller
from hie.access.demo_sign_in.accounts import accounts, bind_demo_accounts
from hie.access.gate import Gate
from hie.access.tokens import Claims
from hie.errors import Unauthenticated
from hie.exchange.database import Client
from hie.settings import Settings
from records.stored import Page

pytestmark = [pytest.mark.slow, pytest.mark.timeout(600)]

STAFF_SCOPE = "openid user/*.cruds"
RESIDENT_SCOPE = "openid launch/patient patient/*.rs patient/Consent.cruds"
PERSON = "person-1"


class Registry:
    """A client registry that knows the resident of the demo."""

    async def find_person(self, system: str, value: str) -> str | None:
        return PERSON if (system, value) == accounts()["resident"].binding else None

    async def expand(self, person_id: str) -> tuple[str, ...]:
        return ("pat-1", "pat-2") if person_id == PERSON else ()

    async def person_of(self, patient_id: str) -> str | None:
        return PERSON if patient_id in ("pat-1", "pat-2") else None


class EmptyDirectory:
    """A store without organizations."""

    async def search(self, *_: Any, **__: Any) -> Page:
        return Page(())


@pytest.fixture
def settings(real_keycloak: RealKeycloak, database_prefix: str) -> Settings:
    """An exchange whose issuer is this Keycloak."""
    return Settings(
        mode="production",
        issuer=f"{real_keycloak.base}/realms/zibo",
        public_url="http://127.0.0.1:8080",
        database_prefix=database_prefix,
    )


@pytest.fixture
async def gate(settings: Settings, mongo: Client) -> AsyncIterator[Gate]:
    """The gate with its own cache of Keycloak's keys."""
    found = Gate(settings, Registry(), EmptyDirectory(), mongo)
    await bind_demo_accounts(found.accounts)
    yield found
    await found.aclose()


async def caller(gate: Gate, token: str) -> Caller:
    return await gate.caller(f"Bearer {token}", {})


class TestStaff:
    @pytest.mark.parametrize("account", ["clinician", "pharmacist", "public-health", "administrator"])
    async def test_sign_in(self, real_keycloak: RealKeycloak, browser: Browser, gate: Gate, account: str) -> None:
        """Name, role, organization and granted scope of a member of staff arrive at the gate."""
        sign_in = SignIn(real_keycloak.base, "workbench", browser)
        back = sign_in.back(account, STAFF_SCOPE)
        tokens = sign_in.token(back["code"])
        found = await caller(gate, tokens["access_token"])

        assert (back["state"], back["iss"]) == (sign_in.state, f"{real_keycloak.base}/realms/zibo")
        known = accounts()[account]
        assert (found.subject, found.name, found.role) == (known.subject, known.name, known.role)
        assert (found.organization, found.organization_name) == (known.organization, known.organization_name)
        assert [(one.context, one.type, one.letters) for one in found.scopes] == [("user", "*", "cruds")]
        assert (found.client, found.patients) == ("workbench", None)
        assert found.session

    async def test_narrow_scope(self, real_keycloak: RealKeycloak, browser: Browser, gate: Gate) -> None:
        """Of both SMART grammars, only what was asked for is granted."""
        sign_in = SignIn(real_keycloak.base, "workbench", browser)
        back = sign_in.back("clinician", "openid user/Observation.rs user/Patient.read")
        found = await caller(gate, sign_in.token(back["code"])["access_token"])

        assert {(one.type, one.letters) for one in found.scopes} == {("Observation", "rs"), ("Patient", "rs")}

    async def test_scope_of_another_client(self, real_keycloak: RealKeycloak, browser: Browser) -> None:
        """The workbench cannot ask for what belongs to a backend service."""
        sign_in = SignIn(real_keycloak.base, "workbench", browser)
        back = sign_in.fields(browser.get(sign_in.request("openid system/*.cruds")))

        assert back["error"] == "invalid_scope"

    async def test_wrong_password(self, real_keycloak: RealKeycloak, browser: Browser) -> None:
        """The page is shown again and no code is given."""
        sign_in = SignIn(real_keycloak.base, "workbench", browser)
        page = browser.submit(
            browser.get(sign_in.request(STAFF_SCOPE)), {"username": "clinician", "password": "x", "credentialId": ""}
        )

        assert page.status_code == 200
        assert "无效的用户名或密码" in page.text


class TestResident:
    async def test_sign_in(self, real_keycloak: RealKeycloak, browser: Browser, gate: Gate) -> None:
        """The account leads to the own record; the ID number is not in the token."""
        sign_in = SignIn(real_keycloak.base, "portal", browser)
        tokens = sign_in.token(sign_in.back("resident", RESIDENT_SCOPE)["code"])
        found = await caller(gate, tokens["access_token"])

        assert (found.role, found.person_id, found.patients) == ("resident", PERSON, {"pat-1", "pat-2"})
        assert {(one.context, one.type) for one in found.scopes} == {("patient", "*"), ("patient", "Consent")}
        claims = sign_in.openid.decode_token(tokens["access_token"], validate=False)
        assert not re.search(r"\d{17}[\dX]", str(claims))

    async def test_no_right_to_write_what_others_recorded(self, real_keycloak: RealKeycloak, browser: Browser) -> None:
        """Residents write their consent and answers, no observations."""
        sign_in = SignIn(real_keycloak.base, "portal", browser)
        back = sign_in.fields(browser.get(sign_in.request("openid patient/Observation.cruds")))

        assert back["error"] == "invalid_scope"


class TestProofKey:
    def test_wrong_verifier(self, real_keycloak: RealKeycloak, browser: Browser) -> None:
        """A code that was overheard is worth nothing without the verifier."""
        sign_in = SignIn(real_keycloak.base, "workbench", browser)
        code = sign_in.back("clinician", STAFF_SCOPE)["code"]

        with pytest.raises(KeycloakError, match="invalid_grant"):
            sign_in.token(code, code_verifier="w" * 64)

    @pytest.mark.parametrize(
        "spoiled", [{"code_challenge": "", "code_challenge_method": ""}, {"code_challenge_method": "plain"}]
    )
    def test_no_proof_key(self, real_keycloak: RealKeycloak, browser: Browser, spoiled: dict[str, str]) -> None:
        """A client without PKCE, or with the plain method, is sent back without a code."""
        sign_in = SignIn(real_keycloak.base, "workbench", browser)
        back = sign_in.fields(browser.get(sign_in.request(STAFF_SCOPE, **spoiled)))

        assert back["error"] == "invalid_request"

    def test_foreign_callback(self, real_keycloak: RealKeycloak, browser: Browser) -> None:
        """Nobody is sent to an address that is not registered."""
        sign_in = SignIn(real_keycloak.base, "workbench", browser)
        answer = browser.get(sign_in.request(STAFF_SCOPE, redirect_uri="https://elsewhere.example/callback"))

        assert answer.status_code == 400
        assert "location" not in answer.headers

    def test_code_is_good_once(self, real_keycloak: RealKeycloak, browser: Browser) -> None:
        """The second exchange of a code is refused."""
        sign_in = SignIn(real_keycloak.base, "workbench", browser)
        code = sign_in.back("clinician", STAFF_SCOPE)["code"]
        sign_in.token(code)

        with pytest.raises(KeycloakError, match="invalid_grant"):
            sign_in.token(code)


class TestSession:
    async def test_refresh(self, real_keycloak: RealKeycloak, browser: Browser, gate: Gate) -> None:
        """A refresh token brings a new access token, and is then used up."""
        sign_in = SignIn(real_keycloak.base, "workbench", browser)
        first = sign_in.token(sign_in.back("clinician", STAFF_SCOPE)["code"])
        second = sign_in.openid.refresh_token(first["refresh_token"])

        assert second["access_token"] != first["access_token"]
        assert (await caller(gate, second["access_token"])).role == "clinician"
        with pytest.raises(KeycloakError, match="invalid_grant"):
            sign_in.openid.refresh_token(first["refresh_token"])

    def test_sign_out(self, real_keycloak: RealKeycloak, browser: Browser) -> None:
        """After it nothing is refreshed, and the page asks for the password again."""
        sign_in = SignIn(real_keycloak.base, "workbench", browser)
        tokens = sign_in.token(sign_in.back("clinician", STAFF_SCOPE)["code"])
        sign_in.openid.logout(tokens["refresh_token"])

        with pytest.raises(KeycloakError, match="invalid_grant"):
            sign_in.openid.refresh_token(tokens["refresh_token"])
        assert browser.get(sign_in.request(STAFF_SCOPE)).status_code == 200

    def test_single_sign_on(self, real_keycloak: RealKeycloak, browser: Browser) -> None:
        """Without a sign-out the same browser comes back at once."""
        sign_in = SignIn(real_keycloak.base, "workbench", browser)
        sign_in.back("clinician", STAFF_SCOPE)

        assert "code" in sign_in.fields(browser.get(sign_in.request(STAFF_SCOPE)))


class TestSystem:
    async def test_service_account(self, real_keycloak: RealKeycloak, gate: Gate) -> None:
        """A backend service gets a token for itself with its secret."""
        system = KeycloakOpenID(real_keycloak.base, "zibo", "system", client_secret_key=real_keycloak.system_secret)
        token = system.token(grant_type="client_credentials", scope="system/*.cruds")["access_token"]
        found = await caller(gate, token)

        assert (found.role, found.client) == ("system", "system")
        assert [(one.context, one.type, one.letters) for one in found.scopes] == [("system", "*", "cruds")]

    @pytest.mark.parametrize("secret", ["system", "", "wrong"])
    def test_wrong_secret(self, real_keycloak: RealKeycloak, secret: str) -> None:
        """The demo's secret is worth nothing here."""
        system = KeycloakOpenID(real_keycloak.base, "zibo", "system", client_secret_key=secret)

        with pytest.raises(KeycloakError, match="unauthorized_client"):
            system.token(grant_type="client_credentials", scope="system/*.cruds")

    def test_no_password_grant(self, real_keycloak: RealKeycloak) -> None:
        """Passwords are typed at Keycloak's own page alone."""
        workbench = KeycloakOpenID(real_keycloak.base, "zibo", "workbench")

        with pytest.raises(KeycloakError, match="unauthorized_client"):
            workbench.token("clinician", "clinician")


class TestTokens:
    async def test_identity_token_is_no_access_token(
        self, real_keycloak: RealKeycloak, browser: Browser, gate: Gate
    ) -> None:
        """What tells the client who signed in does not open the exchange."""
        sign_in = SignIn(real_keycloak.base, "workbench", browser)
        tokens = sign_in.token(sign_in.back("clinician", STAFF_SCOPE)["code"])

        for name in ("id_token", "refresh_token"):
            with pytest.raises(Unauthenticated):
                await caller(gate, tokens[name])

    async def test_altered_token(self, real_keycloak: RealKeycloak, browser: Browser, gate: Gate) -> None:
        """Real keys, a signature that was changed: refused."""
        sign_in = SignIn(real_keycloak.base, "workbench", browser)
        token = sign_in.token(sign_in.back("clinician", STAFF_SCOPE)["code"])["access_token"]
        head, _, signature = token.rpartition(".")
        altered = f"{head}.{signature[:9]}{'A' if signature[9] != 'A' else 'B'}{signature[10:]}"

        assert isinstance(await gate.tokens.verify(token), Claims)
        with pytest.raises(Unauthenticated):
            await caller(gate, altered)


class TestPage:
    @pytest.mark.parametrize(("language", "button"), [("zh-CN", "登录"), ("en", "Sign In")])
    def test_language(self, real_keycloak: RealKeycloak, browser: Browser, language: str, button: str) -> None:
        """The page is in the language that the client asks for, under the region's name."""
        page = browser.get(SignIn(real_keycloak.base, "portal", browser).request("openid", ui_locales=language))

        assert f'lang="{language}"' in page.text
        assert "淄博市全民健康信息平台" in page.text
        assert re.search(rf'id="kc-login"[^>]*>\s*{button}', page.text)

    def test_theme(self, real_keycloak: RealKeycloak, browser: Browser) -> None:
        """It wears our theme, with Chinese as its first language."""
        page = browser.get(SignIn(real_keycloak.base, "portal", browser).request("openid"))
        styles = re.findall(r'href="([^"]*/zibo/css/[^"]+)"', page.text)

        assert 'lang="zh-CN"' in page.text
        assert any(one.endswith("css/zibo.css") for one in styles)
        assert all(httpx.get(f"{real_keycloak.base}{one}", trust_env=False).status_code == 200 for one in styles)

    @pytest.mark.parametrize("language", ["zh-CN", "en"])
    def test_for_everybody(self, real_keycloak: RealKeycloak, language: str) -> None:
        """In a real browser on a phone: readable, named, reachable; also after a wrong password."""
        chromium = shutil.which("chromium") or pytest.skip("no chromium on this machine")
        address = SignIn(real_keycloak.base, "portal", Browser()).request("openid", ui_locales=language)
        with sync_playwright() as playwright:
            started = playwright.chromium.launch(executable_path=chromium, args=["--no-sandbox"])
            page = started.new_page(viewport={"width": 360, "height": 740})
            page.goto(address)
            first = Axe().run(page).response["violations"]
            page.fill("#username", "nobody")
            page.fill("#password", "nothing")
            page.click("#kc-login")
            page.wait_for_selector(".pf-m-error")
            second = Axe().run(page).response["violations"]
            widest = page.evaluate("document.documentElement.scrollWidth")
            started.close()

        assert [one["id"] for one in (*first, *second)] == []
        assert widest <= 360
