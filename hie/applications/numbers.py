"""Whole numbers of addresses and hidden fields; what is none counts as 0, for anybody may write anything there."""

from __future__ import annotations

MOST_DIGITS = 9


def whole(text: str) -> int:
    """The number, or 0."""
    return int(text) if text.isascii() and text.isdigit() and len(text) <= MOST_DIGITS else 0
