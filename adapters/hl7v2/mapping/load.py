"""
The compiled tables, each read when it is first asked for.
"""

from __future__ import annotations

import json
import lzma
from functools import cache
from importlib.resources import files
from typing import Any

from adapters.hl7v2.mapping.model import Codes, Left, Row, Table
from adapters.hl7v2.mapping.paths import Step

FILE = "v2_to_fhir.json.xz"


@cache
def _data() -> dict[str, Any]:
    packed = files("adapters.hl7v2.mapping").joinpath("data", FILE).read_bytes()
    found: dict[str, Any] = json.loads(lzma.decompress(packed))
    return found


@cache
def _names() -> dict[str, str]:
    return {name.lower(): name for name in _data()["tables"]}


def tables() -> tuple[str, ...]:
    """The names of all tables."""
    return tuple(_data()["tables"])


def known(name: str) -> str:
    """The name of a table as it is spelled here, "" when there is none (`CWE[Code]` is `CWE[code]`)."""
    return _names().get(name.lower(), "")


@cache
def table(name: str) -> Table:
    """The table of that name. Raises KeyError."""
    found = _data()["tables"][known(name)]
    rows = tuple(_row(row) for row in found["rows"])
    return Table(known(name), found["root"], rows, found["segment"])


def _row(row: dict[str, Any]) -> Row:
    steps = tuple(Step(*step) for step in row["steps"])
    texts = {name: row.get(name, "") for name in ("condition", "through", "codes", "value")}
    return Row(row["at"], row["path"], steps, **texts)


@cache
def codes(name: str) -> Codes:
    """The table of codes of that name. Raises KeyError."""
    found = _data()["codes"][name]
    return Codes(name, found["system"], {code: tuple(target) for code, target in found["targets"].items()})


def choices(root: str) -> tuple[str, ...]:
    """The choice elements of a resource: `value` stands for valueString, valueQuantity and the others."""
    return tuple(_data()["choices"].get(root, ()))


def field_name(location: str) -> str:
    """The name of a field, "" where no table lists it: `PID-3` is the Patient Identifier List."""
    return str(_data()["names"].get(location, ""))


def left() -> tuple[Left, ...]:
    """The rows that are not carried out from the tables."""
    return tuple(Left(**row) for row in _data()["left"])


def source() -> dict[str, str]:
    """Where the tables come from."""
    return dict(_data()["source"])
