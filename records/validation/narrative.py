"""
Narrative: the small part of XHTML that FHIR allows, and nothing that could run.

https://hl7.org/fhir/R4/narrative.html#xhtml
"""

from __future__ import annotations

from typing import Any

from lxml import etree

XHTML = "{http://www.w3.org/1999/xhtml}"
_ELEMENTS = """
div p br span b i em strong small big tt sub sup u s strike del ins abbr acronym address blockquote cite code dfn
kbd pre q samp var h1 h2 h3 h4 h5 h6 ul ol li dl dt dd hr table caption col colgroup thead tbody tfoot tr th td a
img center bdo font map area
"""
_ATTRIBUTES = """
title style class id lang dir accesskey tabindex span width align valign char charoff abbr axis headers scope
rowspan colspan href hreflang name rel rev src alt longdesc height cellspacing cellpadding border frame rules
summary start type value cite datetime shape coords usemap ismap size color face noshade nowrap bgcolor compact
clear reversed
"""
ELEMENTS, ATTRIBUTES = frozenset(_ELEMENTS.split()), frozenset(_ATTRIBUTES.split())
SCHEMES = ("http:", "https:", "mailto:", "tel:", "urn:", "data:image/", "#", "/")
_parser = etree.XMLParser(resolve_entities=False, no_network=True, huge_tree=False)


def is_safe(value: Any) -> bool:
    """A well-formed div with some content, of allowed elements and attributes only."""
    if not isinstance(value, str) or "<!" in value.replace("<!--", ""):
        return False
    try:
        root = etree.fromstring(value.encode(), _parser)
    except (etree.XMLSyntaxError, ValueError):
        return False
    return root.tag == f"{XHTML}div" and all(map(_allowed, root.iter()))


def _allowed(element: Any) -> bool:
    if not isinstance(element.tag, str):
        # A comment; processing instructions have no place in it.
        return element.tag is etree.Comment
    name = element.tag.removeprefix(XHTML)
    return name in ELEMENTS and all(_allowed_attribute(key, value) for key, value in element.attrib.items())


def _allowed_attribute(name: str, value: str) -> bool:
    if name.startswith("{http://www.w3.org/XML/1998/namespace}"):
        return True
    if name not in ATTRIBUTES:
        return False
    if name in ("href", "src", "cite", "longdesc"):
        plain = "".join(value.split()).lower()
        return plain.startswith(SCHEMES) or ":" not in plain.partition("/")[0]
    return True
