"""Source records for the tests of the workbench."""

from __future__ import annotations

from typing import Any

from records.stored import Json


def patient(
    identity: str, name: str = "王晓梅", number: str = "370303198506120428", birth: str = "1985-06-12", **more: Any
) -> Json:
    """A source record."""
    return {
        "resourceType": "Patient", "id": identity, "name": [{"text": name}], "birthDate": birth, "gender": "female",
        "identifier": [{"system": "urn:oid:2.16.156.10011.1.3", "value": number}], **more,
    }  # fmt: skip
