"""
The formats on the wire: JSON as it is stored, XML by the same definitions; which one a client asks for and sends.

https://hl7.org/fhir/R4/http.html#mime-type
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache
from typing import Literal

from hie.errors import HieError, Unsupported

Format = Literal["json", "xml"]
JSON, XML = "application/fhir+json", "application/fhir+xml"
JSON_TYPES = frozenset({JSON, "application/json", "text/json", "application/json+fhir"})
XML_TYPES = frozenset({XML, "application/xml", "text/xml", "application/xml+fhir"})
WILD = frozenset({"*/*", "application/*", "text/*"})
# Who asks by the general name of a format gets it back under that name.
GENERAL = frozenset({"application/json", "text/json", "application/xml", "text/xml"})
UTF8 = frozenset({"utf-8", "utf8", "unicode-1-1-utf-8"})
VERSION = "4.0"
# A browser's address line asks for pages: it gets JSON to read.
_SPOKEN: dict[str, Format] = {
    **dict.fromkeys((*JSON_TYPES, *WILD, "json", "text/html"), "json"), **dict.fromkeys((*XML_TYPES, "xml"), "xml"),
}  # fmt: skip


class NotAcceptable(HieError):
    """The client wants a format that is not spoken here."""

    issue = "not-supported"
    status = 406


@dataclass(frozen=True, slots=True)
class Spoken:
    """The format of an answer, and the media type that it is announced with."""

    format: Format
    content_type: str


PLAIN = Spoken("json", f"{JSON}; charset=utf-8")


@dataclass(frozen=True, slots=True)
class _Offer:
    """One media range of an Accept header."""

    name: str
    parameters: dict[str, str]

    @property
    def weight(self) -> float:
        try:
            return float(self.parameters.get("q", "1"))
        except ValueError:
            return 0.0


def bare(content_type: str) -> str:
    """A media type without parameters, in lower case."""
    return content_type.partition(";")[0].strip().lower()


@lru_cache(maxsize=256)
def wanted(asked: str | None, accept: str | None) -> Spoken:
    """
    The format of the answer: `_format` first, then the Accept header by its weights; NotAcceptable where none fits.

    A plus sign in an address reads as a blank: `application/fhir xml` is meant as it was written.
    """
    # An Accept header that was sent empty says nothing, as an absent one.
    text = asked.replace(" ", "+") if asked else (accept or "").strip() or "*/*"
    offers = [one for one in _offers(text) if one.weight > 0]
    for offer in sorted(offers, key=lambda one: one.weight, reverse=True):
        found = _SPOKEN.get(offer.name)
        if found is not None and _ours(offer.parameters) and offer.parameters.get("charset", "utf-8").lower() in UTF8:
            return _announced(found, offer, echo=not asked)
    raise NotAcceptable(f"This server speaks {JSON} and {XML} of FHIR {VERSION}, in UTF-8.")


def _announced(found: Format, offer: _Offer, *, echo: bool) -> Spoken:
    name = offer.name if echo and offer.name in GENERAL else JSON if found == "json" else XML
    version = f"; fhirVersion={VERSION}" if "fhirversion" in offer.parameters else ""
    return Spoken(found, f"{name}; charset=utf-8{version}")


def _offers(text: str) -> Iterator[_Offer]:
    for part in text.split(","):
        if part.strip():
            yield _Offer(bare(part), _parameters(part))


def _parameters(part: str) -> dict[str, str]:
    pairs = (one.strip().partition("=") for one in part.split(";")[1:])
    return {name.strip().lower(): value.strip().strip('"') for name, _, value in pairs}


def _ours(parameters: dict[str, str]) -> bool:
    """True where the release of FHIR is ours, or not named."""
    return parameters.get("fhirversion", VERSION) in (VERSION, "4.0.1", "4.0.0")


@lru_cache(maxsize=256)
def sent(content_type: str) -> str:
    """The bare media type of a body; Unsupported for another character set or another release of FHIR."""
    parameters = _parameters(content_type)
    if parameters.get("charset", "utf-8").lower() not in UTF8:
        raise Unsupported("A body of FHIR is in UTF-8.")
    if not _ours(parameters):
        raise Unsupported(f"This server takes FHIR {VERSION}.")
    return bare(content_type)


def speaks_utf8(accept_charset: str) -> bool:
    """False for a client that takes everything but UTF-8."""
    ranges = {one.name: one.weight for one in _offers(accept_charset)}
    return next((ranges[name] > 0 for name in ("utf-8", "utf8", "*") if name in ranges), not ranges)
