"""
FHIR R4 to HL7 v2 messages: pure functions from resources to the bytes that one receiver reads.

What the other way reads, this way writes, so that a message of ours read by ourselves says the same again.
https://build.fhir.org/ig/HL7/v2-to-fhir/, read backwards
"""
