"""
Feeds: a change in the exchange becomes an HL7 v2 message to each hospital that subscribes; in order, and at least once.

Never more than the receiver may see, and each disclosure is in the trail before it leaves. HL7 v2 chapter 2.9
"""
