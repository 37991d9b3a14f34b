"""HL7 v2: character sets, grammar, acknowledgements, and conversion to FHIR."""
