"""
The elements of a definition as a tree: those of its snapshot, or its differential laid over the tree of its base.

R4's base definitions bring an empty tree: what they ask is asked of every resource anyway.
https://hl7.org/fhir/R4/profiling.html#snapshot
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field

from records.definitions import official
from records.stored import Json
from records.validation.profiles.rules import Unusable

BASE = "http://hl7.org/fhir/StructureDefinition/"
DEEPEST = 10
Segment = tuple[str, str]
Find = Callable[[str], Json | None]


@dataclass(slots=True)
class Draft:
    """One node of a tree in the making: the merged ElementDefinition, its children and its slices."""

    element: Json = field(default_factory=dict)
    children: dict[str, Draft] = field(default_factory=dict)
    slices: dict[str, Draft] = field(default_factory=dict)

    def at(self, path: Sequence[Segment]) -> Draft:
        """The node at a path, made where it is not there."""
        found = self
        for name, slice_name in path:
            found = found.children.setdefault(name, Draft())
            if slice_name:
                found = found.slices.setdefault(slice_name, Draft())
        return found


def draft(definition: Json, find: Find, depth: int = 0) -> Draft:
    """The whole tree of a profile; Unusable where a base is missing, or goes round in a circle."""
    if depth > DEEPEST:
        raise Unusable("its base definitions go round in a circle, or too deep")
    snapshot = definition.get("snapshot", {}).get("element")
    if snapshot:
        return _laid(Draft(), snapshot)
    elements = definition.get("differential", {}).get("element")
    if not elements:
        raise Unusable("it has neither a snapshot nor a differential")
    return _laid(_base(definition, find, depth), elements)


def is_base(url: str) -> bool:
    """Whether an address is that of a type of R4 itself."""
    name = url.partition("|")[0].removeprefix(BASE)
    try:
        official().structure(name)
    except KeyError:
        return False
    return url.startswith(BASE)


def _base(definition: Json, find: Find, depth: int) -> Draft:
    url = definition.get("baseDefinition", "")
    if is_base(url):
        return Draft()
    found = find(url)
    if found is None:
        raise Unusable(f"its base {url} is not known")
    if found.get("type") != definition.get("type"):
        raise Unusable(f"its base {url} is of another type")
    return draft(found, find, depth + 1)


def _laid(tree: Draft, elements: Sequence[Json]) -> Draft:
    for element, path in zip(elements, _paths(elements), strict=True):
        node = tree.at(path)
        # Rules add up; everything else is said anew by the narrower definition.
        rules = {one.get("key"): one for one in node.element.get("constraint", ())}
        rules |= {one.get("key"): one for one in element.get("constraint", ())}
        node.element = node.element | element | ({"constraint": list(rules.values())} if rules else {})
    return tree


def _paths(elements: Sequence[Json]) -> Iterator[list[Segment]]:
    """Where each element is, below the root: from its id, or from path and the slice names before it."""
    open_slices: dict[str, str] = {}
    for element in elements:
        path, slice_name = str(element.get("path", "")), str(element.get("sliceName", ""))
        if "/" in slice_name:
            raise Unusable(f"it slices a slice again ({element.get('id') or path}), which is not supported")
        open_slices = {at: name for at, name in open_slices.items() if path.startswith(f"{at}.")}
        if slice_name:
            open_slices[path] = slice_name
        yield _from_id(element["id"]) if element.get("id") else _from_path(path, open_slices)


def _from_id(identity: str) -> list[Segment]:
    parts = [one.partition(":") for one in identity.split(".")[1:]]
    if any("/" in name for _, _, name in parts):
        raise Unusable(f"it slices a slice again ({identity}), which is not supported")
    return [(name, slice_name) for name, _, slice_name in parts]


def _from_path(path: str, open_slices: dict[str, str]) -> list[Segment]:
    names = path.split(".")
    return [(name, open_slices.get(".".join(names[: at + 2]), "")) for at, name in enumerate(names[1:])]
