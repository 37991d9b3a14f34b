"""
What to store when a message meets what is stored: pure decisions, one file a kind of fact.

spec: the order of statuses and moments, HL7 v2 chapters 3, 4, 7, 9 and 10.
"""
