"""
A code of a shared system written into a site's profile: comments and order of the YAML stay as they are. Pure.

docs/hl7v2/sites.md, key `codes`
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from typing import Any

import yaml
from yaml.nodes import MappingNode, Node

from hie.directory.profile import Profile, read
from hie.directory.resolving import names_of
from hie.errors import Unprocessable


@dataclass(frozen=True, slots=True)
class Mapped:
    """A local code of a table or coding system, and what it is called in a shared one."""

    table: str
    local: str
    system: str
    code: str
    display: str = ""


def table_of(part: Mapping[str, Any]) -> str:
    """Under which name a profile has the codes of an unmapped part; "" where it can have none."""
    if part.get("kind") != "code" or not part.get("system") or not part.get("code"):
        return ""
    return names_of(str(part["system"]), str(part["site"]))[0]


def with_codes(text: str, rows: Iterable[Mapped]) -> str:
    """The profile with these codes. Raises Invalid where it is not valid, Unprocessable where it cannot be written."""
    for row in rows:
        text = _with_code(text, row)
    return text


def _with_code(text: str, row: Mapped) -> str:
    wanted = _expected(read(text), row)
    for written in (_inserted(text, row), _dumped(text, row)):
        if written is not None and _same(read(written), wanted):
            return written
    raise Unprocessable("The profile cannot take this code; write it into the YAML.")


def _expected(profile: Profile, row: Mapped) -> Profile:
    table = {**profile.code_maps.get(row.table, {}), row.local: (row.system, row.code, row.display)}
    return replace(profile, code_maps={**profile.code_maps, row.table: table})


def _same(profile: Profile, wanted: Profile) -> bool:
    return replace(profile, text="") == replace(wanted, text="")


def _inserted(text: str, row: Mapped) -> str | None:
    """As a line of its own above the others of its table; None where the YAML is written in another way."""
    lines = text.rstrip("\n").split("\n")
    codes = _value(yaml.compose(text), "codes")
    entry = f"{_quoted(row.local)}: {json.dumps([row.system, row.code, row.display], ensure_ascii=False)}"
    if codes is None:
        return "\n".join([*lines, "codes:", f"  {_quoted(row.table)}:", f"    {entry}"]) + "\n"
    if not _is_block(codes):
        return None
    table = _value(codes, row.table)
    if table is None:
        at, margin = _first(codes)
        return _put(lines, at, [f"{margin}{_quoted(row.table)}:", f"{margin}  {entry}"])
    if not _is_block(table) or _value(table, row.local) is not None:
        return None
    at, margin = _first(table)
    return _put(lines, at, [f"{margin}{entry}"])


def _value(node: Node | None, key: str) -> Node | None:
    pairs = node.value if isinstance(node, MappingNode) else ()
    return next((value for name, value in pairs if str(name.value) == key), None)


def _is_block(node: Node) -> bool:
    return isinstance(node, MappingNode) and not node.flow_style and bool(node.value)


def _first(node: Node) -> tuple[int, str]:
    mark = node.value[0][0].start_mark
    return int(mark.line), " " * int(mark.column)


def _put(lines: list[str], at: int, new: list[str]) -> str:
    return "\n".join([*lines[:at], *new, *lines[at:]]) + "\n"


def _quoted(text: str) -> str:
    return json.dumps(text, ensure_ascii=False)


def _dumped(text: str, row: Mapped) -> str:
    """Written anew: comments are lost, the content is the same."""
    content: dict[str, Any] = yaml.load(text, Loader=yaml.BaseLoader) or {}  # noqa: S506 - texts only: `01` stays `01`
    codes = content.setdefault("codes", {})
    codes.setdefault(row.table, {})[row.local] = [row.system, row.code, row.display]
    return yaml.safe_dump(content, allow_unicode=True, sort_keys=False)
