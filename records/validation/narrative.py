"""
Narrative: the safe part of XHTML, which a page may show as it is.

Elements and attributes are those of invariant txt-1; scripts and script addresses are refused besides.
https://hl7.org/fhir/R4/narrative.html#rules
"""

from __future__ import annotations

import html
import re
from typing import Any

from lxml import etree

XHTML = "{http://www.w3.org/1999/xhtml}"
_ELEMENTS = """
a abbr acronym b big blockquote br caption cite code col colgroup dd dfn div dl dt em h1 h2 h3 h4 h5 h6 hr i img li ol
p pre q samp small span strong sub sup table tbody td tfoot th thead tr tt ul var
"""
_ATTRIBUTES = """
abbr accesskey align alt axis bgcolor border cellhalign cellpadding cellspacing cellvalign char charoff charset cite
class colspan compact coords dir frame headers height href hreflang hspace id lang longdesc name nowrap rel rev rowspan
rules scope shape span src start style summary tabindex title type valign value vspace width
{http://www.w3.org/XML/1998/namespace}lang {http://www.w3.org/XML/1998/namespace}space
"""
ELEMENTS, ATTRIBUTES = frozenset(_ELEMENTS.split()), frozenset(_ATTRIBUTES.split())
SCHEMES = frozenset({"ftp", "http", "https", "mailto", "tel", "urn"})
IMAGES = ("data:image/png", "data:image/gif", "data:image/jpeg", "data:image/webp")
ADDRESSES = frozenset({"href", "cite", "longdesc"})
_SCHEME = re.compile(r"([^/?#]*?):")
_INVISIBLE = re.compile(r"[\s\x00-\x1f\u00ad\u200b-\u200f\ufeff]")
_STYLE_ADDRESS = re.compile(r"url\(['\"]?([^)]*)")
_ACTIVE_STYLE = re.compile(r"[\\@<]|expression\(|behaviou?r:|binding:")
_COMMENT = re.compile(r"/\*.*?\*/", re.DOTALL)
_ENTITY = re.compile(r"&([A-Za-z]+);")
_XML_ENTITIES = frozenset({"lt", "gt", "amp", "quot", "apos"})
_parser = etree.XMLParser(resolve_entities=False, no_network=True, load_dtd=False, huge_tree=False)


def narrative(value: Any) -> bool:
    """Whether this is a div in XHTML that holds nothing but text, its form, images and links."""
    if type(value) is not str or "<!DOCTYPE" in value or "<!ENTITY" in value:
        return False
    try:
        root = etree.fromstring(xml(value), _parser)
    except (etree.XMLSyntaxError, ValueError):
        return False
    return root.tag == f"{XHTML}div" and all(map(_safe, root.iter())) and _says_something(root)


def xml(div: str) -> str:
    """A div as XML reads it: entities that only HTML knows are written out."""
    return _ENTITY.sub(_named, div)


def _named(found: re.Match[str]) -> str:
    """`&nbsp;` is HTML's, not XML's; senders write it all the same."""
    meant = html.unescape(found[0])
    return found[0] if found[1] in _XML_ENTITIES or meant == found[0] else meant


def _safe(element: etree._Element) -> bool:
    if not isinstance(element.tag, str):
        return element.tag is etree.Comment
    known = element.tag.startswith(XHTML) and element.tag.removeprefix(XHTML) in ELEMENTS
    return known and all(name in ATTRIBUTES and _passive(name, value) for name, value in element.attrib.items())


def _passive(name: str, value: str) -> bool:
    plain = _INVISIBLE.sub("", value).lower()
    if name == "style":
        plain = _COMMENT.sub("", plain)
        return not _ACTIVE_STYLE.search(plain) and all(map(_shows, _STYLE_ADDRESS.findall(plain)))
    if name == "src":
        return _shows(plain)
    return name not in ADDRESSES or _leads(plain)


def _leads(address: str) -> bool:
    scheme = _SCHEME.match(address)
    return scheme is None or scheme[1] in SCHEMES


def _shows(address: str) -> bool:
    return address.startswith(IMAGES) or _leads(address)


def _says_something(root: etree._Element) -> bool:
    return any(text.strip() for text in root.itertext()) or root.find(f".//{XHTML}img") is not None
