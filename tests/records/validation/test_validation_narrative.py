"""Narrative: a page may show it as it is."""

from __future__ import annotations

from typing import Any

import pytest
from validation_examples import PATIENT, changed, findings

from records.validation.narrative import narrative


def div(content: str) -> str:
    """The content in a div of XHTML."""
    return f'<div xmlns="http://www.w3.org/1999/xhtml">{content}</div>'


class TestNarrative:
    @pytest.mark.parametrize(
        "content",
        [
            "居民　张",
            "a&nbsp;b &amp; c &lt; d &#160; &copy;",
            '<p class="a" style="color: red; background: url(a.png)">b<br/>c</p>',
            '<table><tr><td colspan="2">1</td></tr></table>',
            '<a href="http://example.org/a?b=c:d">x</a><a name="here">y</a><a href="#here">z</a>',
            '<a href="Patient/1">p</a>',
            '<a href="ftp://ftp.example.org/table.xml">f</a>',
            '<img src="data:image/png;base64,AAAA" alt="x"/>',
            '<img src="photo.png"/>',
            "<!-- a comment -->a",
            '<span xml:lang="zh">文</span>',
        ],
    )
    def test_safe(self, content: str) -> None:
        """Text, its form, images and links."""
        assert narrative(div(content))

    @pytest.mark.parametrize(
        "content",
        [
            "<script>alert(1)</script>",
            "<p onclick='alert(1)'>a</p>",
            "<iframe src='http://example.org'>a</iframe>",
            "<form>a<input/></form>",
            "<object>a</object>",
            "<style>p {}</style>a",
            "<link href='a'/>a",
            "<svg xmlns='http://www.w3.org/2000/svg'><script>alert(1)</script></svg>",
            "<p xmlns=''>a</p>",
            "<a href='javascript:alert(1)'>a</a>",
            "<a href=' java&#10;script:alert(1)'>a</a>",
            "<a href='JaVaScRiPt:alert(1)'>a</a>",
            "<a href='data:text/html,a'>a</a>",
            "<a href='vbscript:a'>a</a>",
            "<img src='data:image/svg+xml;base64,AAAA'/>",
            "<img src='javascript:alert(1)'/>",
            "<p style='background: url(javascript:alert(1))'>a</p>",
            "<p style='width: expr/**/ession(alert(1))'>a</p>",
            "<p style='behavior: url(a.htc)'>a</p>",
            "<p style='\\65xpression(a)'>a</p>",
            "<?php a ?>a",
            "<p>not closed",
            "a & b",
            "&unheardof;",
        ],
    )
    def test_unsafe(self, content: str) -> None:
        """What could run, load another page, or is no XHTML."""
        assert not narrative(div(content))

    @pytest.mark.parametrize(
        "value",
        [
            "",
            "text",
            "<div>no namespace</div>",
            '<p xmlns="http://www.w3.org/1999/xhtml">a</p>',
            div(""),
            div(" <p/> "),
            '<!DOCTYPE div [<!ENTITY a "b">]><div xmlns="http://www.w3.org/1999/xhtml">&a;</div>',
            1,
            None,
            ["a"],
            {},
        ],
    )
    def test_no_narrative(self, value: Any) -> None:
        """Another root, nothing said, entities of one's own, another type."""
        assert not narrative(value)

    def test_in_a_resource(self) -> None:
        """It is found where it stands."""
        text = {"status": "generated", "div": div("<script/>a")}

        assert findings(changed(PATIENT, text=text)) == [("Patient.text.div", "invariant")]
