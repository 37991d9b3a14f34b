"""What the FHIR server offers, with the tests that show it: `python -m tests.features --write PAGE`."""
