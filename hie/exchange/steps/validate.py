"""
Validate: nothing enters the stores that is not valid FHIR.

https://hl7.org/fhir/R4/validation.html
"""

from __future__ import annotations

from dataclasses import dataclass, replace

from hie.exchange.holding import Held, nothing_more
from hie.exchange.work import Work
from records import validation
from records.errors import Invalid
from records.stored import Write


@dataclass(frozen=True, slots=True)
class Validate:
    """Check what will be written; Invalid names each place that is wrong, and never its value."""

    held: Held = nothing_more

    async def __call__(self, work: Work) -> Work:
        for write in work.writes:
            _check(write)
        await self.held(work.writes)
        return work


def _check(write: Write) -> None:
    if write.resource is None:
        return
    errors = [issue for issue in validation.validate(write.resource) if issue.severity in ("error", "fatal")]
    if errors:
        places = [replace(issue, expression=issue.expression or write.type) for issue in errors]
        raise Invalid("A resource would not be valid FHIR.", issues=places)
