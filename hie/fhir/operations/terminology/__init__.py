"""
The terminology service over FHIR: one file an operation.

https://hl7.org/fhir/R4/terminology-service.html
"""
