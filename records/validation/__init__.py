"""
The gate of the stores: strict JSON, and the structure that R4 (4.0.1) asks for.

`parse` reads bytes, `validate` names everything that is wrong, `check` refuses. All of it runs over tables compiled
from the official definitions, because every write passes here. https://hl7.org/fhir/R4/validation.html
"""

from __future__ import annotations

from records.validation.reading import parse, read_json
from records.validation.resources import check, validate

__all__ = ["check", "parse", "read_json", "validate"]
