"""
FHIR messages: events as rule data, filed whole or not at all, answered the same however often they come.

https://hl7.org/fhir/R4/messaging.html
"""
