"""
One file an operation.

https://hl7.org/fhir/R4/operationslist.html
"""
