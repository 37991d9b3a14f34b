"""
One tree of refusals, and one place where each becomes a FHIR issue, an HTTP status and an HL7 acknowledgement.

* HieError
  + SenderError       the content must be corrected            AE   422
    - Unprocessable   understood, and against the rules        AE   422
  + Unauthenticated   no token, or not a valid one              -   401
  + Refused           scope, consent or policy says no         AE   403
  + Unsupported       a type or version we do not take         AR   415
  + Unavailable       nothing wrong with it; send it again     AR   503
adapters.errors and records.errors hold the trees of the lower rooms; `fault` translates all three.
A database that is away is Unavailable, too. What is in none of them is our own bug: logged by type, dead-lettered,
answered with 500 or AR.
"""

from __future__ import annotations

from dataclasses import dataclass

from pymongo.errors import ConnectionFailure, ExecutionTimeout

from adapters.errors import AdapterError
from records.errors import Issue, RecordError


class HieError(Exception):
    """A refusal of the exchange. `text` is for the sender and holds no health data."""

    issue = "processing"
    status = 500
    acknowledgement = "AE"

    def __init__(self, text: str, *, expression: str = "") -> None:
        super().__init__(text)
        self.text = text
        self.expression = expression


class SenderError(HieError):
    """The sender must correct the content."""

    issue = "invalid"
    status = 422


class Unprocessable(SenderError):
    """Understood, and against the rules."""

    issue = "business-rule"


class Unauthenticated(HieError):
    """No token, or one that does not hold."""

    issue = "login"
    status = 401


class Refused(HieError):
    """Scope, relationship, consent or policy says no."""

    issue = "forbidden"
    status = 403


class Unsupported(HieError):
    """A type, format or version that is not taken."""

    issue = "not-supported"
    status = 415
    acknowledgement = "AR"


class Unavailable(HieError):
    """Nothing is wrong with the message; send it again."""

    issue = "transient"
    status = 503
    acknowledgement = "AR"


@dataclass(frozen=True, slots=True)
class Fault:
    """A refusal in every protocol's words."""

    status: int
    acknowledgement: str
    issues: tuple[Issue, ...]

    @property
    def text(self) -> str:
        return self.issues[0].text


def fault(error: Exception) -> Fault:
    """Translate any exception; one that is in no tree becomes 500 / AR without a word of its text."""
    match error:
        case HieError():
            return Fault(error.status, error.acknowledgement, (Issue(error.expression, error.text, error.issue),))
        case RecordError():
            issues = error.issues or (Issue("", error.text, error.issue),)
            return Fault(error.status, "AE", issues)
        case ConnectionFailure():
            return Fault(503, "AR", (Issue("", "The database does not answer; send it again.", "transient"),))
        case ExecutionTimeout():
            return Fault(503, "AR", (Issue("", "The database was not done in time; ask for less at once.", "timeout"),))
        case AdapterError():
            return Fault(400, error.acknowledgement, (Issue(error.location, error.text, "structure"),))
        case _:
            return Fault(500, "AR", (Issue("", "The exchange failed; what was sent is kept.", "exception"),))
