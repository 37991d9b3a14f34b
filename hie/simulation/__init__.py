"""
The demo region: residents, institutions and what happens between them, made up by seed and told through the doors.

Nothing here reaches into the exchange: hospitals send HL7 v2 over MLLP, clinics send FHIR over HTTP, like real ones.
"""
