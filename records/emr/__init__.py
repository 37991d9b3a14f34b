"""
电子病历, the electronic medical record: one facility's own words, kept as sent.

WS 445-2014 names its content. Every type that is in no other store is here: what a facility sends belongs to it.
"""
