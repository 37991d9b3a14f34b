"""One message from socket to page: a hospital sends, a clinician reads, the resident sees both."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from e2e_messages import admit, result
from e2e_region import CHROMIUM, Region
from playwright.sync_api import Browser, Page, sync_playwright

pytestmark = [pytest.mark.e2e, pytest.mark.skipif(not Path(CHROMIUM).exists(), reason="no chromium on this machine")]


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox", "--disable-gpu"])
        yield browser
        browser.close()


def sign_in(page: Page, account: str) -> None:
    """Through the demo sign-in's form, as a person would."""
    page.fill("input[name=username]", account)
    page.fill("input[name=password]", account)
    page.press("input[name=password]", "Enter")
    page.wait_for_load_state()


class TestJourney:
    def test_whole(self, region: Region, browser: Browser, tmp_path: Path) -> None:
        """Message in over a socket, FHIR read by a clinician, page seen by the resident, log names the clinician."""
        file = tmp_path / "day.hl7"
        file.write_bytes(admit("J1") + result("J2", "7.25"))
        sent = region.hie("send", str(file))
        assert sent.returncode == 0, sent.stdout
        assert region.hie("drain").returncode == 0

        with region.client("clinician") as fhir:
            patients = fhir.get("/Patient", params={"identifier": "E2E001"}).json()
            assert patients["total"] == 1
            subject = patients["entry"][0]["resource"]["id"]
            found = fhir.get("/Observation", params={"patient": subject, "code": "http://loinc.org|1558-6"})
            assert '"value":7.25' in found.text.replace(" ", "")

        page = browser.new_page(locale="zh-CN", viewport={"width": 390, "height": 844})
        page.goto(region.portal + "sign-in")
        sign_in(page, "resident")
        page.goto(region.portal + "results")
        assert "7.25" in page.content()
        page.goto(region.portal + "access-log")
        assert "张医生" in page.content()
        page.close()

    def test_stranger_sees_nothing(self, region: Region) -> None:
        """Another resident's token finds none of it."""
        region.send(admit("J3", "E2E002"))

        with region.client("elder") as fhir:
            assert fhir.get("/Patient").json()["total"] == 0
            assert fhir.get("/Observation").json()["total"] == 0
