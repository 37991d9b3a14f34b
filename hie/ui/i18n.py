"""
Languages: Chinese is the source, English comes from `locale/en.po` of each package, compiled in memory at start.

https://www.gnu.org/software/gettext/manual/html_node/PO-Files.html
"""

from __future__ import annotations

from collections.abc import Iterable
from functools import cache
from importlib import resources
from io import BytesIO

from babel.messages.mofile import write_mo
from babel.messages.pofile import read_po
from babel.support import NullTranslations, Translations

SOURCE = "zh-CN"
LANGUAGES = (SOURCE, "en")
LOCALES = {"zh-CN": "zh_CN", "en": "en_GB"}
COOKIE = "language"


def N_(text: str) -> str:  # noqa: N802 - gettext's word
    """Mark a text of Python code for translation; a template shows it with `_(text)`."""
    return text


@cache
def translations(language: str, packages: tuple[str, ...]) -> NullTranslations:
    """The joined catalogue of the packages; the source language has none."""
    joined: NullTranslations = NullTranslations()
    if language == SOURCE:
        return joined
    for catalogue in filter(None, (_catalogue(package, language) for package in packages)):
        joined = catalogue.merge(joined) if isinstance(joined, Translations) else catalogue
    return joined


def language_of(cookies: Iterable[tuple[str, str]]) -> str:
    """The language that the visitor chose; Chinese until then."""
    chosen = dict(cookies).get(COOKIE, SOURCE)
    return chosen if chosen in LANGUAGES else SOURCE


def _catalogue(package: str, language: str) -> Translations | None:
    file = resources.files(package).joinpath(f"locale/{language}.po")
    if not file.is_file():
        return None
    compiled = BytesIO()
    write_mo(compiled, read_po(BytesIO(file.read_bytes()), locale=LOCALES[language]))
    return Translations(BytesIO(compiled.getvalue()))
