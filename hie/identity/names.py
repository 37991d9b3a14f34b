"""
Names of residents made comparable: one script, one spelling of dots and spaces, and how they sound.

GB/T 28039 (spelling of Chinese names); minority names keep their dot "·" for people and lose it for comparison.
"""

from __future__ import annotations

import json
import re
from functools import cache, lru_cache
from importlib import resources
from itertools import product
from typing import Any

import opencc
from pypinyin import Style, lazy_pinyin

_DOTS = re.compile(r"[·•．.・‧∙⋅]")
_SPACES = re.compile(r"[\s,，'’\-]+")
_HAN = re.compile(r"[〇㐀-䶿一-鿿豈-\ufaff\U00020000-\U0003ffff]")


@cache
def tables() -> dict[str, Any]:
    """Surnames with readings of their own, names that name nobody, names of the newborn."""
    loaded: dict[str, Any] = json.loads((resources.files("hie.identity") / "data/surnames.json").read_text("utf-8"))
    return loaded


@cache
def _converter() -> Any:
    return opencc.OpenCC("t2s")


@lru_cache(maxsize=65536)
def normalise(name: str) -> str:
    """The name for comparison: simplified characters, small letters, no dots and spaces."""
    plain = _SPACES.sub("", _DOTS.sub("", name)).lower()
    return str(_converter().convert(plain)) if _HAN.search(plain) else plain


def is_han(name: str) -> bool:
    """True where every character is Chinese."""
    return bool(name) and all(_HAN.match(character) for character in name)


def split(name: str) -> tuple[str, str]:
    """Surname and the rest of a normalised Chinese name; a Latin one is all surname."""
    if not is_han(name):
        return name, ""
    size = 2 if len(name) > 2 and name[:2] in tables()["compound"] else 1
    return name[:size], name[size:]


@lru_cache(maxsize=65536)
def sounds(name: str) -> tuple[str, ...]:
    """Every toneless spelling of a normalised name; several where a surname has two living readings."""
    if not name:
        return ()
    surname, given = split(name)
    if not given and not is_han(name):
        return (name,)
    rest = "".join(lazy_pinyin(given, style=Style.NORMAL, v_to_u=False))
    return tuple(first + rest for first in _surname_sounds(surname))


def _surname_sounds(surname: str) -> tuple[str, ...]:
    known = tables()
    if surname in known["compound"]:
        return ("".join(known["compound"][surname]),)
    readings = known["readings"].get(surname) or lazy_pinyin(surname, style=Style.NORMAL, v_to_u=False)
    return tuple(dict.fromkeys(readings)) if len(surname) == 1 else ("".join(readings),)


def sounds_alike(one: str, other: str) -> bool:
    """True where some reading of both is the same."""
    return any(a == b for a, b in product(sounds(one), sounds(other)))


def is_unidentified(name: str) -> bool:
    """True for names that stand for "we do not know": 无名氏, 未知, test names."""
    return _digitless(normalise(name)) in _placeholders()


def is_newborn(name: str) -> bool:
    """True for a newborn's temporary name: 王某之子."""
    plain = _digitless(normalise(name))
    return any(plain.endswith(ending) and len(plain) >= len(ending) for ending in tables()["newborn"])


@cache
def _placeholders() -> frozenset[str]:
    return frozenset(normalise(name) for name in tables()["unidentified"])


def _digitless(name: str) -> str:
    return name.rstrip("0123456789一二三四五六七八九十甲乙丙丁") or name
