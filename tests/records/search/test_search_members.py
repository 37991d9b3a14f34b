"""What recurring members say is remembered; the index is the same as if every parameter were looked for each time."""

from __future__ import annotations

import json
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from records.search.index import find, index, plans
from records.stored import decode

SUBJECT = {"reference": "Patient/p1", "display": "王晓梅"}
CODE = {"coding": [{"system": "http://loinc.org", "code": "8480-6", "display": "Systolic"}], "text": "收缩压"}
OBSERVATION = {
    "resourceType": "Observation",
    "id": "o1",
    "meta": {"versionId": "3", "lastUpdated": "2026-01-01T00:00:00Z", "source": "urn:x", "tag": [{"code": "t"}]},
    "status": "final",
    "code": CODE,
    "subject": SUBJECT,
    "effectivePeriod": {"start": "2026-01-01", "end": "2026-01-02"},
    "valueQuantity": {"value": Decimal("1.50"), "unit": "g", "system": "http://unitsofmeasure.org", "code": "g"},
}
PANEL = {
    **OBSERVATION,
    "id": "o2",
    "component": [{"code": {"coding": [{"system": "http://loinc.org", "code": "8462-4"}]}, "valueBoolean": True}],
}
NEWBORN = {"resourceType": "Patient", "id": "p2", "deceasedBoolean": False, "active": True, "birthDate": "2026-01-01"}
DEPARTED = {**NEWBORN, "id": "p3", "deceasedDateTime": "2026-01-02", "meta": {"profile": ["http://a", "http://b|1"]}}


def directly(resource: dict[str, Any]) -> tuple[set[str], dict[str, str]]:
    """Keys and sort values, every parameter looked for in the whole resource."""
    found = find(plans(resource["resourceType"]).every, resource)
    return set(found.keys), found.sort


class TestMembers:
    @pytest.mark.parametrize("resource", [OBSERVATION, PANEL, NEWBORN, DEPARTED, OBSERVATION])
    def test_same(self, resource: dict[str, Any]) -> None:
        """Keys and sort values are those of the parameters themselves, first and again."""
        for _ in range(2):
            made = index(resource)

            assert (set(made.keys), made.sort) == directly(resource)
            assert made.patients == (("p1",) if resource["resourceType"] == "Observation" else (resource["id"],))

    def test_each_its_own(self) -> None:
        """What one resource says is not found in another that looks like it."""
        other = index({**OBSERVATION, "subject": {"reference": "Patient/p9"}, "status": "amended"})

        assert other.patients == ("p9",)
        assert "status:final" not in other.keys and "patient=Patient/p1" not in other.keys
        assert "status:final" in index(OBSERVATION).keys

    def test_meta_of_a_version(self) -> None:
        """A new version with the same tags is found by them."""
        later = index({**OBSERVATION, "meta": {**OBSERVATION["meta"], "versionId": "4"}})  # type: ignore[dict-item]

        assert later == index(OBSERVATION)

    def test_histories(self, shared_data: Path) -> None:
        """Two whole histories: every type that a hospital sends."""
        for file in sorted((shared_data / "synthea").glob("*.json"))[:2]:
            for entry in json.loads(file.read_text())["entry"]:
                resource = decode(json.dumps(entry["resource"]))
                made = index(resource)

                assert set(made.keys) >= directly(resource)[0]
                assert made.sort == directly(resource)[1]
