"""
Reindexing: search keys are computed again after what resources are found by has changed; never a new version.

A change of what is indexed has a number, its generation; every stored resource says by which it was indexed (`g`). A
job visits those of an older one, and is complete when the database counts none. https://hl7.org/fhir/R4/search.html
"""

from __future__ import annotations

from records.reindexing.foreground import finish
from records.reindexing.job import Job, Progress
from records.reindexing.jobs import Jobs
from records.reindexing.keeper import Keeper
from records.reindexing.runner import Reindexer

__all__ = ["Job", "Jobs", "Keeper", "Progress", "Reindexer", "finish"]
