"""
MLLP: HL7 v2 messages over a byte stream, framed by 0x0B and 0x1C 0x0D, plain or over TLS.

HL7 v2 Transport Specification: MLLP, release 1
"""
