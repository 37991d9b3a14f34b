"""
One file a FHIR resource: segments in, dictionary out.

https://hl7.org/fhir/R4/resourcelist.html
"""
