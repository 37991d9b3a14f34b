"""
One file a message family: which segments say what, and with which consequences.

https://build.fhir.org/ig/HL7/v2-to-fhir/message_maps.html
"""
