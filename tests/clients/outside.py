"""
FHIR clients of other hands, installed into a cache outside of the tree: packages of Node and of Java.

HIE_TEST_CACHE names the cache (default var/test-cache). Nothing of theirs is kept in the repository.
"""

from __future__ import annotations

import hashlib
import json
import os
import re
import shutil
import subprocess
from collections.abc import Mapping
from pathlib import Path

HERE = Path(__file__).parent
ROOT = HERE.parents[1]
NODE, JAVA = 20, 17


class Absent(Exception):
    """A client cannot be tried on this machine; the text says why."""


def cache_folder() -> Path:
    """Where things from outside are kept between runs."""
    return Path(os.environ.get("HIE_TEST_CACHE") or ROOT / "var" / "test-cache").resolve()


def node_program(name: str) -> list[str]:
    """The command that runs a program of ours beside the packages that it imports."""
    node, npm = _tool("node", "--version", NODE), _found("npm")
    folder = _installed("node-clients", HERE / "node" / "package.json", [npm, "install", "--no-audit", "--no-fund"])
    for program in (HERE / "node").glob("*.js"):
        shutil.copy(program, folder)
    return [node, str(folder / name)]


def java_program(name: str, home: Path = HERE / "java", packages: str = "java-clients") -> list[str]:
    """The command that compiles and runs a program of one file with the packages of its `pom.xml` on its path."""
    java, maven = _tool("java", "-version", JAVA), _found("mvn")
    command = [maven, "-q", "-B", "dependency:copy-dependencies", "-DoutputDirectory=jars"]
    folder = _installed(packages, home / "pom.xml", command)
    return [java, "-cp", f"{folder}/jars/*", str(home / name)]


def node() -> str:
    """Node alone, for programs that need no packages."""
    return _tool("node", "--version", NODE)


def run(command: list[str], environment: Mapping[str, str], seconds: float = 240) -> dict[str, str]:
    """Run a program that prints one JSON line a step: what went wrong in each, empty where nothing did."""
    done = subprocess.run(
        command, env=os.environ | environment, capture_output=True, text=True, timeout=seconds, check=False
    )
    lines = [json.loads(line) for line in done.stdout.splitlines() if line.startswith('{"step"')]
    assert lines and done.returncode == 0, f"{done.stdout[-2000:]}\n{done.stderr[-3000:]}"
    return {line["step"]: line["error"] for line in lines}


def _installed(name: str, recipe: Path, command: list[str]) -> Path:
    """A folder in which the packages of this recipe are; made anew where the recipe changed."""
    digest = hashlib.sha256(recipe.read_bytes()).hexdigest()[:12]
    folder = cache_folder() / f"{name}-{digest}"
    ready = folder / "ready"
    if ready.exists():
        return folder
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    shutil.copy(recipe, folder)
    try:
        done = subprocess.run(command, cwd=folder, capture_output=True, text=True, timeout=280, check=False)
    except subprocess.TimeoutExpired:
        raise Absent(f"the package registry did not give the {name} in time") from None
    if done.returncode:
        raise Absent(f"the {name} could not be installed: {(done.stderr or done.stdout).strip()[-300:]}")
    ready.touch()
    return folder


def _found(tool: str) -> str:
    path = shutil.which(tool)
    if path is None:
        raise Absent(f"{tool} is not installed")
    return path


def _tool(tool: str, question: str, least: int) -> str:
    """A runtime of at least this version."""
    path = _found(tool)
    said = subprocess.run([path, question], capture_output=True, text=True, timeout=30, check=False)
    version = re.search(r"(\d+)[.\d]*", said.stdout + said.stderr)
    if version is None or int(version[1]) < least:
        raise Absent(f"{tool} is older than {least}")
    return path
