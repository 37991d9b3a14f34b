"""
What a site may send: types and processing ids that its profile takes; anything else is answered AR.

HL7 v2 chapter 2.9, table 0357
"""

from __future__ import annotations

from adapters.errors import Unsupported
from adapters.hl7v2.header import Header
from adapters.hl7v2.site import Site


def check(header: Header, site: Site) -> None:
    """Raises Unsupported (AR) where the profile of the site does not take the message."""
    if not site.accepts_type(header.code, header.trigger):
        raise Unsupported("Messages of this type are not taken from this site.", location="MSH^1^9", condition="200")
    sent = header.processing_id or "P"
    if site.processing and sent not in site.processing:
        raise Unsupported("This processing id is not taken from this site.", location="MSH^1^11", condition="202")
