"""
_text: words of the narrative, with `and`, `or`, `not` and brackets between them.

A word is a key without case and accents; Chinese is kept by characters and by pairs of neighbours, for it has no
blanks between its words. https://hl7.org/fhir/R4/search.html#text
"""

from __future__ import annotations

import html
import re
from collections.abc import Iterator

from records.errors import UnknownParameter
from records.search.key import TEXT, Condition, begins, both, either, equals, negated
from records.search.text import normal
from records.stored import Json

NAME = "_text"
# Of a longer narrative the first words are found.
MOST_WORDS = 5_000
LONGEST_WORD = 40
DEEPEST = 20
_TAG = re.compile(r"<[^>]*>")
_RUN = re.compile(r"([\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff]+)|([^\W_]+)")
_ASKED = re.compile(r'\s*(?:([()])|"([^"]*)"|([^\s()"]+))')


def keys(resource: Json) -> Iterator[str]:
    """The keys of a resource's narrative."""
    text = resource.get("text")
    if not isinstance(text, dict) or not isinstance(text.get("div"), str):
        return
    found = dict.fromkeys(_words(html.unescape(_TAG.sub(" ", text["div"]))))
    for one, _ in zip(found, range(MOST_WORDS), strict=False):
        yield f"{NAME}{TEXT}{one}"


def _words(text: str) -> Iterator[str]:
    for chinese, word in _RUN.findall(text):
        if word:
            yield normal(word)[:LONGEST_WORD]
            continue
        yield from chinese
        yield from (chinese[at : at + 2] for at in range(len(chinese) - 1))


def query(value: str) -> Condition:
    """The condition of what was asked."""
    tokens = [found.groups() for found in _ASKED.finditer(value)]
    reader = _Reader(tokens)
    found = reader.either(0)
    if reader.at != len(tokens):
        raise UnknownParameter("_text has a closing bracket too many.")
    return found


class _Reader:
    """Reads `(bone or liver) and metastases`: words beside each other are joined by and."""

    def __init__(self, tokens: list[tuple[str | None, ...]]) -> None:
        self.tokens, self.at = tokens, 0

    def either(self, depth: int) -> Condition:
        """What stands between `or`s."""
        if depth > DEEPEST:
            raise UnknownParameter(f"_text may be {DEEPEST} brackets deep.")
        found = [self._all(depth)]
        while self._word("or"):
            found.append(self._all(depth))
        return either(found)

    def _all(self, depth: int) -> Condition:
        found = [self._one(depth)]
        while self.at < len(self.tokens) and self.tokens[self.at][0] != ")" and not self._is("or"):
            self._word("and")
            found.append(self._one(depth))
        return both(found)

    def _one(self, depth: int) -> Condition:
        if self._word("not"):
            return negated(self._one(depth))
        if self.at == len(self.tokens) or self.tokens[self.at][0] == ")" or self._is("or") or self._is("and"):
            raise UnknownParameter("_text is words with and, or, not and brackets between them.")
        bracket, phrase, word = self.tokens[self.at]
        self.at += 1
        if not bracket:
            return _asked(phrase if phrase is not None else word or "")
        found = self.either(depth + 1)
        if self.at == len(self.tokens):
            raise UnknownParameter("_text has an opening bracket too many.")
        self.at += 1
        return found

    def _is(self, word: str) -> bool:
        return self.at < len(self.tokens) and (self.tokens[self.at][2] or "").lower() == word

    def _word(self, word: str) -> bool:
        found = self._is(word)
        self.at += found
        return found


def _asked(text: str) -> Condition:
    """All words of a text; `bone*` is the beginning of one."""
    found = list[Condition]()
    for chinese, word in _RUN.findall(text):
        if word:
            key = f"{NAME}{TEXT}{normal(word)[:LONGEST_WORD]}"
            found.append(begins(key) if text.endswith(word + "*") else equals([key]))
            continue
        pairs = [chinese[at : at + 2] for at in range(len(chinese) - 1)] or [chinese]
        found += [equals([f"{NAME}{TEXT}{one}"]) for one in pairs]
    if not found:
        raise UnknownParameter("_text has no words.")
    return both(found)
