"""
Tables compiled for questions: code systems, value sets and concept maps, from wherever they come, in one form.

https://hl7.org/fhir/R4/terminology-module.html
"""
