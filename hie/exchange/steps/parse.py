"""
Parse: bytes of the journal to a message, with the profile of the site that sent them.

HL7 v2 chapter 2.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

from adapters.hl7v2 import parser
from hie.directory.sites import Directory
from hie.errors import Unavailable
from hie.exchange.work import Work


@dataclass(frozen=True, slots=True)
class Parse:
    """Find the sender's profile and read the message with it."""

    directory: Directory

    async def __call__(self, work: Work) -> Work:
        site = await self.directory.site_for(work.entry.sender)
        if site is None:
            # It was known when the message came: the registry is being edited, or its switch was turned.
            raise Unavailable("The sender is not in the directory.")
        site = work.entry.read_by(site)
        message = parser.parse(work.entry.raw, site=site)
        findings = tuple(f"{finding.location}: {finding.text}" for finding in message.findings)
        return replace(work, site=site, message=message, remarks=work.remarks + findings[:20])
