"""The sign-in page in a real browser."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from urllib.parse import urlencode

import pytest
from axe_playwright_python.sync_playwright import Axe
from free_ports import free_port
from playwright.sync_api import Browser, Page, sync_playwright
from sign_in_server import sign_in_server

from hie.settings import Settings

CHROMIUM = Path("/usr/bin/chromium")
pytestmark = [pytest.mark.e2e, pytest.mark.skipif(not CHROMIUM.exists(), reason="no chromium on this machine")]

SMALLEST = """([selector, property]) => Math.min(
    ...[...document.querySelectorAll(selector)].map(e => parseFloat(getComputedStyle(e).getPropertyValue(property)))
)"""


@pytest.fixture(scope="module")
def issuer(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Settings]:
    with sign_in_server(tmp_path_factory.mktemp("issuer"), free_port()) as chosen:
        yield chosen


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with sync_playwright() as playwright:
        running = playwright.chromium.launch(executable_path=str(CHROMIUM), args=["--no-sandbox"])
        yield running
        running.close()


def address(issuer: Settings, **changes: str) -> str:
    asked = {
        "response_type": "code", "client_id": "portal", "state": "s", "scope": "openid patient/*.rs",
        "redirect_uri": f"http://127.0.0.1:{issuer.portal_port}/callback", "code_challenge": "x" * 43,
        "code_challenge_method": "S256", **changes,
    }  # fmt: skip
    return f"{issuer.issuer_url}/protocol/openid-connect/auth?{urlencode(asked)}"


@pytest.fixture
def page(browser: Browser) -> Iterator[Page]:
    context = browser.new_context(viewport={"width": 390, "height": 844}, java_script_enabled=True, bypass_csp=True)
    yield context.new_page()
    context.close()


@pytest.mark.parametrize("locale", ["zh-CN", "en"])
def test_accessible(page: Page, issuer: Settings, locale: str) -> None:
    """axe finds nothing, also after a wrong password, in both languages on a phone."""
    page.goto(address(issuer, ui_locales=locale))
    first = Axe().run(page)
    page.fill("#username", "resident")
    page.fill("#password", "wrong")
    page.click("button.main")
    second = Axe().run(page)

    assert page.locator("[role=alert]").count() == 1
    assert first.violations_count == 0, first.generate_report()
    assert second.violations_count == 0, second.generate_report()


@pytest.mark.parametrize("width", [320, 390, 1280])
def test_fits_and_is_large(page: Page, issuer: Settings, width: int) -> None:
    """Nothing scrolls sideways; every button can be hit with a thumb; no text is small."""
    page.set_viewport_size({"width": width, "height": 800})
    page.goto(address(issuer))
    wide = page.evaluate("document.documentElement.scrollWidth")
    low = page.evaluate(SMALLEST, ["button,input:not([type=hidden])", "height"])
    small = page.evaluate(SMALLEST, ["p,span,button,label,h1,h2", "font-size"])

    assert wide <= width
    assert low >= 44, "a thumb needs 44 px"
    assert small >= 16


def test_a_button_signs_in_without_script(browser: Browser, issuer: Settings) -> None:
    """One press on a demo account leads back with a code, under the page's own security policy."""
    context = browser.new_context(viewport={"width": 390, "height": 844}, java_script_enabled=False)
    page = context.new_page()
    page.route("**/callback*", lambda route: route.fulfill(status=200, body="back"))
    page.goto(address(issuer))
    page.get_by_role("button", name="李德厚").click()
    page.wait_for_url("**/callback?*")

    assert "code=" in page.url
    context.close()
