"""
Which tests show a feature, and which of them passed: read from the test files and from the report of a run.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Iterable, Iterator
from pathlib import Path
from xml.etree import ElementTree

ROOT = Path(__file__).resolve().parents[2]
TESTS = ROOT / "tests"


def named(places: Iterable[str]) -> list[str]:
    """Every test at these places as `file::Class::test`, once; a place where there is none is an error."""
    found: dict[str, None] = {}
    for place in places:
        path, _, inside = place.partition("::")
        whole = TESTS / path
        files = sorted(whole.rglob("test_*.py")) if whole.is_dir() else [whole]
        here = [one for file in files for one in _tests(file) if f"{one.partition('::')[2]}::".startswith(inside)]
        if not here:
            raise LookupError(f"there is no test at tests/{place}")
        found |= dict.fromkeys(here)
    return list(found)


def _tests(file: Path) -> Iterator[str]:
    name = file.relative_to(TESTS).as_posix()
    for node in ast.parse(file.read_text()).body:
        if isinstance(node, ast.ClassDef) and node.name.startswith("Test"):
            yield from (f"{name}::{node.name}::{one}" for one in _functions(node.body))
        else:
            yield from (f"{name}::{one}" for one in _functions([node]))


def _functions(body: Iterable[ast.stmt]) -> Iterator[str]:
    for node in body:
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef) and node.name.startswith("test_"):
            yield node.name


def passed(report: Path) -> frozenset[str]:
    """The tests of a JUnit report of which every case passed; one that was skipped showed nothing."""
    good, bad = set[str](), set[str]()
    for case in ElementTree.parse(report).iter("testcase"):
        test = _name(case.attrib["classname"], case.attrib["name"])
        (bad if any(case.find(sign) is not None for sign in ("failure", "error", "skipped")) else good).add(test)
    return frozenset(good - bad)


def _name(classname: str, name: str) -> str:
    """`tests.hie.fhir.test_x.TestY`, `test_z[1]` to `hie/fhir/test_x.py::TestY::test_z`."""
    parts = classname.removeprefix("tests.").split(".")
    inside = [parts.pop()] if re.match(r"Test[A-Z]", parts[-1]) else []
    return "::".join(["/".join(parts) + ".py", *inside, name.partition("[")[0]])
