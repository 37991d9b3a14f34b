"""
$summary: the International Patient Summary of a resident, over everything that sources recorded of that human.

http://hl7.org/fhir/uv/ips/OperationDefinition/summary
"""

from __future__ import annotations

from hie.fhir.operations.summary.operation import summary

__all__ = ["summary"]
