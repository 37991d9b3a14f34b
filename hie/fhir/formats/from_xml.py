"""
XML to a resource in JSON: element by element as the definitions name them; decimals keep their digits.

https://hl7.org/fhir/R4/xml.html
"""

from __future__ import annotations

import re
from decimal import Decimal
from typing import Any

from lxml import etree

from records.definitions import Element, Structure, definitions
from records.errors import NotUnderstood
from records.stored import Json

FHIR, XHTML = "{http://hl7.org/fhir}", "{http://www.w3.org/1999/xhtml}"
WHOLE = frozenset({"integer", "unsignedInt", "positiveInt"})
_INTEGER, _DECIMAL = re.compile(r"-?\d{1,20}"), re.compile(r"-?\d+(?:\.\d+)?(?:[eE][+-]?\d{1,3})?")


def from_xml(body: bytes) -> Json:
    """The resource; NotUnderstood for what is no FHIR XML, or declares entities or a document type."""
    parser = etree.XMLParser(
        resolve_entities=False, no_network=True, huge_tree=False, remove_comments=True, remove_pis=True
    )
    try:
        root = etree.fromstring(body, parser)
    except (etree.XMLSyntaxError, ValueError) as error:
        raise NotUnderstood("The body is not well-formed XML.") from error
    if root.getroottree().docinfo.doctype or any(isinstance(one, etree._Entity) for one in root.iter()):
        raise NotUnderstood("A document type or an entity has no place in FHIR XML.")
    return _resource(root)


def _resource(node: Any) -> Json:
    name = _name(node)
    if not definitions().is_resource(name):
        raise NotUnderstood(f"{name[:64]} is no resource of FHIR R4.")
    return {"resourceType": name, **_object(definitions().structure(name), node)}


def _name(node: Any) -> str:
    if not isinstance(node.tag, str) or not node.tag.startswith(FHIR):
        raise NotUnderstood("Every element is in the namespace http://hl7.org/fhir.")
    return str(node.tag.removeprefix(FHIR))


def _object(structure: Structure, node: Any) -> Json:
    """An element with members; attributes are members too (`id`, and the `url` of an extension)."""
    found: Json = {str(name): str(value) for name, value in node.attrib.items() if not name.startswith("{")}
    for child in node:
        if child.tag == f"{XHTML}div":
            found["div"] = etree.tostring(child, encoding="unicode", with_tail=False)
            continue
        name = _name(child)
        element = structure.elements.get(name)
        if element is None:
            raise NotUnderstood(f"{structure.name} has no element {name[:64]!r}.")
        _take(found, element, name, child)
    return found


def _take(found: Json, element: Element, name: str, child: Any) -> None:
    kind = element.type_of(name)
    if kind == "Resource":
        if len(child) != 1:
            raise NotUnderstood("An element that holds a resource holds exactly one.")
        _put(found, element, name, _resource(child[0]))
    elif element.reference or element.node:
        _put(found, element, name, _object(definitions().structure(element.reference or element.node), child))
    elif definitions().structure(kind).kind == "primitive-type":
        _primitive(found, element, name, kind, child)
    else:
        _put(found, element, name, _object(definitions().structure(kind), child))


def _put(found: Json, element: Element, name: str, value: Any) -> None:
    if element.max != 1:
        found.setdefault(name, []).append(value)
    elif name in found:
        raise NotUnderstood(f"The element {name[:64]!r} does not repeat.")
    else:
        found[name] = value


def _primitive(found: Json, element: Element, name: str, kind: str, child: Any) -> None:
    """The value, and beside it `_name` where there is an id or an extension."""
    text = child.attrib.get("value")
    value = None if text is None else _value(kind, str(text))
    rest = _object(definitions().structure("Element"), child)
    rest.pop("value", None)
    if element.max == 1:
        if value is not None:
            _put(found, element, name, value)
        if rest:
            found[f"_{name}"] = rest
        return
    values = found.setdefault(name, [])
    values.append(value)
    shadow = f"_{name}"
    if rest or shadow in found:
        entries = found.setdefault(shadow, [None] * (len(values) - 1))
        entries.append(rest or None)


def _value(kind: str, text: str) -> Any:
    if kind == "boolean" and text in ("true", "false"):
        return text == "true"
    if kind in WHOLE and _INTEGER.fullmatch(text):
        return int(text)
    if kind == "decimal" and _DECIMAL.fullmatch(text):
        return Decimal(text)
    return text
