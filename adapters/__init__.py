"""Wire formats: bytes to FHIR and back, and the sockets that carry them. Knows no store."""
