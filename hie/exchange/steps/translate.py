"""
Translate: what the message means, as facts.

https://build.fhir.org/ig/HL7/v2-to-fhir/
"""

from __future__ import annotations

from dataclasses import dataclass, replace

from adapters.hl7v2 import to_fhir
from hie.exchange.work import Work


@dataclass(frozen=True, slots=True)
class Translate:
    """Pure; the journal id becomes meta.source and Provenance."""

    async def __call__(self, work: Work) -> Work:
        if work.message is None or work.site is None:
            raise TypeError("parse comes before translate")
        translation = to_fhir.translate(
            work.message, site=work.site, received=work.entry.received, reference=work.entry.id
        )
        return replace(work, translation=translation, remarks=work.remarks + translation.remarks)
