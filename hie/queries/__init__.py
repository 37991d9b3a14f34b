"""
Queries in HL7 v2: asked over the inbound doors, answered at once, with the asking site's own rights, and in the trail.

HL7 v2 chapter 5; IHE ITI-9 (PIX), ITI-21 (PDQ); CDC immunization messaging (Z34)
"""
