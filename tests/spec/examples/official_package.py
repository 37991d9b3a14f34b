"""
The official examples of FHIR R4 (CC0), fetched by npm's own client once and kept outside of the tree.

https://hl7.org/fhir/R4/downloads.html
"""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import subprocess
import tarfile
import tempfile
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[3]
PACKAGE, VERSION = "hl7.fhir.r4.examples", "4.0.1"
SHA256 = "dce87f1b5b9341867033f7d1f544fa1b5232503f6d62813887ac6b8a8b6cb682"
NOT_EXAMPLES = frozenset({"package.json", ".index.json"})


class Unreachable(Exception):
    """The package cannot be had on this machine; the text says why."""


@dataclass(frozen=True)
class Example:
    """One file of the package: its name, and its bytes as they were published."""

    file: str
    text: bytes

    @cached_property
    def resource(self) -> dict[str, Any]:
        found: dict[str, Any] = json.loads(self.text)
        return found

    @property
    def type(self) -> str:
        return str(self.resource["resourceType"])

    @property
    def id(self) -> str:
        return str(self.resource["id"])

    @property
    def path(self) -> str:
        return f"/{self.type}/{self.id}"


def cache_folder() -> Path:
    """Where things from outside are kept between runs: HIE_TEST_CACHE, else var/test-cache."""
    return Path(os.environ.get("HIE_TEST_CACHE") or ROOT / "var" / "test-cache")


def examples() -> list[Example]:
    """Every example of the package, in the order of its file names; Unreachable where it cannot be had."""
    with tarfile.open(fetched()) as archive:
        files = {member.name.removeprefix("package/"): member for member in archive if member.isfile()}
        chosen = sorted(name for name in files if name.endswith(".json") and "/" not in name)
        return [
            Example(name, archive.extractfile(files[name]).read())  # type: ignore[union-attr]
            for name in chosen
            if name not in NOT_EXAMPLES
        ]


def fetched() -> Path:
    """The package's archive, downloaded where it is not there yet, and always the one that was checked."""
    kept = cache_folder() / f"{PACKAGE}-{VERSION}.tgz"
    if not kept.is_file():
        kept.parent.mkdir(parents=True, exist_ok=True)
        _download(kept)
    if hashlib.sha256(kept.read_bytes()).hexdigest() != SHA256:
        raise AssertionError(f"{kept} is not the package that was checked; remove it")
    return kept


def _download(kept: Path) -> None:
    npm = shutil.which("npm")
    if npm is None:
        raise Unreachable("npm is not installed, which fetches the official examples")
    with tempfile.TemporaryDirectory(dir=kept.parent) as folder:
        command = [npm, "pack", f"{PACKAGE}@{VERSION}", "--silent", "--fetch-retries=1", "--pack-destination", folder]
        try:
            done = subprocess.run(command, capture_output=True, text=True, timeout=240, check=False)
        except subprocess.TimeoutExpired:
            raise Unreachable("the package registry did not give the official examples in time") from None
        found = list(Path(folder).glob("*.tgz"))
        if done.returncode or not found:
            raise Unreachable(f"npm could not fetch {PACKAGE}: {done.stderr.strip()[-200:]}")
        found[0].replace(kept)
