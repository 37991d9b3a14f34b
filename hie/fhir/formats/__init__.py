"""
The formats on the wire: JSON as it is stored, XML by the same definitions.

https://hl7.org/fhir/R4/http.html#mime-type
"""

from __future__ import annotations

from typing import Literal

from hie.errors import HieError

Format = Literal["json", "xml"]
JSON, XML = "application/fhir+json", "application/fhir+xml"
JSON_TYPES = frozenset({JSON, "application/json", "text/json", "application/json+fhir"})
XML_TYPES = frozenset({XML, "application/xml", "text/xml", "application/xml+fhir"})
WILD = frozenset({"*/*", "application/*", "text/*"})
# A browser's address line asks for pages: it gets JSON to read.
_SPOKEN: dict[str, Format] = {
    **dict.fromkeys((*JSON_TYPES, *WILD, "json", "text/html"), "json"), **dict.fromkeys((*XML_TYPES, "xml"), "xml"),
}  # fmt: skip
CONTENT_TYPES: dict[Format, str] = {"json": f"{JSON}; charset=utf-8", "xml": f"{XML}; charset=utf-8"}


class NotAcceptable(HieError):
    """The client wants a format that is not spoken here."""

    issue = "not-supported"
    status = 406


def bare(content_type: str) -> str:
    """A media type without parameters, in lower case."""
    return content_type.partition(";")[0].strip().lower()


def wanted(asked: str | None, accept: str | None) -> Format:
    """
    The format of the answer: `_format` first, then the Accept header by its weights; NotAcceptable where none fits.

    A plus sign in an address reads as a blank: `application/fhir xml` is meant as it was written.
    """
    if asked:
        offers = [bare(asked).replace(" ", "+")]
    else:
        offers = [bare(part) for part in sorted((accept or "*/*").split(","), key=_weight, reverse=True)]
    for offer in offers:
        if (found := _SPOKEN.get(offer)) is not None:
            return found
    raise NotAcceptable(f"This server speaks {JSON} and {XML}.")


def _weight(part: str) -> float:
    for parameter in part.split(";")[1:]:
        name, _, value = parameter.strip().partition("=")
        if name == "q":
            try:
                return float(value)
            except ValueError:
                return 0.0
    return 1.0
