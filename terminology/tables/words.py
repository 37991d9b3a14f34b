"""
Texts found by what they contain, at any place: each pair of neighbouring characters leads to the texts that have it.

So a word of Chinese is found without a dictionary of words, and a part of a code as well as the middle of a name.
"""

from __future__ import annotations

import unicodedata
from array import array
from collections import defaultdict
from collections.abc import Iterable, Sequence
from operator import add


def folded(text: str) -> str:
    """Without case, width and accents."""
    if text.isascii():
        return text.lower()
    decomposed = unicodedata.normalize("NFKD", text.casefold())
    return unicodedata.normalize("NFC", "".join(one for one in decomposed if not unicodedata.combining(one)))


class Words:
    """An index over texts, which are numbered as they come."""

    def __init__(self, texts: Iterable[str]) -> None:
        self._texts = [folded(one) for one in texts]
        found: defaultdict[str, array[int]] = defaultdict(lambda: array("I"))
        for number, text in enumerate(self._texts):
            for part in {*text, *map(add, text, text[1:])}:
                found[part].append(number)
        self._found = {part: row for part, row in found.items() if " " not in part}

    def having(self, asked: str) -> Sequence[int]:
        """The numbers of the texts that contain every word of what is asked, in their order."""
        wanted = folded(asked).split()
        return [number for number in self._candidates(wanted) if all(one in self._texts[number] for one in wanted)]

    def _candidates(self, wanted: Sequence[str]) -> Sequence[int]:
        parts = {word[at : at + 2] for word in wanted for at in range(max(1, len(word) - 1))}
        rows = sorted((self._found.get(one, array("I")) for one in parts), key=len)
        if not rows:
            return range(len(self._texts))
        found = set(rows[0])
        for row in rows[1:]:
            if len(found) * 16 < len(row):
                break  # The few that are left are looked at themselves.
            found.intersection_update(row)
        return sorted(found)
