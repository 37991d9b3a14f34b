"""
GraphQL over the stored resources: reading only, through the same decisions and the same trail as every other read.

https://hl7.org/fhir/R4/graphql.html
"""
