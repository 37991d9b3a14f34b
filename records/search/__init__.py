"""
Search: one file a parameter type, each with how a value is indexed and how it is asked for.

https://hl7.org/fhir/R4/search.html
"""

from __future__ import annotations

from records.search.index import Index, index

__all__ = ["Index", "index"]
