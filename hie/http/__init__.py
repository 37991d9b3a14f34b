"""The web edges besides FHIR and pages: HL7 v2 over HTTP, metrics, health, and what every answer carries."""
