"""
The FHIR R4 REST interface: a transport-free router, one file an interaction, one file an operation.

https://hl7.org/fhir/R4/http.html
"""
