"""The desk of drug supervision, through the whole workbench: real sign-in, real store, pages as a browser gets them."""

from __future__ import annotations

import re
from collections.abc import AsyncIterator
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any
from urllib.parse import quote

import pytest
from drug_world import H1, H2, coded, dispense, region, stay, unmarked
from pymongo import AsyncMongoClient

from hie.applications.drug_supervision.routes import module
from hie.applications.fhir import ZONE
from tests.hie.workbench.workbench_world import Browser, World, world

BASE = "/workbench/drug-supervision"


def last_month() -> datetime:
    """The tenth of the month before, so that the month is whole."""
    first = datetime.now(ZONE).replace(day=1, hour=10, minute=0, second=0, microsecond=0)
    return (first - timedelta(days=1)).replace(day=10)


@pytest.fixture
async def desk(
    mongo: AsyncMongoClient[dict[str, Any]], database_prefix: str, tmp_path: Path
) -> AsyncIterator[tuple[World, Browser]]:
    async with world(mongo, database_prefix, tmp_path, lambda _: (module(),)) as made:
        at = last_month()
        start = at.replace(day=1)
        whole = [stay(f"s{n}", start.isoformat(), at.replace(day=28).isoformat()) for n in range(4)]
        given = [dispense(f"d{n}", coded("D0021"), "96", "支", visit="s1", at=at.isoformat()) for n in range(4)]
        local = {"coding": [{"system": "urn:hie:code-system:x", "code": "Y77"}], "text": "某药"}
        odd = [
            dispense("x1", local, "1", "盒", place=H2, at=at.isoformat()),
            dispense("x2", coded("D0025"), "28", "片", place=H2, at=at.isoformat()),
        ]
        await made.file(*region(), *whole, *given, *odd)
        yield made, await made.signed_in("pharmacist")


class TestOverview:
    async def test_month(self, desk: tuple[World, Browser]) -> None:
        """A month shows the density, who is over it, and what could not be counted, each with its rows."""
        _, browser = desk
        page = await browser.get(f"{BASE}?month={last_month():%Y-%m}")

        assert page.status_code == 200, page.text
        assert "淄博市中心医院" in page.text
        assert "59.3" in page.text
        assert "超标" in page.text
        assert "药品未对照" in page.text
        for found in re.findall(r'href="(/workbench/drug-supervision[^"]+)"', page.text):
            opened = await browser.get(found.replace("&amp;", "&"))
            assert opened.status_code == 200, found

    async def test_nothing(self, desk: tuple[World, Browser]) -> None:
        """A month without anything says so, and a month that is none is this one."""
        _, browser = desk

        assert "没有发药" in (await browser.get(f"{BASE}?month=2020-01")).text
        assert f'value="{datetime.now(ZONE):%Y-%m}"' in (await browser.get(f"{BASE}?month=2020-13")).text

    @pytest.mark.parametrize(
        "path", ["", "/facility?facility=Organization%2Fh1", "/rows", "/rows?kind=stays", "/rules"]
    )
    async def test_english(self, desk: tuple[World, Browser], path: str) -> None:
        """Every text of ours has its English; what senders and sources say is marked as Chinese."""
        _, browser = desk
        browser.client.cookies.set("language", "en")
        page = await browser.get(f"{BASE}{path}{'&' if '?' in path else '?'}month={last_month():%Y-%m}")

        assert page.status_code == 200, page.text
        assert "Drug supervision" in page.text
        assert unmarked(page.text) == []

    async def test_other_roles(self, desk: tuple[World, Browser]) -> None:
        """A public-health physician has no business here."""
        made, _ = desk
        stranger = await made.signed_in("public-health")

        assert (await stranger.get(BASE)).status_code == 403


class TestFacility:
    async def test_trend(self, desk: tuple[World, Browser]) -> None:
        """A facility's page has its months, and a chart with the same numbers in a table."""
        _, browser = desk
        page = await browser.get(f"{BASE}/facility?facility={quote(H1)}&month={last_month():%Y-%m}")

        assert page.status_code == 200, page.text
        assert page.text.count("<svg") >= 2
        assert "59.3" in page.text

    async def test_nobody(self, desk: tuple[World, Browser]) -> None:
        """A facility that dispensed nothing is not found."""
        _, browser = desk

        assert (await browser.get(f"{BASE}/facility?facility=Organization/none")).status_code == 404


class TestRows:
    async def test_shown_and_audited(self, desk: tuple[World, Browser]) -> None:
        """The rows behind the numerator, without anybody's name, and in the audit trail of whose they are."""
        made, browser = desk
        page = await browser.get(f"{BASE}/rows?month={last_month():%Y-%m}&kind=antibacterials&facility={quote(H1)}")

        assert page.status_code == 200, page.text
        assert page.text.count("注射用美罗培南") + page.text.count("D0021") >= 4
        found = await made.audit(patient="Patient/p1")
        assert found

    async def test_landing(self, desk: tuple[World, Browser]) -> None:
        """The first page counts who is over the limit."""
        _, browser = desk
        page = await browser.get("/workbench")

        assert "上月抗菌药物使用强度超标的机构" in page.text

    async def test_rules(self, desk: tuple[World, Browser]) -> None:
        """The rules say their source, and that nobody read the original."""
        _, browser = desk
        page = await browser.get(f"{BASE}/rules")

        assert page.status_code == 200
        assert "未核对原文" in page.text
        assert "J01DH02" in page.text
