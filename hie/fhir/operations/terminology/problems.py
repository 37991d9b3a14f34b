"""
What cannot be said about codes, as refusals: never a silent no.

https://hl7.org/fhir/R4/valueset-issue-type.html
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from records.errors import Invalid, NotFound, RecordError, TooCostly
from terminology.tables.undecided import (
    Contradicted,
    Endless,
    NotOffered,
    Undecided,
    UnknownSystem,
    UnknownValueSet,
)

LONGEST = 200


class NotEvaluated(RecordError):
    """A definition that this server cannot evaluate."""

    issue = "not-supported"


def refusal(found: Undecided) -> RecordError:
    """The same as an error of the interface; a definition that leads to something unknown is 422, not 404."""
    about = found.subject[:LONGEST]
    match found:
        case UnknownSystem():
            return NotFound(f"The code system {about} is not known to this server.", status=422)
        case UnknownValueSet():
            return NotFound(f"The value set {about} is not known to this server.", status=422)
        case Endless():
            return TooCostly(f"{about} has more codes than are listed at once; ask by filter and count.", status=422)
        case NotOffered():
            return NotEvaluated(f"{about} cannot be evaluated by this server.")
        case Contradicted():
            return Invalid(f"{about} is not of the version that check-system-version asks for.")
        case _:
            return NotFound(f"Only a part of {about} is held here.", status=422)


@contextmanager
def told() -> Iterator[None]:
    """Turns what cannot be said inside into refusals."""
    try:
        yield
    except Undecided as found:
        raise refusal(found) from None


def unknown(kind: str, canonical: str) -> NotFound:
    """What the request itself names is not there."""
    return NotFound(f"The {kind} {canonical[:LONGEST]} is not known to this server.")
