"""
Writing SVG: escaped text, colours as attributes (a PDF renderer applies no style sheet inside SVG).

https://www.w3.org/TR/svg-aam-1.0/
"""

from __future__ import annotations

from collections.abc import Iterable

from markupsafe import Markup, escape

from hie.ui.filters import HAN

BRAND, SOFT, GRID, BAND, INK = "#005b8f", "#4a5966", "#c3ced8", "#dff0e5", "#17232e"
HIGH, LOW = "#a8201a", "#6a3d9a"


def element(tag: str, *children: Markup | str, **attributes: object) -> Markup:
    """An element; underscores of attribute names become hyphens, a trailing one goes."""
    written = "".join(
        f' {name.rstrip("_").replace("_", "-")}="{escape(value)}"' for name, value in attributes.items() if value != ""
    )
    return Markup(f"<{tag}{written}>") + Markup("").join(children) + Markup(f"</{tag}>")  # noqa: S704 - escaped above


def text(x: str, y: float, words: str, *, anchor: str = "start", fill: str = SOFT, weight: str = "") -> Markup:
    """A label."""
    lang = "zh-CN" if HAN.search(words) else ""
    return element(
        "text", words, x=x, y=y, text_anchor=anchor, fill=fill, font_size="14", font_weight=weight, lang=lang
    )


def picture(parts: Iterable[Markup], *, title: str, sentence: str, height: float, role: str = "img") -> Markup:
    """The drawing; its description is the sentence that a clinician would say."""
    named = element("title", title) + element("desc", sentence)
    return element("svg", named, *parts, xmlns="http://www.w3.org/2000/svg", role=role, width="100%", height=height)


def percent(share: float) -> str:
    """A position across the drawing."""
    return f"{share * 100:.2f}%"
