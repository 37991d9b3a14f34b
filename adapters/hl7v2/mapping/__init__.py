"""
The HL7 v2-to-FHIR guide's own tables, as data: compiled by `build`, read by `load`, carried out by `executing`.

https://build.fhir.org/ig/HL7/v2-to-fhir/
"""
