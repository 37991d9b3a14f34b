"""
Unlink: two records that a source called one human are two again.

HL7 v2 chapter 3.3.37 (A37). Like every change of identity it touches links, never what the records say.
"""

from __future__ import annotations

from dataclasses import dataclass

from hie.exchange.filing import Filing
from hie.exchange.work import Work


@dataclass(frozen=True, slots=True)
class Unlink:
    """After store: the links are those of this message by now. Records of two persons are apart already."""

    filing: Filing

    async def __call__(self, work: Work) -> Work:
        if work.session is None:
            raise TypeError("records are unlinked inside a transaction")
        registry = self.filing.registry
        for pair in work.translation.unlinks:
            links = await registry.links.of_patients([pair.first, pair.second], work.session)
            persons = {link.person for link in links.values()}
            if len(links) == 2 and len(persons) == 1:
                await registry.unmerge([pair.second], session=work.session, by=work.entry.site)
        return work
