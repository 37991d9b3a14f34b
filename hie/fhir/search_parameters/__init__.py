"""
Search parameters that are added at run time: who may define them, and what is told of the making of their index.

https://hl7.org/fhir/R4/searchparameter.html
"""
