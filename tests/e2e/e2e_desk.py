"""A member of staff at the workbench, without a browser: pages are fetched, forms are sent as a browser sends them."""

from __future__ import annotations

import re
from html import unescape
from types import TracebackType
from typing import Self
from urllib.parse import urljoin

import httpx
from e2e_region import Region


class Desk:
    """`with Desk(region, "clinician") as desk: text = desk.get("/workbench/primary-care")`."""

    def __init__(self, region: Region, account: str) -> None:
        self.http = httpx.Client(base_url=region.web, follow_redirects=True, timeout=30, trust_env=False)
        self.page = self.http.get("/workbench/sign-in")
        form = re.search(r'<form method="post" action="([^"]+)"', self.page.text)
        request = re.search(r'name="request" value="([^"]+)"', self.page.text)
        assert form and request, self.page.text
        data = {"request": unescape(request[1]), "username": account, "password": account}
        self.page = self.http.post(urljoin(str(self.page.url), unescape(form[1])), data=data)
        assert self.page.status_code == 200 and "/workbench" in str(self.page.url), self.page.text

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.http.close()

    def get(self, path: str, **query: str) -> str:
        """A page's text; it must be there."""
        self.page = self.http.get(path, params=query or None)
        assert self.page.status_code == 200, f"{path}: {self.page.status_code} {self.page.text}"
        return self.page.text

    def post(self, path: str, **fields: str | list[str]) -> str:
        """Send a form of the current page, and follow to where it leads."""
        token = re.search(r'name="csrf" value="([^"]+)"', self.page.text)
        assert token, f"the page has no form: {self.page.text}"
        self.page = self.http.post(path, data={"csrf": token[1], **fields})
        assert self.page.status_code == 200, f"{path}: {self.page.status_code} {self.page.text}"
        return self.page.text

    def hidden(self, name: str) -> str:
        """A hidden field of the current page's form."""
        found = re.search(rf'name="{name}" value="([^"]*)"', self.page.text)
        assert found, f"the page has no {name}: {self.page.text}"
        return unescape(found[1])

    def open(self, path: str) -> str:
        """A page of somebody's record; where the shell asks why, say so."""
        text = self.get(path)
        if "/reason" in str(self.page.url):
            address, back = self.page.url.path, self.hidden("back")
            text = self.post(address, purpose="TREAT", reason="转诊前查看既往病历", back=back)
        return text

    def links(self, pattern: str) -> list[str]:
        """Addresses on the current page that match."""
        return [unescape(found) for found in re.findall(r'href="([^"]+)"', self.page.text) if re.search(pattern, found)]
