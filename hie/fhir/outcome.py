"""
Every refusal as an OperationOutcome.

https://hl7.org/fhir/R4/operationoutcome.html
"""

from __future__ import annotations

from collections.abc import Sequence

from hie.errors import Fault
from hie.fhir.call import Answer
from records.errors import Issue
from records.stored import encode

ISSUES_SHOWN = 100


def outcome(issues: Sequence[Issue]) -> bytes:
    """An OperationOutcome that lists these findings."""
    return encode({"resourceType": "OperationOutcome", "issue": [_issue(issue) for issue in issues[:ISSUES_SHOWN]]})


def _issue(issue: Issue) -> dict[str, object]:
    shown: dict[str, object] = {"severity": issue.severity, "code": issue.code, "diagnostics": issue.text}
    if issue.expression:
        shown["expression"] = [issue.expression]
    return shown


def refusal(fault: Fault) -> Answer:
    """The answer to a request that failed."""
    headers = {"WWW-Authenticate": 'Bearer realm="fhir"'} if fault.status == 401 else {}
    return Answer(fault.status, outcome(fault.issues), headers)


def informational(text: str) -> bytes:
    """All went well, in the standard's words."""
    return outcome([Issue("", text, "informational", "information")])
