"""Every text that a visitor may see exists in English, and Chinese texts are written as Chinese is."""

from __future__ import annotations

import re
from importlib import resources
from io import BytesIO

import pytest
from babel.messages.extract import extract_from_dir
from babel.messages.pofile import read_po

PACKAGES = {"hie/ui": ("hie.ui",), "portal": ("hie.ui", "portal")}
METHODS = [("**.py", "python"), ("**/templates/**.html", "jinja2")]
# A template that cannot be read must not pass as one without texts.
OPTIONS = {"**/templates/**.html": {"silent": "false", "extensions": "jinja2.ext.do"}}
KEYWORDS = {"_": None, "N_": None, "gettext": None, "ngettext": (1, 2)}
HAN = re.compile(r"[\u3400-\u9fff]")


def texts(folder: str) -> set[str]:
    """The source texts of a package's code and templates."""
    found: set[str] = set()
    for _, _, message, _, _ in extract_from_dir(folder, METHODS, OPTIONS, keywords=KEYWORDS):
        found |= {message} if isinstance(message, str) else set(message)
    return found


def english(packages: tuple[str, ...]) -> dict[str, str | tuple[str, ...]]:
    """The English catalogue."""
    found = {}
    for package in packages:
        file = resources.files(package).joinpath("locale/en.po").read_bytes()
        for message in read_po(BytesIO(file), locale="en_GB"):
            if message.id:
                found[message.id if isinstance(message.id, str) else message.id[0]] = message.string
    return found


@pytest.mark.parametrize("folder", PACKAGES)
class TestEnglish:
    def test_complete(self, folder: str) -> None:
        """No text is left in Chinese."""
        known = english(PACKAGES[folder])

        assert sorted(text for text in texts(folder) if not known.get(text)) == []

    def test_is_english(self, folder: str) -> None:
        """No translation holds Chinese signs or full-width stops."""
        values = english(PACKAGES[folder]).values()
        strings = [one for value in values for one in ([value] if isinstance(value, str) else value)]

        assert [one for one in strings if re.search(r"[\u3000-\u303f\u3400-\u9fff\uff01-\uff5e]", one)] == []

    def test_same_values(self, folder: str) -> None:
        """A translation names the same values as its source."""
        for source, value in english(PACKAGES[folder]).items():
            for one in [value] if isinstance(value, str) else value:
                assert set(re.findall(r"%\(\w+\)s", one)) == set(re.findall(r"%\(\w+\)s", source)), source

    def test_none_unused(self, folder: str) -> None:
        """Translations of texts that are gone go, too."""
        own = english(PACKAGES[folder][-1:])

        assert sorted(set(own) - texts(folder) - {"健康淄博"}) == []


@pytest.mark.parametrize("folder", PACKAGES)
class TestChinese:
    def test_punctuation(self, folder: str) -> None:
        """Chinese sentences have full-width stops."""
        wrong = [text for text in texts(folder) if re.search(r"[\u3400-\u9fff][,;:?!()]|[,;?!][\u3400-\u9fff]", text)]

        assert wrong == []

    def test_all_are_chinese(self, folder: str) -> None:
        """The source language of every text is Chinese."""
        assert [text for text in texts(folder) if not HAN.search(text) and not re.search(r"[，。：、]", text)] == []
