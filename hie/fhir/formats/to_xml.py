"""
A resource in JSON to XML: members in the order of the definitions, primitives as attributes.

https://hl7.org/fhir/R4/xml.html
"""

from __future__ import annotations

from collections.abc import Iterator
from decimal import Decimal
from itertools import zip_longest
from typing import Any

from lxml import etree

from records.definitions import Element, Structure, definitions
from records.stored import Json, decode
from records.validation.narrative import xml

FHIR = "http://hl7.org/fhir"
_parser = etree.XMLParser(resolve_entities=False, no_network=True, huge_tree=False)


def to_xml(body: bytes, *, pretty: bool = False) -> bytes:
    """JSON of a resource to an XML document in UTF-8."""
    root = _resource(decode(body))
    written: bytes = etree.tostring(root, encoding="UTF-8", xml_declaration=True, pretty_print=pretty)
    return written


def _resource(found: Json) -> Any:
    name = str(found["resourceType"])
    node = etree.Element(f"{{{FHIR}}}{name}", nsmap={None: FHIR})
    # The id of a resource is an element; that of an element is an attribute.
    _fill(node, definitions().structure(name), found, attributes=())
    return node


def _fill(node: Any, structure: Structure, found: Json, attributes: tuple[str, ...] = ("id",)) -> None:
    for name in attributes:
        if name in found:
            node.set(name, str(found[name]))
    for name, element in structure.elements.items():
        if name in attributes or (name not in found and f"_{name}" not in found):
            continue
        for value, shadow in _pairs(found.get(name), found.get(f"_{name}")):
            _append(node, element, name, value, shadow)


def _pairs(value: Any, shadow: Any) -> Iterator[tuple[Any, Any]]:
    """Each value with its `_name` entry."""
    if isinstance(value, list) or isinstance(shadow, list):
        yield from zip_longest(value or [], shadow or [])
    else:
        yield value, shadow


def _append(parent: Any, element: Element, name: str, value: Any, shadow: Any) -> None:
    kind = element.type_of(name)
    if kind == "xhtml":
        parent.append(etree.fromstring(xml(str(value)).encode(), _parser))
        return
    node = etree.SubElement(parent, f"{{{FHIR}}}{name}")
    if kind == "Resource":
        node.append(_resource(value))
    elif element.reference or element.node:
        _fill(node, definitions().structure(element.reference or element.node), value)
    elif definitions().structure(kind).kind == "primitive-type":
        if value is not None:
            node.set("value", _text(value))
        if shadow:
            _fill(node, definitions().structure("Element"), shadow)
    else:
        _fill(node, definitions().structure(kind), value, ("id", "url") if kind == "Extension" else ("id",))


def _text(value: Any) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    # Written out, 1E+9 would claim ten digits; 1E-9 claims what it says.
    return f"{value:f}" if isinstance(value, Decimal) and int(value.as_tuple().exponent) <= 0 else str(value)
