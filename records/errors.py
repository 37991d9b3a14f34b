"""
What the stores refuse, each with its FHIR issue code and HTTP status.

* RecordError
  + Invalid             not a valid resource            invalid            422 (400 when not readable at all)
  + NotUnderstood       not JSON, or not FHIR           structure          400
  + NotFound            no such resource                not-found          404
  + Gone                it was deleted                  deleted            410
  + Conflict            somebody else wrote first       conflict           409
  + PreconditionFailed  If-Match or a condition failed  conflict / multiple-matches  412
  + TooCostly           a limit of the server           too-costly         413 / 422
  + UnknownParameter    a search nobody can answer      not-supported      400

https://hl7.org/fhir/R4/valueset-issue-type.html
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Issue:
    """One finding: where (FHIRPath-like expression), what (no health data), how bad."""

    expression: str
    text: str
    code: str = "invalid"
    severity: str = "error"


class RecordError(Exception):
    """
    A refusal of the stores.

    `text` holds no health data; `issues` name each place that was wrong.
    """

    issue = "processing"
    status = 422

    def __init__(self, text: str, *, issues: Sequence[Issue] = (), status: int | None = None) -> None:
        super().__init__(text)
        self.text = text
        self.issues = tuple(issues)
        self.status = status or self.status


class Invalid(RecordError):
    """Readable, and against the rules of FHIR."""

    issue = "invalid"


class NotUnderstood(RecordError):
    """Not readable as a FHIR resource."""

    issue = "structure"
    status = 400


class NotFound(RecordError):
    """No such resource, or none that the caller may know of."""

    issue = "not-found"
    status = 404


class Gone(RecordError):
    """It existed and was deleted."""

    issue = "deleted"
    status = 410


class Conflict(RecordError):
    """Another writer came first."""

    issue = "conflict"
    status = 409


class PreconditionFailed(RecordError):
    """If-Match, If-None-Exist or a conditional reference was not met, or matched several."""

    issue = "conflict"
    status = 412


class TooCostly(RecordError):
    """More than the server does in one request."""

    issue = "too-costly"
    status = 413


class UnknownParameter(RecordError):
    """A search parameter, modifier or value that cannot be answered."""

    issue = "not-supported"
    status = 400
