"""
Bulk data: whole populations out as NDJSON, and in; durable jobs that any worker process carries on.

https://hl7.org/fhir/uv/bulkdata/
"""
