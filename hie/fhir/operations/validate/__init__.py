"""
$validate: would this resource be taken, and does it conform? Nothing is stored.

https://hl7.org/fhir/R4/resource-operation-validate.html
"""
