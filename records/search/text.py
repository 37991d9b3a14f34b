"""
Text as a search compares it: without case, accents, width and spare blanks; Chinese also in the order of its pinyin.

https://hl7.org/fhir/R4/search.html#string
"""

from __future__ import annotations

import unicodedata
from functools import lru_cache

# A search that starts with more than this is compared by its beginning.
LONGEST = 300


def normal(text: str) -> str:
    """`"  Müller\u3000Ａ "` becomes `"muller a"`."""
    if text.isascii():
        return " ".join(text.lower().split())[:LONGEST]
    decomposed = unicodedata.normalize("NFKD", text.casefold())
    kept = "".join(one for one in decomposed if not unicodedata.combining(one))
    return " ".join(unicodedata.normalize("NFC", kept).split())[:LONGEST]


def sortable(text: str) -> str:
    """The text in an order people expect: pinyin for Chinese characters, the characters themselves as a tie-break."""
    plain = normal(text)
    return plain if plain.isascii() else f"{_pinyin(plain)}\x1f{plain}"


@lru_cache(maxsize=8192)
def _pinyin(text: str) -> str:
    # Loaded when the first Chinese name comes: its dictionary is large.
    from pypinyin import Style, lazy_pinyin

    return " ".join(lazy_pinyin(text, style=Style.TONE3, neutral_tone_with_five=True))
