"""
XML Patch: add, replace and remove nodes of the resource's XML, each place named by an XPath.

https://www.rfc-editor.org/rfc/rfc5261
"""

from __future__ import annotations

import copy
import re
from typing import Any

from lxml import etree

from hie.fhir.formats.from_xml import from_xml
from hie.fhir.formats.to_xml import to_xml
from records.errors import Invalid, NotUnderstood
from records.stored import Json, encode

MOST = 1_000
# A locator is a path of names with positions and equalities: no functions, no axes, no way to walk the whole document.
_NAME, _LITERAL = r"(?:[A-Za-z_][\w.\-]*:)?[A-Za-z_][\w.\-]*", r"(?:'[^']*'|\"[^\"]*\")"
_TEST = rf"\[(?:\d{{1,6}}|(?:@?{_NAME}(?:/@?{_NAME}){{0,8}}|\.)\s*=\s*{_LITERAL})\]"
_LOCATOR = re.compile(rf"/?(?:{_NAME}(?:{_TEST})*/)*(?:{_NAME}(?:{_TEST})*|@{_NAME}|{_NAME}\(\))")
_parser = etree.XMLParser(resolve_entities=False, no_network=True, huge_tree=False, remove_comments=True)


def apply(resource: Json, body: bytes) -> Json:
    """All operations or none; Invalid names the operation that does not fit."""
    root = etree.fromstring(to_xml(encode(resource)), _parser)
    operations = _operations(body)
    if len(operations) > MOST:
        raise Invalid(f"An XML Patch has at most {MOST} operations.", status=400)
    for number, operation in enumerate(operations):
        try:
            _apply(root, operation)
        except Invalid as error:
            raise Invalid(f"Operation {number + 1} of the patch: {error.text}") from error
    return from_xml(etree.tostring(root))


def _operations(body: bytes) -> list[Any]:
    try:
        root = etree.fromstring(body, _parser)
    except (etree.XMLSyntaxError, ValueError) as error:
        raise NotUnderstood("The patch is not well-formed XML.") from error
    if root.getroottree().docinfo.doctype or any(isinstance(one, etree._Entity) for one in root.iter()):
        raise NotUnderstood("A document type or an entity has no place in a patch.")
    return list(root)


def _apply(root: Any, operation: Any) -> None:
    node = _find(root, operation)
    match etree.QName(operation).localname:
        case "add":
            _add(node, operation)
        case "replace":
            _replace(node, operation)
        case "remove":
            _remove(node)
        case _:
            raise Invalid("An operation is one of add, replace, remove.")


def _find(root: Any, operation: Any) -> Any:
    """The one node that `sel` points at; prefixes are those of the patch, without one it is FHIR's."""
    locator = operation.get("sel", "")
    if not _LOCATOR.fullmatch(locator) or "()" in locator:
        raise Invalid("sel is a path of names with positions and equalities.")
    spaces = {prefix: uri for prefix, uri in operation.nsmap.items() if prefix} | {"fhir_": "http://hl7.org/fhir"}
    bare = re.compile(rf"{_LITERAL}|(?<![\w:@.\-])(?=[A-Za-z_])({_NAME})")
    path = bare.sub(lambda one: f"fhir_:{one[1]}" if one[1] and ":" not in one[1] else one[0], locator)
    try:
        found = root.getroottree().xpath(path if path.startswith("/") else f"/{path}", namespaces=spaces)
    except etree.XPathError as error:
        raise Invalid("sel is no XPath, or a prefix of it is not declared.") from error
    if len(found) != 1:
        raise Invalid(f"sel points at {len(found)} nodes, not at one.")
    return found[0]


def _add(node: Any, operation: Any) -> None:
    kind = operation.get("type", "")
    if isinstance(node, str):
        raise Invalid("A node is added to an element.")
    if kind.startswith("@"):
        node.set(kind[1:], (operation.text or "").strip())
        return
    position = operation.get("pos", "")
    if position in ("before", "after") and node.getparent() is None:
        raise Invalid("Nothing stands beside the resource.")
    added = [copy.deepcopy(one) for one in operation]
    match position:
        case "prepend":
            node[:0] = added
        case "before" | "after":
            parent = node.getparent()
            at = parent.index(node) + (position == "after")
            parent[at:at] = added
        case "":
            node.extend(added)
        case _:
            raise Invalid("pos is one of prepend, before, after.")


def _replace(node: Any, operation: Any) -> None:
    if (attribute := _attribute(node)) is not None:
        attribute.getparent().set(attribute.attrname, (operation.text or "").strip())
        return
    if len(operation) != 1 or node.getparent() is None:
        raise Invalid("An element is replaced by one element, and the resource by none.")
    node.getparent().replace(node, copy.deepcopy(operation[0]))


def _attribute(node: Any) -> Any:
    """An attribute comes as a text that knows its element; None for an element."""
    return node if isinstance(node, str) else None


def _remove(node: Any) -> None:
    if (attribute := _attribute(node)) is not None:
        del attribute.getparent().attrib[attribute.attrname]
    elif node.getparent() is None:
        raise Invalid("A patch does not remove the resource.")
    else:
        node.getparent().remove(node)
