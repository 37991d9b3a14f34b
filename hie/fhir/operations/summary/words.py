"""
The words of a summary in the reader's language.

https://www.rfc-editor.org/rfc/rfc9110#field.accept-language
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from functools import cache
from importlib.resources import files

Words = Mapping[str, str]


@cache
def words(language: str) -> Words:
    """All words of one language."""
    found: dict[str, Words] = json.loads(files(__package__).joinpath("words.json").read_text("utf-8"))
    return found[language]


def language(accepted: str | None, default: str) -> str:
    """The language that is spoken here and liked best; `zh`, `zh-Hans-CN` mean zh-CN, `en-GB` means en."""
    liked = sorted(_weighed(accepted or ""), key=lambda one: -one[1])
    for tag, weight in liked:
        if weight <= 0:
            continue
        if tag == "*":
            return default
        if tag.split("-")[0] in ("zh", "en"):
            return "zh-CN" if tag.startswith("zh") else "en"
    return default


def _weighed(accepted: str) -> list[tuple[str, float]]:
    found = []
    for part in accepted.split(","):
        tag, *options = part.strip().lower().split(";")
        weight = next((one.strip()[2:] for one in options if one.strip().startswith("q=")), "1")
        try:
            found.append((tag.strip(), float(weight)))
        except ValueError:
            found.append((tag.strip(), 0.0))
    return [one for one in found if one[0]]
