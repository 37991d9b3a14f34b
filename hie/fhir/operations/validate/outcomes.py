"""
The answer of $validate: an OperationOutcome with every finding, where it is, and in which line of the JSON sent.

https://hl7.org/fhir/R4/operationoutcome.html
"""

from __future__ import annotations

from collections.abc import Sequence

from hie.fhir.operations.validate.positions import Step, Text, steps
from records.errors import Issue
from records.stored import Json, encode

MOST_SHOWN = 200
MOST_BYTES = 2_000_000
LINE = "http://hl7.org/fhir/StructureDefinition/operationoutcome-issue-line"
COLUMN = "http://hl7.org/fhir/StructureDefinition/operationoutcome-issue-col"
ORDER = ("fatal", "error", "warning", "information")


def outcome(issues: Sequence[Issue], source: bytes = b"", at: Sequence[Step] = ()) -> bytes:
    """The worst first; where nothing is wrong, that is said before anything else."""
    found = sorted(issues, key=lambda one: ORDER.index(one.severity))
    if not any(one.severity in ("fatal", "error") for one in found):
        found.insert(0, Issue("", "The resource is valid.", "informational", "information"))
    if len(found) > MOST_SHOWN:
        text = f"{len(found) - MOST_SHOWN} more findings are not shown."
        found = [*found[:MOST_SHOWN], Issue("", text, "informational", "information")]
    # To find lines, the text is read once more for each issue: of a very large one they are not told.
    text_of = Text(source.decode("utf-8")) if 0 < len(source) <= MOST_BYTES else None
    shown = [_issue(one, text_of, at) for one in found]
    return encode({"resourceType": "OperationOutcome", "issue": shown})


def _issue(issue: Issue, source: Text | None, at: Sequence[Step]) -> Json:
    shown: Json = {"severity": issue.severity, "code": issue.code, "diagnostics": issue.text}
    if issue.expression:
        shown["expression"] = [issue.expression]
        if source is not None:
            line, column = source.position([*at, *steps(issue.expression)])
            places = [{"url": LINE, "valueInteger": line}, {"url": COLUMN, "valueInteger": column}]
            shown = {"extension": places, **shown}
    return shown
