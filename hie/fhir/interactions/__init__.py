"""
One file an interaction: a function from a call to an answer.

https://hl7.org/fhir/R4/http.html
"""
