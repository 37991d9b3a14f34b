"""The pages of the HL7 v2 engine in a real browser: accessible and narrow enough at both widths, and without script."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

import pytest
from free_ports import free_port
from playwright.sync_api import Browser

from hie.access.demo_sign_in.app import create
from hie.app import build, web_app
from hie.exchange.outbox import Event
from hie.feeds.kinds import Kind
from hie.settings import Settings
from tests.hie.applications.administration.administration_world import DESK, adt, kill, oru, send
from tests.hie.workbench import test_workbench_browser
from tests.hie.workbench.test_workbench_browser import CHROMIUM, UNMARKED_CHINESE, Visitor, serve

pytestmark = [
    pytest.mark.e2e, pytest.mark.slow, pytest.mark.skipif(not CHROMIUM.exists(), reason="no chromium on this machine"),
]  # fmt: skip
browser, visitor = test_workbench_browser.browser, test_workbench_browser.visitor
FEED = {
    "feed": "h02", "receiver": {"application": "HIS", "facility": "H02"}, "address": "127.0.0.1:1",
    "messages": ["ADT"], "account": {"organization": "urn:hie:organization|370303-H02"},
}  # fmt: skip
SITE = "site-his-h01"


@pytest.fixture(scope="module")
def site(mongo_uri: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Settings]:
    """Web service and demo sign-in on sockets; messages in every state, a feed, a profile of two versions."""
    settings = Settings(
        data_dir=tmp_path_factory.mktemp("engine"), mongo_uri=mongo_uri, database_prefix=f"w{free_port()}",
        web_port=free_port(), sign_in_port=free_port(),
    )  # fmt: skip
    # The browser has a loop of its own in this thread.
    with ThreadPoolExecutor(1) as pool:
        pool.submit(lambda: asyncio.run(fill(settings))).result()
    running = [serve(create(settings), settings.sign_in_port), serve(web_app(settings), settings.web_port)]
    yield settings
    for server, thread in running:
        server.should_exit = True
        thread.join(15)


async def fill(settings: Settings) -> None:
    async with build(settings) as services:
        await send(services, adt("1", extra="ZPD|1|本地"), oru("2"), oru("3"), adt("4", "HIS|H02"))
        await kill(services, *await send(services, adt("5"), work=False))
        await send(services, adt("6", "HIS|H02"), work=False)
        profiles = services.directory.profiles
        await profiles.load("sender: HIS|H01\n", by="周管理员", reason="首次登记")
        await profiles.load("sender: HIS|H01\nzone: Asia/Shanghai\n", by="周管理员", reason="写明时区")
        feed = await services.feeds.load(FEED, by="周管理员", settling=0)
        for number, state in enumerate(("waiting", "dead", "sent")):
            event = Event(f"0000000{number}", "Patient", "p1", 1, "create", ("p1",), services.clock())
            await services.feeds.queue(feed, event, Kind("ADT", "A01"), ["p1"])
            change = {"state": state, "reason": "AE 204 PID^1^3", "code_told": "AA", "settled": services.clock()}
            await services.feeds.messages.update_one({"_id": f"h02/{event.id}"}, {"$set": change})


def read_message(visitor: Visitor, control: str) -> str:
    """From the search to the words of a message, with the mistake on the way; returns its address."""
    visitor.look(f"{DESK}/messages")
    visitor.page.fill("#id", control)
    visitor.send()
    visitor.page.locator("main tbody th a").first.click()
    visitor.look()
    address = visitor.page.url.removeprefix(visitor.base)
    visitor.page.goto(f"{visitor.base}{address}/content")
    visitor.send()
    visitor.look()
    visitor.page.fill("#reason", "核对字段映射")
    visitor.send()
    visitor.look()
    return address


@pytest.mark.parametrize("width", [390, 1280])
class TestEngine:
    def test_watched(self, visitor: Visitor) -> None:
        """The monitor, resting and renewing itself, feeds and replays, with a mistake."""
        visitor.sign_in("administrator", DESK)
        for path in ("", "?live=20", "/dead-letters", "/feeds", "/feeds/h02", "/replay"):
            visitor.look(f"{DESK}{path}")
        visitor.send()
        visitor.look()
        visitor.page.select_option("#site", SITE)
        visitor.send()
        visitor.look()
        assert [text for text in visitor.complaints if "422" not in text] == []

    def test_read_and_corrected(self, visitor: Visitor) -> None:
        """A message field by field, and its correction tried."""
        visitor.sign_in("administrator", DESK)
        read_message(visitor, "1")
        address = read_message(visitor, "5")
        visitor.look(f"{DESK}{address.removeprefix(DESK)}/correct")
        visitor.page.fill("#text", visitor.page.input_value("#text").replace("晓梅", "小梅"))
        visitor.send()
        visitor.look()
        assert "Patient 1" in visitor.page.content()
        assert [text for text in visitor.complaints if "422" not in text] == []

    def test_mapped_and_profiled(self, visitor: Visitor) -> None:
        """The queue of codes with its search and its table; a profile with versions, difference, mistake and trial."""
        visitor.sign_in("administrator", DESK)
        visitor.look(f"{DESK}/codes?kind=code")
        visitor.page.locator("main tbody th a").first.click()
        visitor.page.fill("#text", "葡萄糖")
        visitor.send()
        visitor.look()
        for path in ("/codes/import", "/sites", f"/sites/{SITE}", f"/sites/{SITE}/difference?a=1&b=2"):
            visitor.look(f"{DESK}{path}")
        visitor.look(f"{DESK}/sites/{SITE}/profile")
        visitor.send()
        visitor.look()
        visitor.page.fill("#text", "sender: HIS|H01\nzone: Mars")
        visitor.send()
        visitor.look()
        assert [text for text in visitor.complaints if "422" not in text] == []


@pytest.mark.parametrize("width", [1280])
class TestOtherwise:
    def test_english(self, visitor: Visitor) -> None:
        """On an English page every Chinese word is somebody's own and says that it is Chinese."""
        visitor.sign_in("administrator")
        visitor.page.goto(f"{visitor.base}/workbench/preferences?language=en&back=/workbench")
        pages = ("", "/messages", "/feeds", "/feeds/h02", "/replay", "/codes", "/codes/import", "/sites",
                 f"/sites/{SITE}", f"/sites/{SITE}/profile", f"/sites/{SITE}/difference?a=1&b=2")  # fmt: skip
        for path in pages:
            visitor.look(f"{DESK}{path}")
            assert visitor.page.evaluate(UNMARKED_CHINESE) == [], path
        read_message(visitor, "1")
        assert visitor.page.evaluate(UNMARKED_CHINESE) == []

    def test_without_script(self, browser: Browser, site: Settings, width: int) -> None:
        """The page renews itself by the answer's header, and the link stops it, without any script."""
        context = browser.new_context(viewport={"width": width, "height": 800}, java_script_enabled=False)
        visitor = Visitor(context.new_page(), site)
        visitor.sign_in("administrator", DESK)
        visitor.page.get_by_role("link", name="自动刷新").click()
        visitor.page.get_by_role("link", name="暂停刷新").click()

        assert visitor.page.url == f"{visitor.base}{DESK}"
        context.close()
