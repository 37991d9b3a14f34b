"""The lock that a newcomer and the image install holds everything that the rooms import."""

from __future__ import annotations

import ast
import re
import sys
from collections.abc import Iterator
from functools import cache
from importlib.metadata import packages_distributions
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
ROOMS = ("hie", "adapters", "records", "portal", "terminology")
# Makes data files of the repository; nothing that runs imports it.
BUILDING = {"records/definitions/units.py"}


def normal(name: str) -> str:
    """A distribution's name as the index writes it."""
    return re.sub(r"[-_.]+", "-", name).lower()


@cache
def locked(file: str) -> dict[str, str]:
    """Distribution and version of every line of a lock."""
    text = (ROOT / file).read_text("utf-8")
    return {normal(name): version for name, version in re.findall(r"^([\w.-]+)==([^ ;\\]+)", text, re.MULTILINE)}


def imported(room: str) -> Iterator[tuple[str, str]]:
    """File and top-level name of every import from outside."""
    for file in sorted((ROOT / room).rglob("*.py")):
        if str(file.relative_to(ROOT)) in BUILDING:
            continue
        for node in ast.walk(ast.parse(file.read_text("utf-8"))):
            if isinstance(node, ast.Import):
                names = [one.name for one in node.names]
            elif isinstance(node, ast.ImportFrom) and node.level == 0:
                names = [node.module or ""]
            else:
                continue
            for name in {one.partition(".")[0] for one in names} - sys.stdlib_module_names - set(ROOMS):
                yield str(file.relative_to(ROOT)), name


class TestProductionLock:
    @pytest.mark.parametrize("room", ROOMS)
    def test_imports(self, room: str) -> None:
        """Whatever a room imports is a distribution of the production lock."""
        known = packages_distributions()
        missing = [
            (file, name)
            for file, name in imported(room)
            if not {normal(one) for one in known.get(name, ())} & set(locked("requirements.lock"))
        ]

        assert missing == []

    def test_building(self) -> None:
        """Only steps of building import what makes the data files."""
        pattern = re.compile(r"records\.definitions\.units")
        files = [file for room in ROOMS for file in (ROOT / room).rglob("*.py")]
        users = {str(file.relative_to(ROOT)) for file in files if pattern.search(file.read_text("utf-8"))}

        assert users == {"records/definitions/build.py"}

    def test_hashes(self) -> None:
        """Each line is pinned and has a hash, and no address of an index."""
        text = (ROOT / "requirements.lock").read_text("utf-8")
        pinned = re.split(r"^(?=[\w.-]+==)", text, flags=re.MULTILINE)[1:]

        assert len(pinned) >= 30
        assert all("--hash=sha256:" in one for one in pinned)
        assert "://" not in text

    def test_agree(self) -> None:
        """What is tested is what runs: both locks name the same versions."""
        run, build = locked("requirements.lock"), locked("requirements-dev.lock")

        assert {name: build.get(name) for name in run} == run
