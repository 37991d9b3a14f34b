"""
Compile hl7apy's tables of one version into ours: once, at its first message or before.

https://github.com/crs4/hl7apy (MIT)
"""

from __future__ import annotations

import importlib
from collections.abc import Iterable, Mapping
from functools import cache
from typing import Any

from adapters.hl7v2.grammar.datatypes import leaf_of
from adapters.hl7v2.grammar.model import UNBOUNDED, Child, Datatype, Grammar, Leaf, Node, SegmentRule

# 0396 names coding systems, and leaves L and 99... to everyone; 0291 takes every subtype of MIME (PDF).
OPEN_TABLES = frozenset({"HL70396", "HL70291"})
# Where a group takes whatever stands there: what no place takes stays in the open group all the same.
ANY = "ANYHL7SEGMENT"
Reference = Any  # hl7apy: (kind, children, ...) of nested tuples and lists


@cache
def grammar(version: str) -> Grammar:
    """The grammar of a known version (`nearest` finds one)."""
    package = f"hl7apy.v{version.replace('.', '_')}"
    messages, segments, datatypes = (
        importlib.import_module(f"{package}.{name}") for name in ("messages", "segments", "datatypes")
    )
    compiler = _Datatypes(_tables(package))
    groups: dict[str, Node] = {}
    return Grammar(
        version,
        {name: _node(name, reference, groups) for name, reference in messages.MESSAGES.items()},
        groups,
        {name: _segment(name, reference, compiler) for name, reference in segments.SEGMENTS.items()},
        compiler.standalone(datatypes.DATATYPES_STRUCTS),
    )


def warm(versions: Iterable[str] = ("2.3", "2.3.1", "2.4", "2.5.1")) -> None:
    """Compile the usual versions before the first message waits for them; a fifth of a second each."""
    for version in versions:
        grammar(version)


def _tables(package: str) -> Mapping[str, frozenset[str]]:
    """Values by table; versions 2.1 and 2.2 come without."""
    try:
        module = importlib.import_module(f"{package}.tables")
    except ModuleNotFoundError:
        return {}
    return {name: frozenset(values) for name, (_, values) in module.TABLES.items()}


def _node(name: str, reference: Reference, groups: dict[str, Node]) -> Node:
    kind, listed = reference
    children = tuple(
        Child(child, least, UNBOUNDED if most < 0 else most, _group(child, inner, groups) if sort == "GRP" else None)
        for child, inner, (least, most), sort in listed
        if child != ANY
    )
    choice = kind == "choice"
    return Node(
        name, children, choice, _first(children, choice), frozenset().union(*(child.inside for child in children)),
        _places([child.first for child in children]), _places([child.inside for child in children]),
        () if choice else tuple(child for child in _together(children) if child.least),
        tuple(child for child in _together(children) if child.most < UNBOUNDED),
    )  # fmt: skip


def _together(children: tuple[Child, ...]) -> Iterable[Child]:
    """Places of one name as one: ADT^A17 has two patients, each once."""
    found: dict[str, Child] = {}
    for child in children:
        if known := found.get(child.name):
            most = min(known.most + child.most, UNBOUNDED)
            found[child.name] = Child(child.name, known.least + child.least, most, child.group)
        else:
            found[child.name] = child
    return found.values()


def _group(name: str, reference: Reference, groups: dict[str, Node]) -> Node:
    if name not in groups:
        groups[name] = _node(name, reference, groups)
    return groups[name]


def _first(children: tuple[Child, ...], choice: bool) -> frozenset[str]:
    """What a group can begin with: everything up to its first required child."""
    found: set[str] = set()
    for child in children:
        found |= child.first
        if child.least and not choice:
            break
    return frozenset(found)


def _places(sets: list[frozenset[str]]) -> Mapping[str, tuple[int, ...]]:
    found: dict[str, tuple[int, ...]] = {}
    for place, names in enumerate(sets):
        for name in names:
            found[name] = (*found.get(name, ()), place)
    return found


def _segment(name: str, reference: Reference, compiler: _Datatypes) -> SegmentRule:
    fields = _positioned(reference)
    return SegmentRule(
        name,
        # MSH-1 and MSH-2 are checked where the message is divided.
        tuple(at for at, (_, least, _) in enumerate(fields) if least and not (name == "MSH" and at < 2)),
        tuple(most if most > 0 else UNBOUNDED for _, _, most in fields),
        tuple(None if name == "MSH" and at < 2 else compiler.of(field) for at, (field, _, _) in enumerate(fields)),
        bool(fields) and (fields[-1][0] is None or fields[-1][0][2] in (None, "varies")),
    )


def _positioned(reference: Reference) -> list[tuple[Reference, int, int]]:
    """Fields by their number: the tables leave out withdrawn ones, which then take anything."""
    numbered = {int(field.rpartition("_")[2]): (inner, *limits) for field, inner, limits, _ in _listed(reference)}
    return [numbered.get(number, (None, 0, -1)) for number in range(1, max(numbered, default=0) + 1)]


def _listed(reference: Reference) -> Reference:
    """The fields of a segment; a few entries of the tables have lost a level of brackets, or have no field."""
    if not reference or reference[0] != "sequence":
        return [field for field in reference if len(field) == 4]
    return reference[1] if len(reference) > 1 else ()


class _Datatypes:
    """Compiles data types; equal ones with the same table are one object."""

    def __init__(self, tables: Mapping[str, frozenset[str]]) -> None:
        self._tables = tables
        self._leaves: dict[tuple[str, str | None], Leaf | None] = {}
        self._known: dict[tuple[str, str | None], Datatype | None] = {}

    def of(self, reference: Reference) -> Datatype | None:
        """The checks of a field: (kind, components, data type, name, table, length)."""
        kind, components, name, _, table, *_ = reference or ("leaf", None, None, None, None)
        if name in (None, "varies", "WD"):
            return None
        key = (name, table if kind == "leaf" else None)
        if key not in self._known:
            self._known[key] = self._compile(kind, components, name, table)
        return self._known[key]

    def _compile(self, kind: str, components: Reference, name: str, table: str | None) -> Datatype | None:
        if kind == "leaf" or not components:
            # CM was a composite without a definition: anything may be in it.
            return None if name == "CM" else Datatype(name, self._leaf(name, table), simple=True)
        parts = self._parts(components)
        return _composite(name, parts) if parts else None

    def _leaf(self, name: str, table: str | None) -> Leaf | None:
        key = (name, table)
        if key not in self._leaves:
            values = frozenset() if table in OPEN_TABLES else self._tables.get(table or "")
            self._leaves[key] = leaf_of(name, values)
        return self._leaves[key]

    def _parts(self, components: Reference) -> tuple[tuple[int, int, Leaf], ...]:
        found: list[tuple[int, int, Leaf]] = []
        for label, (kind, inner, name, _, table, *_), _, _ in components:
            # By its number: the tables of 2.6 leave out XTN.1.
            at = int(label.rpartition("_")[2]) - 1
            if kind == "leaf" or not inner:
                subs = [(0, self._leaf(name, table))]
            else:
                subs = [(sub, self._leaf(ref[2], ref[4])) for sub, (_, ref, _, _) in enumerate(inner)]
            found += [(at, sub, leaf) for sub, leaf in subs if leaf]
        return tuple(found)

    def standalone(self, structures: Mapping[str, Reference]) -> Mapping[str, Datatype]:
        """Data types by name, for OBX-5."""
        primitives = ("ST", "TX", "FT", "NM", "SI", "DT", "TM", "TS", "DTM", "ID", "IS", "TN")
        found = {name: Datatype(name, self._leaf(name, None), simple=True) for name in primitives}
        found |= {name: _composite(name, self._parts(components)) for name, components in structures.items()}
        return found


def _composite(name: str, parts: tuple[tuple[int, int, Leaf], ...]) -> Datatype:
    first = next((leaf for component, subcomponent, leaf in parts if component == subcomponent == 0), None)
    return Datatype(name, parts=parts, alone=first)
