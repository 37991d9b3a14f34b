"""
Makes the data file of the tables: `python -m adapters.hl7v2.mapping.build --source DIR`. A step of building only.

DIR is a checkout of the guide's CSV files; what they have wrong or lack stands in `overlay.yaml`, each with its
reason. Every row is checked against R4: what cannot be carried out is listed in the data file, with the reason.

https://github.com/HL7/v2-to-fhir (Apache-2.0)
"""

from __future__ import annotations

import argparse
import json
import lzma
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import astuple, dataclass, field, replace
from pathlib import Path
from typing import Any

import yaml

from adapters.hl7v2.mapping import assignments, conditions, paths, source
from adapters.hl7v2.mapping.primitives import PRIMITIVES
from adapters.hl7v2.mapping.scope import Reference
from adapters.hl7v2.mapping.source import Written

HERE = Path(__file__).parent
STRUCTURES = HERE.parents[2] / "records" / "definitions" / "data" / "structures.json.xz"
SOURCE = {
    "name": "HL7 v2-to-FHIR mapping tables",
    "url": "https://github.com/HL7/v2-to-fhir",
    "version": "tables of 2025-10-01",
    "license": "Apache-2.0",
}


class Unusable(Exception):
    """A row that cannot be carried out, with the reason."""


@dataclass(slots=True)
class Overlay:
    """Our corrections. `used` are the entries that met a row: one that meets none is an error of the overlay."""

    entries: list[dict[str, Any]]
    used: set[int] = field(default_factory=set)

    def of(self, row: Written) -> Iterator[dict[str, Any]]:
        """The entries about a row, in order."""
        for at, entry in enumerate(self.entries):
            if "add" not in entry and _meets(entry["of"], row):
                self.used.add(at)
                yield entry

    def added(self) -> Iterator[Written]:
        """Rows of our own."""
        for at, entry in enumerate(self.entries):
            for row in entry.get("add", ()):
                self.used.add(at)
                yield _added(row)

    def unused(self) -> list[Any]:
        """Entries that met nothing."""
        return [entry for at, entry in enumerate(self.entries) if at not in self.used]


def _meets(of: Mapping[str, Any], row: Written) -> bool:
    """An entry names tables, places, paths, conditions, narratives, assignments, any as one text or several."""
    for name, wanted in of.items():
        value = getattr(row, name)
        options = wanted if isinstance(wanted, list) else [wanted]
        if not any(value == one or (one.endswith("*") and value.startswith(one[:-1])) for one in options):
            return False
    return True


def _corrected(row: Written, entry: Mapping[str, Any]) -> tuple[Written, str]:
    """The row with an entry's corrections, and why it is left to code, "" where it is not."""
    row = replace(row, **entry.get("is", {}))
    for name, (pattern, replacement) in entry.get("sub", {}).items():
        row = replace(row, **{name: re.sub(pattern, replacement, getattr(row, name))})
    return row, entry.get("left", "")


def _own_components(row: Written) -> Written:
    """`CX.5` in the table of a segment is a component of the row's own field."""
    if not row.is_segment or not row.kind:
        return row
    return replace(row, condition=re.sub(rf"\b{row.kind}\.(\d+)", rf"{row.at}.\1", row.condition))


def _added(row: Mapping[str, str]) -> Written:
    table = row["table"]
    texts = {name: row.get(name, "") for name in ("at", "kind", "condition", "path", "through", "codes", "value")}
    is_segment = "-" in texts["at"] or row.get("segment") == "yes"
    return Written(table, is_segment, narrative="", **texts)


def main(arguments: Sequence[str] | None = None) -> None:
    """Read, correct, check, write; says what is left out."""
    parser = argparse.ArgumentParser(description="Compile the mapping tables.")
    parser.add_argument("--source", type=Path, required=True, help="folder of the guide's CSV files")
    parser.add_argument("--structures", type=Path, default=STRUCTURES, help="the compiled definitions of R4")
    parser.add_argument("--to", type=Path, default=HERE / "data" / "v2_to_fhir.json.xz")
    options = parser.parse_args(arguments)
    made = compiled(options.source, json.loads(lzma.decompress(options.structures.read_bytes())))
    text = json.dumps(made, ensure_ascii=False, sort_keys=True, separators=(",", ":"))
    options.to.write_bytes(lzma.compress(text.encode(), preset=9))
    for line in told(made):
        print(line)  # noqa: T201 - a command


def told(made: Mapping[str, Any]) -> Iterator[str]:
    """What a reader of the build wants to know."""
    rows = sum(len(table["rows"]) for table in made["tables"].values())
    for one in made["left"]:
        yield f"left: {one['table']} {one['at']} {one['path']}: {one['reason']}"
    share = rows / (rows + len(made["left"]))
    yield f"{len(made['tables'])} tables, {rows} rows, {len(made['left'])} left ({share:.1%} carried out)"
    yield f"{len(made['codes'])} tables of codes, {sum(len(c['targets']) for c in made['codes'].values())} codes"


def compiled(folder: Path, structures: Mapping[str, Any]) -> dict[str, Any]:
    """The content of the data file."""
    overlay = Overlay(yaml.safe_load((HERE / "overlay.yaml").read_text(encoding="utf-8")))
    codes = {_plain(name): {"system": system, "targets": targets} for name, system, targets in source.codes(folder)}
    written = [*source.rows(folder), *overlay.added()]
    builder = _Builder(structures, frozenset(row.table for row in written), codes)
    for row in written:
        builder.take(row, overlay)
    if overlay.unused():
        raise SystemExit(f"The overlay speaks of rows that are not there: {overlay.unused()}")
    choices = {kind: found for kind in sorted(builder.types()) if (found := _choices(structures.get(kind, {})))}
    return {
        "source": SOURCE, "tables": builder.tables, "codes": codes, "left": builder.left, "choices": choices,
        "names": source.names(folder),
    }  # fmt: skip


def _addresses(steps: Sequence[paths.Step]) -> bool:
    """The url of an extension, the system of a coding: what the sender's text can never be."""
    above = steps[-2].type if len(steps) > 1 else ""
    return bool(steps) and steps[-1].name in ("url", "system") and above in ("Extension", "Coding")


def _choices(structure: Mapping[str, Any]) -> list[str]:
    return [element["name"] for element in structure.get("elements", ()) if element.get("choice")]


def _plain(name: str) -> str:
    """`Yes/NoIndicator` is the file YesNoIndicator, `Contact Role` is ContactRole."""
    return name.replace("/", "").replace(" ", "")


class _Builder:
    """Collects rows that can be carried out, and those that cannot."""

    def __init__(self, structures: Mapping[str, Any], names: frozenset[str], codes: Mapping[str, Any]) -> None:
        self.structures, self.codes = structures, codes
        self.names = {name.lower(): name for name in names}
        self.tables: dict[str, Any] = {}
        self.left: list[dict[str, str]] = []

    def types(self) -> set[str]:
        """The resources, data types and parts of them that tables speak of."""
        rows = [row for table in self.tables.values() for row in table["rows"]]
        return {table["root"] for table in self.tables.values()} | {step[1] for row in rows for step in row["steps"]}

    def take(self, row: Written, overlay: Overlay) -> None:
        """One row, corrected and checked."""
        original, reason = row, ""
        for entry in overlay.of(original):
            row, left = _corrected(row, entry)
            reason = reason or left
        row = _own_components(row)
        try:
            if reason:
                raise Unusable(reason)
            made = self._made(row)
        except Unusable as error:
            self.left.append(
                {"table": original.table, "at": original.at, "path": original.path, "reason": str(error)}
            )
            return
        table = self.tables.setdefault(
            row.table, {"root": self._root(row.table), "segment": row.is_segment, "rows": []}
        )
        table["rows"].append(made)

    def _root(self, table: str) -> str:
        root = source.root_of(table)
        lowered = {name.lower(): name for name in self.structures}
        return lowered.get(root.lower(), root)

    def _made(self, row: Written) -> dict[str, Any]:
        """A row as data. Raises Unusable."""
        if row.narrative and not row.condition:
            raise Unusable(f"the condition is only told: {row.narrative}")
        steps, through = self._target(row)
        self._check_condition(row)
        self._check_value(row)
        codes = _plain(row.codes)
        if codes and codes not in self.codes:
            raise Unusable(f"no such table of codes: {row.codes}")
        # A table that the guide left empty maps nothing: the code stays as sent.
        codes = codes if codes and self.codes[codes]["targets"] else ""
        kind = steps[-1].type if steps else self._root(row.table)
        if not (through or row.value or codes or kind in PRIMITIVES or kind in _TEXTUAL):
            raise Unusable(f"no way from {row.kind or 'a text'} to {kind}")
        if through and not row.value:
            self._check_through(through, kind, steps)
        if row.is_segment and not (row.value or through) and _addresses(steps):
            raise Unusable("the guide names no address")
        texts = {
            "condition": row.condition, "through": "" if row.value else through, "codes": codes, "value": row.value,
        }  # fmt: skip
        return {
            "at": row.at, "path": row.path, "steps": [list(astuple(step)) for step in steps],
            **{name: text for name, text in texts.items() if text},
        }  # fmt: skip

    def _target(self, row: Written) -> tuple[tuple[paths.Step, ...], str]:
        """The steps, and the table of the data type, which may be meant without being named."""
        try:
            steps = paths.resolve(row.path, self._root(row.table), self.structures)
        except paths.NotAPath as error:
            raise Unusable(str(error)) from error
        kind = steps[-1].type if steps else self._root(row.table)
        through = row.through
        if through and through.lower() not in self.names:
            raise Unusable(f"no such table: {through}")
        if not through and not row.value and kind not in PRIMITIVES and f"{row.kind}[{kind}]".lower() in self.names:
            through = f"{row.kind}[{kind}]"
        through = self.names.get(through.lower(), "")
        target = source.root_of(through)
        if through and kind == "Reference" and self.structures.get(target, {}).get("kind") == "resource":
            steps = (*steps[:-1], replace(steps[-1], type=target, resource=target))
        return steps, through

    def _check_through(self, through: str, kind: str, steps: tuple[paths.Step, ...]) -> None:
        """What the table of a data type makes must be what the element takes."""
        root = self._root(through)
        same = {"SimpleQuantity": "Quantity", "Duration": "Quantity", "Age": "Quantity"}
        if root in PRIMITIVES and kind in PRIMITIVES:
            return
        if root in PRIMITIVES and kind in _TEXTUAL:
            return
        if same.get(root, root) != same.get(kind, kind):
            raise Unusable(f"{through} makes no {kind}")

    def _check_condition(self, row: Written) -> None:
        if not row.condition:
            return
        try:
            conditions.compiled(conditions.parse(row.condition), Reference.of(row.at) if row.at else Reference(""))
        except (conditions.NotACondition, ValueError) as error:
            raise Unusable(f"condition: {error}") from error

    def _check_value(self, row: Written) -> None:
        if not row.value:
            return
        try:
            assignments.compiled(row.value, in_type=not row.is_segment)
        except assignments.NotAnAssignment as error:
            raise Unusable(f"assignment: {error}") from error


_TEXTUAL = frozenset({"CodeableConcept", "Annotation", "Identifier", "Reference", "Coding"})


if __name__ == "__main__":
    main()
