"""Every text of the staff's pages has its English."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from io import BytesIO
from pathlib import Path

import pytest
from babel.messages.pofile import read_po
from jinja2 import Environment

ROOT = Path(__file__).resolve().parents[3]
PACKAGES = ("hie/workbench", "hie/applications/administration")


def in_templates(folder: Path) -> Iterator[str]:
    environment = Environment(extensions=["jinja2.ext.i18n", "jinja2.ext.do"], autoescape=True)
    for file in folder.rglob("*.html"):
        for _, _, found in environment.extract_translations(file.read_text("utf-8")):
            text = found[0] if isinstance(found, tuple) else found
            if text:
                yield text


def in_code(folder: Path) -> Iterator[str]:
    for file in folder.rglob("*.py"):
        for node in ast.walk(ast.parse(file.read_text("utf-8"))):
            if isinstance(node, ast.Call) and getattr(node.func, "id", "") == "N_":
                yield ast.literal_eval(node.args[0])


@pytest.mark.parametrize("package", PACKAGES)
def test_complete(package: str) -> None:
    """Nothing is missing, and nothing is translated that nobody says any more."""
    folder = ROOT / package
    catalogue = read_po(BytesIO((folder / "locale/en.po").read_bytes()))
    known = {one.id[0] if isinstance(one.id, tuple) else one.id for one in catalogue if one.id and one.string}
    said = {*in_templates(folder), *in_code(folder)}
    marks = folder / "rules/flags.json"

    assert said - known == set()
    assert {text for text in known - said if not (marks.exists() and text in marks.read_text("utf-8"))} == set()
