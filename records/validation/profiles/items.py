"""
The elements of a resource with what each of them is: its type, and the structure that it is shaped like.

https://hl7.org/fhir/R4/json.html
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from typing import Any

from records.definitions import Element, Structure, definitions, official
from records.stored import Json
from records.validation.scope import Place, expression


@dataclass(frozen=True, slots=True)
class Item:
    """
    One element: `value` is its JSON (None where a primitive has only extensions, which are its `shadow`).

    `path` is where its definition stands ("Observation.component"), `node` the structure of what is inside,
    `resource` the resource around it (of what is contained: the one that contains), `root` what was sent.
    """

    value: Any
    type: str
    node: str
    path: str
    place: Place
    resource: Json
    root: Json
    shadow: Json | None = None

    @property
    def expression(self) -> str:
        """Where it is, as an issue says it."""
        return expression(self.place)

    @property
    def content(self) -> Json:
        """The object with members: of a primitive, its id and extensions."""
        found = self.value if isinstance(self.value, dict) else self.shadow
        return found if isinstance(found, dict) else {}


def root_of(resource: Json) -> Item:
    """The resource itself."""
    kind = str(resource["resourceType"])
    return Item(resource, kind, kind, kind, (None, kind, -1), resource, resource)


def children(item: Item) -> Iterator[Item]:
    """Every element directly inside, in the order of the JSON; what no structure knows is passed over."""
    members = item.content
    structure = _structure(item.node if isinstance(item.value, dict) else "Element")
    if structure is None:
        return
    for name in members:
        plain = name.removeprefix("_")
        if plain != name and plain in members:
            continue
        element = structure.elements.get(plain)
        if element is not None:
            yield from _of(item, structure, plain, element, members)


def named(item: Item, name: str) -> list[Item]:
    """The elements of that name: `value[x]` for a choice in any type, `valueQuantity` for one of its types."""
    base = name.removesuffix("[x]")
    structure = _structure(item.node if isinstance(item.value, dict) else "Element")
    members = item.content
    if structure is None or not members:
        return []
    if base == name and base in structure.elements:
        return list(_of(item, structure, base, structure.elements[base], members))
    return [
        one
        for json_name in _names(structure.name, base)
        for one in _of(item, structure, json_name, structure.elements[json_name], members)
    ]


def every(item: Item) -> Iterator[Item]:
    """The item and everything in it."""
    yield item
    for one in children(item):
        yield from every(one)


@cache
def _names(structure: str, base: str) -> tuple[str, ...]:
    return tuple(name for name, one in official().structure(structure).elements.items() if one.name == base)


def _structure(name: str) -> Structure | None:
    try:
        return definitions().structure(name)
    except KeyError:
        return None


def _of(item: Item, structure: Structure, name: str, element: Element, members: Json) -> Iterator[Item]:
    value, shadow = members.get(name), members.get(f"_{name}")
    if value is None and shadow is None:
        return
    if isinstance(value, list) or isinstance(shadow, list):
        values = value if isinstance(value, list) else []
        shadows = shadow if isinstance(shadow, list) else []
        for index in range(max(len(values), len(shadows))):
            yield _one(item, structure, name, element, (_at(values, index), _at(shadows, index), index))
    else:
        yield _one(item, structure, name, element, (value, shadow, -1))


def _at(found: list[Any], index: int) -> Any:
    return found[index] if index < len(found) else None


def _one(item: Item, structure: Structure, name: str, element: Element, found: tuple[Any, Any, int]) -> Item:
    value, shadow, index = found
    place = (item.place, name, index)
    kind = element.type_of(name) or "BackboneElement"
    node = element.reference or element.node or kind
    path = f"{structure.name}.{element.name}{'[x]' if element.choice else ''}"
    own = shadow if isinstance(shadow, dict) else None
    if kind != "Resource":
        return Item(value, kind, node, path, place, item.resource, item.root, own)
    kind = str(value.get("resourceType", "")) if isinstance(value, dict) else ""
    # What is no type of R4 is the sender's text, which no finding repeats.
    kind = kind if definitions().is_resource(kind) else ""
    around = item.resource if name == "contained" or not isinstance(value, dict) else value
    return Item(value, kind, kind, path, place, around, item.root)
