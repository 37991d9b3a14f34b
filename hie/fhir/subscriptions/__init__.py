"""
Subscriptions: who asked to be told of which change, and the telling; in order, at least once, never more than allowed.

https://hl7.org/fhir/R4/subscription.html, http://hl7.org/fhir/uv/subscriptions-backport/
"""
