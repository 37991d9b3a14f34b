"""
The grammar of every HL7 v2 version from 2.1 to 2.8.2: which segments and groups a message has, which fields a segment.

Compiled once a version from the tables that hl7apy carries. HL7 v2 chapters 2 to 17, and 2.A for the data types
"""

from adapters.hl7v2.grammar.load import grammar, warm
from adapters.hl7v2.grammar.model import Grammar
from adapters.hl7v2.grammar.versions import nearest

__all__ = ["Grammar", "grammar", "nearest", "warm"]
