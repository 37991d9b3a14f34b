"""Pages: headers, escaping, languages, modes, error pages."""

from __future__ import annotations

import re

import pytest
from jinja2 import UndefinedError
from starlette.requests import Request
from ui_world import ISSUER, SECRET, application, browser

from hie.ui import Pages, forms
from hie.ui.problems import known


def request(path: str = "/", cookie: str = "") -> Request:
    """A request as an application gets it."""
    headers = [(b"host", b"portal.example"), (b"cookie", cookie.encode())]
    return Request({"type": "http", "method": "GET", "path": path, "query_string": b"a=%3C", "headers": headers,
                    "scheme": "http", "server": ("portal.example", 80)})  # fmt: skip


def rendered(source: str, cookie: str = "", **context: object) -> str:
    """A template from text, in the environment of the pages."""
    pages = Pages(service="健康淄博", packages=())
    environment = pages._environments["en" if "language=en" in cookie else "zh-CN"]
    return environment.from_string(source).render(**context)


class TestHeaders:
    async def test_policy(self) -> None:
        """Nothing is loaded from elsewhere, no markup is made by scripts, and a form may lead to the issuer."""
        async with browser() as client:
            answer = await client.get("/problem/404")

        policy = dict(part.split(" ", 1) for part in answer.headers["content-security-policy"].split("; "))
        assert policy["default-src"] == "'none'"
        assert policy["script-src"] == policy["style-src"] == policy["img-src"] == policy["connect-src"] == "'self'"
        assert policy["form-action"] == f"'self' {ISSUER}"
        assert policy["frame-ancestors"] == policy["base-uri"] == policy["trusted-types"] == "'none'"
        assert policy["require-trusted-types-for"] == "'script'"

    async def test_others(self) -> None:
        """A page is never kept, and its address stays on the site while forms keep their Origin."""
        async with browser() as client:
            headers = (await client.get("/problem/404")).headers

        assert headers["cache-control"] == "no-store"
        assert headers["referrer-policy"] == "same-origin"
        assert headers["x-content-type-options"] == "nosniff"
        assert headers["cross-origin-opener-policy"] == "same-origin"
        assert "strict-transport-security" not in headers

    async def test_https(self) -> None:
        """By https, browsers are told to stay there."""
        async with browser(application(https=True), "https://portal.example") as client:
            assert "max-age" in (await client.get("/problem/404")).headers["strict-transport-security"]

    async def test_nothing_inline(self) -> None:
        """No style, script or handler stands in the page."""
        async with browser() as client:
            html = (await client.get("/problem/404")).text

        assert not re.search(r"<style|\sstyle=|\son[a-z]+=|javascript:|<script(?![^>]*src=)", html)


class TestEscaping:
    async def test_values(self) -> None:
        """What people are called is text, never markup."""
        async with browser() as client:
            html = (await client.get("/problem/404")).text

        assert "&lt;王&gt;" in html
        assert "<王>" not in html

    def test_placeholders(self) -> None:
        """A value inside a translated sentence is escaped, the sentence's own per cent signs stay."""
        html = rendered("{{ _('本页 %(shown)s 条，共 %(total)s 条', shown=x, total=1) }}", x="<b>")

        assert html == "本页 &lt;b&gt; 条，共 1 条"
        assert rendered("{{ ui.tag('增长 5% 以上') }}") == '<span class="tag ">增长 5% 以上</span>'

    def test_undefined(self) -> None:
        """A name that a route forgot is an error, not an empty place."""
        with pytest.raises(UndefinedError):
            rendered("{{ forgotten }}")

    def test_csrf_is_masked(self) -> None:
        """Each page carries the session's secret under another mask."""
        first, second = forms.token(SECRET), forms.token(SECRET)

        assert first != second
        assert forms.is_valid(SECRET, first)
        assert forms.is_valid(SECRET, second)


class TestPreferences:
    async def test_language(self) -> None:
        """The switch keeps the address with its query, works by link, and holds for further pages."""
        async with browser() as client:
            first = await client.get("/problem/404?x=1&y=%E7%8E%8B")
            link = re.search(r'href="(/preferences\?language=en[^"]*)"', first.text)
            assert link
            moved = await client.get(link[1].replace("&amp;", "&"))
            again = await client.get("/problem/404")

        assert moved.headers["location"] == "/problem/404?x=1&y=%E7%8E%8B"
        assert '<html lang="en">' in again.text
        assert "Page not found" in again.text

    async def test_elder(self) -> None:
        """Elder mode is one link away on every page, and back."""
        async with browser() as client:
            assert "长辈版" in (await client.get("/problem/404")).text
            await client.get("/preferences?elder=1&back=/")
            html = (await client.get("/problem/404")).text

        assert 'class="elder"' in html
        assert "标准版" in html

    @pytest.mark.parametrize("back", ["https://evil.example/", "//evil.example", "/\\evil.example", "", "/a\r\nX: y"])
    async def test_stays_here(self, back: str) -> None:
        """The way back never leads to another site."""
        async with browser() as client:
            answer = await client.get("/preferences", params={"language": "en", "back": back})

        assert answer.headers["location"] == "/"

    async def test_nonsense(self) -> None:
        """An unknown language changes nothing."""
        async with browser() as client:
            answer = await client.get("/preferences?language=xx&back=/")

        assert "set-cookie" not in answer.headers


class TestProblems:
    @pytest.mark.parametrize("status", [400, 401, 403, 404, 405, 409, 413, 422, 429, 500, 502, 503])
    async def test_page(self, status: int) -> None:
        """Every error says what happened, that nothing was saved, what to do, and a reference."""
        async with browser() as client:
            answer = await client.get(f"/problem/{status}")

        assert answer.status_code == status
        assert "没有保存任何内容" in answer.text
        assert "ref-1" in answer.text
        assert "返回首页" in answer.text

    async def test_unknown_address(self) -> None:
        """What is nowhere has the same look."""
        async with browser() as client:
            answer = await client.get("/nowhere")

        assert answer.status_code == 404
        assert "没有找到这个页面" in answer.text
        assert answer.headers["content-security-policy"]

    async def test_fault(self) -> None:
        """Our own bug shows a reference and none of its words."""
        async with browser() as client:
            answer = await client.get("/broken")

        assert answer.status_code == 500
        assert "secret" not in answer.text

    def test_title_says_error(self) -> None:
        """A form that came back with errors says so in the title."""
        pages = Pages(service="健康淄博", packages=())
        html = pages.render(request(), "ui/problem.html", errors={"x": "y"}, problem=known(422), text="", reference="r")

        assert "<title>有错误：" in html.body.decode()
