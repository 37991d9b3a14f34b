"""
What has to be known of a receiver to write for it: name, version, character set, separators, names of authorities.

HL7 v2 MSH-5, MSH-6, MSH-12, MSH-15, MSH-16, MSH-18
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from adapters.hl7v2.charset import codec_of
from adapters.hl7v2.escape import DEFAULT, EncodingCharacters
from adapters.hl7v2.grammar.versions import USUAL, nearest, parts


@dataclass(frozen=True, slots=True)
class Receiver:
    """
    One receiving application.

    `charset` is the name that goes into MSH-18 (where `declares` is true); `namespaces` maps identifier systems (URI)
    to the receiver's own namespace ids (CX-4.1). `accept` and `application` are MSH-15 and MSH-16.
    """

    application: str
    facility: str
    sending_application: str = "HIE"
    sending_facility: str = "REGION"
    version: str = USUAL
    charset: str = "UNICODE UTF-8"
    declares: bool = True
    characters: EncodingCharacters = DEFAULT
    processing: str = "P"
    accept: str = ""
    application_acknowledgement: str = ""
    country: str = ""
    namespaces: Mapping[str, str] = field(default_factory=dict)

    @property
    def codec(self) -> str:
        """The Python codec of its character set."""
        return codec_of(self.charset) or "utf-8"

    @property
    def grammar(self) -> str:
        """The known version whose grammar it is written by."""
        return nearest(self.version) or USUAL

    def since(self, version: str) -> bool:
        """True where the receiver reads this version or a later one."""
        return parts(self.grammar) >= parts(version)
