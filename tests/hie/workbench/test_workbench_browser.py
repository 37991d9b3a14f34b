"""The workbench in a real browser, under its own security policy: accessible, narrow enough, signed out for good."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from pathlib import Path

import httpx
import pymongo
import pytest
import uvicorn
from axe_playwright_python.sync_playwright import Axe
from free_ports import free_port
from playwright.sync_api import Browser, Page, sync_playwright

from hie.access.demo_sign_in.app import create
from hie.app import web_app
from hie.settings import Settings
from tests.hie.workbench.workbench_people import patient

CHROMIUM = Path("/usr/bin/chromium")
pytestmark = [
    pytest.mark.e2e, pytest.mark.slow, pytest.mark.skipif(not CHROMIUM.exists(), reason="no chromium on this machine"),
]  # fmt: skip
NUMBER = "370303198506120428"
# Nobody whom the sign-in page of the demo names.
NAME = "周婉清"
DESK = "/workbench/administration"
TAGS = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]
RULES = {"runOnly": {"type": "tag", "values": TAGS}}
UNMARKED_CHINESE = """() => {
    const found = [], walk = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
    for (let node; (node = walk.nextNode());) {
        const marked = node.parentElement.closest('[lang^=zh], option');
        if (/[\\u3400-\\u9fff]/.test(node.data) && !marked) found.push(node.data);
    }
    return found;
}"""


def serve(app: object, port: int) -> tuple[uvicorn.Server, threading.Thread]:
    server = uvicorn.Server(uvicorn.Config(app, host="127.0.0.1", port=port, log_config=None, ws="none"))  # type: ignore[arg-type]
    thread = threading.Thread(target=server.run, daemon=True)
    thread.start()
    deadline = time.monotonic() + 60
    while not server.started and time.monotonic() < deadline:
        time.sleep(0.05)
    return server, thread


@pytest.fixture(scope="module")
def site(mongo_uri: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Settings]:
    """Web service and demo sign-in on sockets, with one resident in the stores."""
    settings = Settings(
        data_dir=tmp_path_factory.mktemp("site"), mongo_uri=mongo_uri, database_prefix=f"w{free_port()}",
        web_port=free_port(), sign_in_port=free_port(),
    )  # fmt: skip
    running = [serve(create(settings), settings.sign_in_port), serve(web_app(settings), settings.web_port)]
    fill(settings)
    yield settings
    for server, thread in running:
        server.should_exit = True
        thread.join(15)
    with pymongo.MongoClient[dict[str, object]](mongo_uri) as client:
        for name in client.list_database_names():
            if name.startswith(f"{settings.database_prefix}_"):
                client.drop_database(name)


def fill(settings: Settings) -> None:
    grant = {"grant_type": "password", "client_id": "workbench", "username": "clinician", "password": "clinician"}
    with httpx.Client(trust_env=False, timeout=30) as http:
        token = http.post(f"{settings.issuer_url}/protocol/openid-connect/token", data=grant).json()["access_token"]
        headers = {"Authorization": f"Bearer {token}"}
        report = {
            "resourceType": "Observation", "id": "o1", "status": "final", "code": {"text": "空腹血糖"},
            "subject": {"reference": "Patient/p1"}, "effectiveDateTime": "2026-01-02T08:00:00+08:00",
            "valueQuantity": {"value": 7.1, "unit": "mmol/L"}, "interpretation": [{"coding": [{"code": "H"}]}],
        }  # fmt: skip
        for resource in (patient("p1", NAME), patient("p2", "孙丽华"), report):
            path = f"{settings.fhir_url}/{resource['resourceType']}/{resource['id']}"
            http.put(path, json=resource, headers=headers).raise_for_status()


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with sync_playwright() as playwright:
        running = playwright.chromium.launch(executable_path=str(CHROMIUM), args=["--no-sandbox"])
        yield running
        running.close()


class Visitor:
    """A page of the browser; notes what the browser complains about."""

    def __init__(self, page: Page, settings: Settings) -> None:
        self.page, self.base = page, settings.web_url
        self.complaints: list[str] = []
        page.on("console", lambda one: self.complaints.append(one.text) if one.type == "error" else None)
        page.on("pageerror", lambda error: self.complaints.append(str(error)))

    def sign_in(self, account: str, path: str = "/workbench") -> None:
        self.page.goto(f"{self.base}{path}")
        self.page.locator(f"button[value='{account}']").click()
        self.page.wait_for_url(f"{self.base}/workbench**")

    def look(self, path: str = "") -> None:
        """Open a page (or take the one that is open) and check it."""
        if path:
            self.page.goto(f"{self.base}{path}")
        found = Axe().run(self.page, options=RULES)
        assert found.violations_count == 0, f"{self.page.url}\n{found.generate_report()}"
        wide = self.page.evaluate("document.documentElement.scrollWidth - innerWidth")
        assert wide <= 0, f"{self.page.url} is {wide} px too wide"

    def send(self) -> None:
        with self.page.expect_navigation():
            self.page.locator("main form .button").first.click()


@pytest.fixture
def visitor(browser: Browser, site: Settings, width: int) -> Iterator[Visitor]:
    context = browser.new_context(viewport={"width": width, "height": 800})
    yield Visitor(context.new_page(), site)
    context.close()


@pytest.mark.parametrize("width", [390, 1280])
class TestAccessible:
    def test_clinician(self, visitor: Visitor) -> None:
        """From the search to an entry of the record, with the mistakes on the way."""
        visitor.sign_in("clinician")
        visitor.look()
        visitor.look("/workbench/patients")
        visitor.send()
        assert visitor.page.evaluate("document.activeElement.className") == "errors"
        visitor.look()
        visitor.page.fill("#number", NUMBER)
        visitor.send()
        visitor.look()
        visitor.page.get_by_role("link", name=NAME).click()
        visitor.look()
        visitor.page.fill("#reason", "门诊复诊，查看既往检验结果")
        visitor.send()
        visitor.look()
        visitor.page.locator(".timeline h3 a").first.click()
        visitor.look()
        # The browser itself says that an answer was 422; nothing else is wrong.
        assert [text for text in visitor.complaints if "422" not in text] == []

    def test_administrator(self, visitor: Visitor) -> None:
        """Every first page of the administration, also with a question of identity and a refusal."""
        visitor.sign_in("administrator", DESK)
        pages = ("", "/messages", "/dead-letters", "/senders", "/codes", "/accesses", "/indicators",
                 "/indicators/messages-stored", "/matches")  # fmt: skip
        for path in pages:
            visitor.look(f"{DESK}{path}")
        visitor.page.locator("main tbody th a").first.click()
        visitor.look()
        assert visitor.complaints == []


@pytest.mark.parametrize("width", [1280])
class TestWhole:
    def test_english(self, visitor: Visitor) -> None:
        """On an English page every Chinese word is somebody's own and says that it is Chinese."""
        visitor.sign_in("administrator")
        visitor.page.goto(f"{visitor.base}/workbench/preferences?language=en&back=/workbench")
        for path in ("/workbench", DESK, f"{DESK}/messages", f"{DESK}/dead-letters", f"{DESK}/accesses",
                     f"{DESK}/matches", f"{DESK}/indicators", "/workbench/accessibility"):  # fmt: skip
            visitor.look(path)
            assert visitor.page.evaluate(UNMARKED_CHINESE) == [], path

    def test_signed_out(self, visitor: Visitor) -> None:
        """The sign-out works under the page's policy, and Back shows nothing of the record."""
        visitor.sign_in("clinician", "/workbench/patients")
        visitor.page.fill("#number", NUMBER)
        visitor.send()
        assert NAME in visitor.page.content()
        visitor.page.locator("header form button").click()
        visitor.page.wait_for_url("**/workbench/signed-out")
        visitor.page.go_back()
        visitor.page.wait_for_load_state("networkidle")

        assert NAME not in visitor.page.content()
        assert visitor.complaints == []

    def test_without_script(self, browser: Browser, site: Settings, width: int) -> None:
        """A record is found and opened without any script."""
        context = browser.new_context(viewport={"width": width, "height": 800}, java_script_enabled=False)
        visitor = Visitor(context.new_page(), site)
        visitor.sign_in("clinician", "/workbench/patients/p1")
        visitor.page.fill("#reason", "门诊复诊，查看既往检验结果")
        visitor.page.locator("main form .button").first.click()
        visitor.page.wait_for_url("**/workbench/patients/p1")

        assert "空腹血糖" in visitor.page.content()
        context.close()
