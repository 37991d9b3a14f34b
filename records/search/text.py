"""
Text as a search compares it: without case, accents, width, punctuation and spare blanks; Chinese also in the order of
its pinyin.

https://hl7.org/fhir/R4/search.html#string
"""

from __future__ import annotations

import string
import unicodedata
from functools import lru_cache

# A search that starts with more than this is compared by its beginning.
LONGEST = 300
_MARKS = str.maketrans("", "", string.punctuation)


@lru_cache(maxsize=8192)
def normal(text: str) -> str:
    """`"  Müller\u3000Ａ. "` becomes `"muller a"`; what is nothing but punctuation stays."""
    if text.isascii():
        lower = text.lower()
        return (" ".join(lower.translate(_MARKS).split()) or lower)[:LONGEST]
    decomposed = unicodedata.normalize("NFKD", text.casefold())
    kept = "".join(one for one in decomposed if not unicodedata.combining(one))
    words = "".join(one for one in kept if one.isalnum() or unicodedata.category(one)[0] != "P")
    return " ".join(unicodedata.normalize("NFC", words.translate(_MARKS) or kept).split())[:LONGEST]


def sortable(text: str) -> str:
    """The text in an order people expect: pinyin for Chinese characters, the characters themselves as a tie-break."""
    plain = normal(text)
    return plain if plain.isascii() else f"{_pinyin(plain)}\x1f{plain}"


@lru_cache(maxsize=8192)
def _pinyin(text: str) -> str:
    # Loaded when the first Chinese name comes: its dictionary is large.
    from pypinyin import Style, lazy_pinyin

    return " ".join(lazy_pinyin(text, style=Style.TONE3, neutral_tone_with_five=True))
