"""
Every page in a real browser: axe finds nothing, and the checks that axe does not make hold.

https://www.w3.org/TR/WCAG22/, https://github.com/dequelabs/axe-core
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser, BrowserContext, Page, sync_playwright
from portal_browser import (
    FOCUSED,
    LABELS,
    LEAST_TEXT,
    NARROWEST_CELL,
    SPACED,
    UNMARKED,
    WEAR,
    WIDE,
    measured,
    served,
    served_fhir,
    sign_in,
    small_targets,
)
from portal_fhir import FakeFhir
from portal_record import HOSPITAL, looks, record

from portal.app import create
from portal.settings import Settings
from tests.free_ports import free_port
from tests.sign_in_server import sign_in_server

CHROMIUM = Path("/usr/bin/chromium")
OPEN = ("/", "/signed-out", "/help", "/accessibility", "/results", "/nowhere")
PAGES = (
    "/", "/timeline", "/timeline?type=vaccinations", "/results", "/results/obs-1", "/reports/rep-1", "/reports/rep-2",
    "/visits/enc-1", "/documents/doc-1", "/medicines", "/vaccinations", "/record", "/access-log",
    "/access-log?view=emergency", "/consent", "/consent/new", "/consent/cons-1/withdraw", "/help", "/nowhere",
)  # fmt: skip
MODES = {"standard": "elder=0&language=zh-CN", "elder": "elder=1&language=zh-CN", "en": "elder=0&language=en"}
TAGS = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]
CONSENT = {
    "resourceType": "Consent", "id": "cons-1", "status": "active", "meta": {"versionId": "1"},
    "dateTime": "2026-11-01T00:00:00Z",
    "provision": {"type": "deny", "period": {"start": "2026-11-01"},
                  "actor": [{"reference": {"reference": HOSPITAL, "display": "淄博市中心医院"}}]},
}  # fmt: skip

pytestmark = [
    pytest.mark.e2e,
    pytest.mark.skipif(not CHROMIUM.exists(), reason="Chromium is not installed"),
]


@pytest.fixture(scope="module")
def fhir() -> FakeFhir:
    return FakeFhir([*record(), *looks(), CONSENT])


@pytest.fixture(scope="module")
def portal(tmp_path_factory: pytest.TempPathFactory, mongo_uri: str, fhir: FakeFhir) -> Iterator[str]:
    """The portal's address; sign-in and FHIR are neighbours on sockets."""
    port, folder = free_port(), tmp_path_factory.mktemp("sign-in")
    with served_fhir(fhir) as fhir_port, sign_in_server(folder, free_port(), portal_port=port) as sign_in_settings:
        settings = Settings(
            mongo_uri=mongo_uri, database_prefix=f"t{port}", portal_port=port, web_port=fhir_port,
            sign_in_port=sign_in_settings.sign_in_port,
        )  # fmt: skip
        with served(create(settings), port) as address:
            yield address


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with sync_playwright() as playwright:
        found = playwright.chromium.launch(executable_path=str(CHROMIUM), args=["--no-sandbox"])
        yield found
        found.close()


@pytest.fixture(scope="module")
def signed_in(browser: Browser, portal: str) -> Iterator[BrowserContext]:
    context = browser.new_context()
    sign_in(context.new_page(), portal)
    yield context
    context.close()


@pytest.fixture
def page(signed_in: BrowserContext) -> Iterator[Page]:
    found = signed_in.new_page()
    yield found
    found.close()


def choose(page: Page, portal: str, mode: str, width: int = 1280) -> None:
    """A mode and a width."""
    page.set_viewport_size({"width": width, "height": 850})
    page.goto(f"{portal}/preferences?{MODES[mode]}&back=/help")


def violations(page: Page) -> list[str]:
    """What axe finds, each with the place."""
    found = Axe().run(page, options={"runOnly": TAGS}).response["violations"]
    return [f"{one['id']}: {node['html'][:120]}" for one in found for node in one["nodes"]]


@pytest.mark.slow
@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("width", [390, 1280])
class TestAxe:
    def test_pages(self, page: Page, portal: str, mode: str, width: int) -> None:
        """No page of the record has a known barrier, and none breaks its own content policy."""
        choose(page, portal, mode, width)
        said: list[str] = []
        page.on("console", lambda message: said.append(message.text) if "Security" in message.text else None)
        found = {}
        for path in PAGES:
            page.goto(f"{portal}{path}")
            found[path] = violations(page)

        assert {path: all_ for path, all_ in found.items() if all_} == {}
        assert said == []

    def test_signed_out(self, browser: Browser, portal: str, mode: str, width: int) -> None:
        """Nor do the pages that need no sign-in."""
        page = browser.new_page()
        choose(page, portal, mode, width)
        found = {}
        for path in OPEN:
            page.goto(f"{portal}{path}")
            found[path] = violations(page)
        page.close()

        assert {path: all_ for path, all_ in found.items() if all_} == {}

    def test_errors(self, page: Page, portal: str, mode: str, width: int) -> None:
        """Nor does a form that came back."""
        choose(page, portal, mode, width)
        page.goto(f"{portal}/consent/new")
        page.fill("#end", "2020-01-01")
        page.locator("form.plain .button").last.click()

        assert page.locator(".errors").evaluate("one => one === document.activeElement")
        assert violations(page) == []


class TestMeasured:
    @pytest.mark.parametrize(("mode", "least"), [("standard", 44), ("elder", 60), ("en", 44)])
    def test_targets(self, page: Page, portal: str, mode: str, least: float) -> None:
        """What stands alone is high enough for a finger."""
        choose(page, portal, mode, 390)
        found = {}
        for path in PAGES:
            page.goto(f"{portal}{path}")
            found[path] = small_targets(page, least)
            assert small_targets(page, 1_000), "the check sees something"

        assert {path: all_ for path, all_ in found.items() if all_} == {}

    @pytest.mark.parametrize("mode", MODES)
    def test_reflow(self, page: Page, portal: str, mode: str) -> None:
        """At 320 px, also with wider spaces in the text, only tables in their region have to be scrolled sideways."""
        choose(page, portal, mode, 320)
        found = {}
        for path in PAGES:
            page.goto(f"{portal}{path}")
            found[path] = measured(page, WIDE)
            page.evaluate(WEAR, SPACED)
            found[f"{path} spaced"] = measured(page, WIDE)

        assert {path: more for path, more in found.items() if more > 0} == {}

    @pytest.mark.parametrize(("mode", "least"), [("standard", 12), ("elder", 18)])
    def test_chart_labels(self, page: Page, portal: str, mode: str, least: float) -> None:
        """Labels of charts keep their size on a phone."""
        choose(page, portal, mode, 390)
        page.goto(f"{portal}/results/obs-1")
        sizes = measured(page, LABELS)

        assert sizes
        assert min(sizes) >= least

    def test_elder_text(self, page: Page, portal: str) -> None:
        """Large text is large everywhere: the body 24 px, and nothing below 18."""
        choose(page, portal, "elder")
        for path in PAGES:
            page.goto(f"{portal}{path}")
            assert page.evaluate("() => parseFloat(getComputedStyle(document.body).fontSize)") >= 24
            assert measured(page, LEAST_TEXT) >= 18, path

    def test_language_of_parts(self, page: Page, portal: str) -> None:
        """On English pages Chinese text says that it is Chinese."""
        choose(page, portal, "en")
        found = {}
        for path in PAGES:
            page.goto(f"{portal}{path}")
            found[path] = measured(page, UNMARKED)

        assert {path: all_ for path, all_ in found.items() if all_} == {}

    def test_cells(self, page: Page, portal: str) -> None:
        """Columns of tables do not collapse to one sign a line on a phone."""
        choose(page, portal, "standard", 390)
        page.goto(f"{portal}/reports/rep-1")

        assert measured(page, NARROWEST_CELL) >= 60


class TestWithoutScript:
    def test_journey(self, browser: Browser, portal: str, fhir: FakeFhir) -> None:
        """Sign in, filter, read a result, refuse a facility, sign out: all without JavaScript."""
        context = browser.new_context(java_script_enabled=False, viewport={"width": 390, "height": 850})
        page = context.new_page()
        sign_in(page, portal)
        page.get_by_text("菜单", exact=True).click()
        page.locator("details.narrow").get_by_text("就医时间线").click()
        page.select_option("#type", "results")
        page.get_by_role("button", name="筛选").click()
        page.get_by_role("link", name="生化全套").click()
        page.get_by_role("link", name="空腹血糖").click()
        assert page.locator("h1").inner_text() == "空腹血糖"
        page.goto(f"{portal}/consent/new")
        page.get_by_label("公园街道社区卫生服务中心").check()
        page.get_by_role("button", name="保存").click()
        assert "已经保存" in page.locator("main").inner_text()
        assert len(fhir.of("Consent")) == 2
        page.get_by_role("button", name="退出").click()
        assert page.url == f"{portal}/signed-out"
        context.close()


class TestSigningOut:
    def test_nothing_left(self, browser: Browser, portal: str) -> None:
        """The content policy lets the browser go to the issuer and back, and Back shows nothing of the record."""
        context = browser.new_context()
        page = context.new_page()
        sign_in(page, portal)
        page.goto(f"{portal}/results")
        assert "空腹血糖" in page.locator("main").inner_text()
        page.get_by_role("button", name="退出").click()
        page.wait_for_url(f"{portal}/signed-out")
        page.go_back()

        assert "空腹血糖" not in page.content()
        assert not [one for one in context.cookies() if one["name"] == "portal"]
        context.close()

    def test_idle_warning(self, browser: Browser, portal: str) -> None:
        """Before the session ends, the page asks; staying keeps it."""
        context = browser.new_context()
        page = context.new_page()
        page.clock.install()
        sign_in(page, portal)
        page.clock.run_for(781_000)
        assert page.locator("dialog").is_visible()
        page.get_by_role("button", name="继续使用").click()
        page.locator("dialog").wait_for(state="hidden")

        assert page.url == f"{portal}/"
        context.close()


class TestKeyboard:
    def test_focus_is_seen(self, page: Page, portal: str) -> None:
        """The first Tab offers to skip to the content; every stop is inside the window and visible."""
        choose(page, portal, "standard")
        page.goto(f"{portal}/timeline")
        page.keyboard.press("Tab")
        assert page.evaluate("() => document.activeElement.className") == "skip"
        for _ in range(25):
            page.keyboard.press("Tab")
            top, bottom, height = measured(page, FOCUSED)
            assert bottom > 0
            assert top < height
